use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::Error;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::{Download, ImageData, ImageInfo};

use crate::range;

/// Serves an image's data, or a range of it (`GET` and `HEAD /v2/images/{image_id}/file`).
pub(crate) async fn download(
    State(data): State<ImageData>,
    caller: Caller,
    ImagePath(id): ImagePath,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match data.open(&caller, &id).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(download) => Ok(answer(&download, &method, &headers).await?),
    }
}

async fn answer(download: &Download, method: &Method, headers: &HeaderMap) -> Result<Response, Error> {
    let ImageInfo { size, checksum } = &download.info;
    let etag = checksum.as_ref().map(|checksum| format!("\"{checksum}\""));
    if let Some(etag) = etag.as_ref().filter(|etag| is_known(headers, etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response());
    }
    let asked = if range_counts(headers, etag.as_deref()) { range::asked(headers, *size)? } else { None };
    let range = asked.clone().unwrap_or(0..*size);
    let length = range.end - range.start;

    // A HEAD has everything but the bytes: the store is not asked.
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(download.read(range.clone()).await?)
    };
    let mut response = body.into_response();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    if let (Some(checksum), Some(etag)) = (checksum, etag) {
        // In hexadecimal, and of the whole even for a part: what Glance sends and its clients check.
        set(CONTENT_MD5, checksum.clone());
        set(header::ETAG, etag);
    }
    if asked.is_some() {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

const CONTENT_MD5: header::HeaderName = header::HeaderName::from_static("content-md5");

/// Whether the client has these bytes already (`If-None-Match`; weak comparison, RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether a range goes with the bytes there are (`If-Range`); if not, the whole is sent.
fn range_counts(headers: &HeaderMap, etag: Option<&str>) -> bool {
    headers
        .get(header::IF_RANGE)
        .is_none_or(|value| etag.is_some_and(|etag| value.as_bytes() == etag.as_bytes()))
}
