//! Upload sessions over HTTP: Glint's addition to the Image API.

pub(crate) mod parts;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use shared::Error;
use shared::http::{ApiError, BaseUrl, ImagePath, JsonBody, NoBody, QueryPairs, UploadPath};
use shared::identity::Caller;
use shared::operations::{ImageData, SessionStatus, UploadRequest};

use crate::upload::{store, token};
use view::{PartsView, SessionView, SessionsView};

/// Parts on a page, when the request does not say.
const PAGE: u32 = 100;

/// Opens an upload session: the image's data comes part by part, straight into the store.
#[utoipa::path(post, path = "/v2/images/{image_id}/uploads", operation_id = "openUpload", tag = "image data",
    params(
        ImagePath,
        ("X-Image-Meta-Store" = Option<String>, Header, description = "The store that takes the data; the default one when left out.")),
    request_body(content_type = "application/json", description = "`size` in bytes; `md5` and `sha512` of the data in hexadecimal, if they are \
        known; `checksum`, `crc64nvme` or `sha256`, if every part is to come with one"),
    responses(
        (status = 201, description = "The session, and how its first parts are brought", headers(
            ("Location" = String, description = "The session."))),
        (status = 400, description = "A member is not as it should be, a format is not set, or the signature of the image cannot be verified"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "The image has data, or gets it now"),
        (status = 413, description = "More bytes than an image, or its owner, may have")))]
pub(crate) async fn open(
    State(data): State<ImageData>,
    caller: Caller,
    ImagePath(id): ImagePath,
    BaseUrl(base): BaseUrl,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<impl IntoResponse, ApiError> {
    let told = UploadRequest { size: None, store: store(&headers), token: token(&headers) };
    let session = data.open_session(&caller, &id, &told, &body, PAGE).await?;
    let view = SessionView::new(session, &base);
    Ok((StatusCode::CREATED, [(header::LOCATION, view.location(&base))], Json(view)))
}

/// Lists the upload sessions of an image that are under way, one at most: who lost the answer that opened one goes on with it.
#[utoipa::path(get, path = "/v2/images/{image_id}/uploads", operation_id = "listUploads", tag = "image data",
    params(ImagePath),
    responses(
        (status = 200, description = "The sessions, each as it is shown, with the first of its parts"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller")))]
pub(crate) async fn list(
    State(data): State<ImageData>,
    caller: Caller,
    ImagePath(id): ImagePath,
    BaseUrl(base): BaseUrl,
) -> Result<impl IntoResponse, ApiError> {
    let sessions = data.list_sessions(&caller, &id, PAGE).await?;
    Ok(Json(SessionsView::new(&id, sessions, &base)))
}

/// Shows an upload session: which parts have arrived, and how the others are brought.
#[utoipa::path(get, path = "/v2/images/{image_id}/uploads/{upload_id}", operation_id = "showUpload", tag = "image data",
    params(
        UploadPath,
        ("marker" = Option<u32>, Query, description = "Number of the last part of the page before."),
        ("limit" = Option<u32>, Query, description = "Parts on the page at most, 1 to 1000; 100 when left out.")),
    responses(
        (status = 200, description = "The session"),
        (status = 400, description = "A parameter is not a number"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such session"),
        (status = 409, description = "The session is being opened")))]
pub(crate) async fn show(
    State(data): State<ImageData>,
    caller: Caller,
    UploadPath(id, session): UploadPath,
    BaseUrl(base): BaseUrl,
    QueryPairs(query): QueryPairs,
) -> Result<impl IntoResponse, ApiError> {
    let (after, limit) = (number(&query, "marker", 0)?.unwrap_or(0), number(&query, "limit", 1)?);
    let session = data.show_session(&caller, &id, &session, after, limit.unwrap_or(PAGE)).await?;
    Ok(Json(SessionView::new(session, &base)))
}

/// Completes an upload session whose parts have all arrived.
#[utoipa::path(post, path = "/v2/images/{image_id}/uploads/{upload_id}/complete", operation_id = "completeUpload", tag = "image data",
    params(UploadPath),
    responses(
        (status = 200, description = "The image is active"),
        (status = 202, description = "The data is being hashed: ask for the session"),
        (status = 400, description = "The data is not what was announced; the image is queued again"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such session"),
        (status = 409, description = "Parts have not arrived"),
        (status = 410, description = "The image was deleted meanwhile")))]
pub(crate) async fn complete(
    State(data): State<ImageData>,
    caller: Caller,
    UploadPath(id, session): UploadPath,
    BaseUrl(base): BaseUrl,
    _: NoBody,
) -> Result<impl IntoResponse, ApiError> {
    let session = data.complete_session(&caller, &id, &session).await?;
    let is_complete = session.status == SessionStatus::Complete;
    let status = if is_complete { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(SessionView::new(session, &base))))
}

/// Gives an upload session up: the image is queued again, and what was brought is gone.
#[utoipa::path(delete, path = "/v2/images/{image_id}/uploads/{upload_id}", operation_id = "closeUpload", tag = "image data",
    params(UploadPath),
    responses(
        (status = 204, description = "It is given up"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such session"),
        (status = 409, description = "The session is complete")))]
pub(crate) async fn close(
    State(data): State<ImageData>,
    caller: Caller,
    UploadPath(id, session): UploadPath,
) -> Result<StatusCode, ApiError> {
    data.close_session(&caller, &id, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A number in the query.
fn number(query: &[(String, String)], name: &str, least: u32) -> Result<Option<u32>, Error> {
    let Some((_, text)) = query.iter().rfind(|(key, _)| key == name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= least);
    let wrong = || Error::Invalid(format!("{name}: must be a whole number, {least} or more, not '{text}'"));
    number.map(Some).ok_or_else(wrong)
}
