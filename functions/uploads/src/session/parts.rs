//! Parts of upload sessions: signed for clients, and taken where the store is this service's own.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use shared::http::{ApiError, BaseUrl, JsonBody, PartPath, QueryPairs, UploadPath};
use shared::identity::Caller;
use shared::operations::{BroughtPart, ImageData};

use super::PartsView;
use crate::upload::chunks;

/// Signs parts of a session that was opened with a checksum, each for its own.
#[utoipa::path(post, path = "/v2/images/{image_id}/uploads/{upload_id}/parts", operation_id = "signUploadParts", tag = "image data",
    params(UploadPath),
    request_body(content_type = "application/json", description = "`parts`: 1 to 1000 of them, each with its `number` and, by the name of its kind, its \
        checksum in base 64"),
    responses(
        (status = 200, description = "How the parts are brought"),
        (status = 400, description = "A member is not as it should be, or the session was opened without a checksum"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such session"),
        (status = 409, description = "The session is not open")))]
pub(crate) async fn sign(
    State(data): State<ImageData>,
    caller: Caller,
    UploadPath(id, session): UploadPath,
    BaseUrl(base): BaseUrl,
    JsonBody(body): JsonBody,
) -> Result<impl IntoResponse, ApiError> {
    let parts = data.sign_session_parts(&caller, &id, &session, &body).await?;
    let this = format!("/v2/images/{id}/uploads/{session}");
    Ok(Json(PartsView::new(parts, &base, &this)))
}

/// Takes a part by a URL that was signed for it; without a token, and only where the store is this service's own.
#[utoipa::path(put, path = "/v2/images/{image_id}/uploads/{upload_id}/parts/{number}", operation_id = "bringUploadPart", tag = "image data",
    params(
        PartPath,
        ("signature" = String, Query, description = "With `offset`, `length`, `expires` and a checksum beside it, as the URL has them.")),
    security(()),
    request_body(content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The part has arrived", headers(
            ("ETag" = String, description = "Stands for its content."))),
        (status = 400, description = "Not the bytes that the URL was signed for"),
        (status = 403, description = "The URL is none of this service's, or has expired"),
        (status = 404, description = "The session has ended, or its parts go to a bucket"),
        (status = 409, description = "Another request brings the part"),
        (status = 413, description = "The store is full")))]
pub(crate) async fn take(
    State(data): State<ImageData>,
    PartPath(image, session, number): PartPath,
    QueryPairs(query): QueryPairs,
    request: Request,
) -> Result<impl IntoResponse, ApiError> {
    let part = BroughtPart { image, session, number, query };
    let etag = data.take_part(part, Box::pin(chunks(request.into_body()))).await?;
    let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
    Ok((StatusCode::OK, [(header::ETAG, etag)]))
}
