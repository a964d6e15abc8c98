use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::Error;
use shared::http::{ApiError, ImagePath, knows};
use shared::identity::Caller;
use shared::operations::{Download, ImageData, ImageInfo};

use crate::range;

/// Serves an image's data, or a range of it.
#[utoipa::path(get, path = "/v2/images/{image_id}/file", operation_id = "downloadImage", tag = "image data",
    params(
        ImagePath,
        ("Range" = Option<String>, Header, description = "The bytes wanted: `bytes=0-99`, `bytes=100-` or `bytes=-100`."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the data that the range is of; of other data, all is sent."),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of data the client has.")),
    responses(
        (status = 200, description = "The data", content(("application/octet-stream")), headers(
            ("Accept-Ranges" = String, description = "`bytes`."),
            ("Content-MD5" = String, description = "MD5 of the data, in hexadecimal."),
            ("ETag" = String, description = "Stands for the data."))),
        (status = 204, description = "The image has no data yet"),
        (status = 206, description = "A part of the data", content(("application/octet-stream")), headers(
            ("Accept-Ranges" = String, description = "`bytes`."),
            ("Content-Range" = String, description = "Which bytes, and of how many."),
            ("Content-MD5" = String, description = "MD5 of the whole data, in hexadecimal."),
            ("ETag" = String, description = "Stands for the whole data."))),
        (status = 304, description = "The client has the data already",
            headers(("ETag" = String, description = "Stands for the data."))),
        (status = 400, description = "Several ranges"),
        (status = 403, description = "The caller may not, or the image is deactivated"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 413, description = "More bytes than pass through this endpoint: ask for ranges, or another"),
        (status = 416, description = "No such range")))]
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
    if let Some(etag) = etag.as_ref().filter(|etag| knows(headers, etag)) {
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

/// Whether a range goes with the bytes there are (`If-Range`); if not, the whole is sent.
fn range_counts(headers: &HeaderMap, etag: Option<&str>) -> bool {
    headers
        .get(header::IF_RANGE)
        .is_none_or(|value| etag.is_some_and(|etag| value.as_bytes() == etag.as_bytes()))
}
