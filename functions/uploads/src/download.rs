//! Image data on its way out: carried, or answered with where the store has it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::Error;
use shared::http::{ApiError, BaseUrl, ImagePath, ObjectPath, QueryPairs, knows};
use shared::identity::Caller;
use shared::operations::{Download, ImageData, ImageInfo};
use shared::store::ObjectKey;

use crate::range;

/// Serves an image's data, or a range of it, or tells where the store has it.
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
        (status = 302, description = "The data is at this URL, for a while", headers(
            ("Location" = String, description = "A signed URL of the store."))),
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
    QueryPairs(query): QueryPairs,
    BaseUrl(base): BaseUrl,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let prefer = query.iter().find(|(name, _)| name == "prefer").map(|(_, stores)| stores.as_str());
    match data.open(&caller, &id, prefer).await? {
        None => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(download) => Ok(answer(&download, &base, &method, &headers).await?),
    }
}

/// Serves an object by a URL that was signed for it; without a token, and only where the store is this service's own.
#[utoipa::path(get, path = "/v2/images/{image_id}/objects/{object_id}", operation_id = "downloadObject", tag = "image data",
    params(
        ObjectPath,
        ("signature" = String, Query, description = "With `expires`, `filename` and `md5` beside it, as the URL has them."),
        ("Range" = Option<String>, Header, description = "The bytes wanted."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the data that the range is of."),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of data the client has.")),
    security(()),
    responses(
        (status = 200, description = "The data", content(("application/octet-stream")), headers(
            ("Content-Disposition" = String, description = "What it is saved as."),
            ("Content-MD5" = String, description = "MD5 of the data, in hexadecimal."),
            ("ETag" = String, description = "Stands for the data."))),
        (status = 206, description = "A part of the data", content(("application/octet-stream"))),
        (status = 304, description = "The client has the data already"),
        (status = 400, description = "Several ranges"),
        (status = 403, description = "The URL is none of this service's, or has expired"),
        (status = 404, description = "The object is removed, or objects are read from a bucket"),
        (status = 416, description = "No such range")))]
pub(crate) async fn object(
    State(data): State<ImageData>,
    ObjectPath(image, object): ObjectPath,
    QueryPairs(query): QueryPairs,
    BaseUrl(base): BaseUrl,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let download = data.open_signed(image, &object, &query).await?;
    let mut response = answer(&download, &base, &method, &headers).await?;
    if let Ok(name) = HeaderValue::try_from(download.file_name.disposition()) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

async fn answer(
    download: &Download,
    base: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let ImageInfo { size, checksum } = &download.info;
    let etag = checksum.as_ref().map(|checksum| format!("\"{checksum}\""));
    if let Some(etag) = etag.as_ref().filter(|etag| knows(headers, etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response());
    }
    let asked = if range_counts(headers, etag.as_deref()) { range::asked(headers, *size)? } else { None };
    if may_go_elsewhere(method, headers) {
        let ours = |key: &ObjectKey, query: &str| {
            format!("{base}/v2/images/{}/objects/{}?{query}", key.image(), key.blob())
        };
        if let Some(url) = download.redirect(ours).await? {
            return found(&url);
        }
    }
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

/// Whether another server can answer instead. What it takes of a HEAD is not what was signed, and no store knows the old form of a
/// range.
fn may_go_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && (headers.contains_key(header::RANGE) || !headers.contains_key(header::CONTENT_RANGE))
}

/// Sends the client there. The URL is leave to read: nobody keeps it.
fn found(url: &str) -> Result<Response, Error> {
    let url = HeaderValue::try_from(url).map_err(Error::internal)?;
    let never = HeaderValue::from_static("no-store");
    Ok((StatusCode::FOUND, [(header::LOCATION, url), (header::CACHE_CONTROL, never)]).into_response())
}

const CONTENT_MD5: header::HeaderName = header::HeaderName::from_static("content-md5");

/// Whether a range goes with the bytes there are (`If-Range`); if not, the whole is sent.
fn range_counts(headers: &HeaderMap, etag: Option<&str>) -> bool {
    headers
        .get(header::IF_RANGE)
        .is_none_or(|value| etag.is_some_and(|etag| value.as_bytes() == etag.as_bytes()))
}
