use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath, NoBody};
use shared::identity::Caller;
use shared::operations::Images;

/// Keeps an image's data from being downloaded.
#[utoipa::path(post, path = "/v2/images/{image_id}/actions/deactivate", operation_id = "deactivateImage", tag = "images",
    params(ImagePath),
    responses(
        (status = 204, description = "Its data is not downloaded any more"),
        (status = 400, description = "The request has a body"),
        (status = 403, description = "The image is neither active nor deactivated, or the caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn deactivate(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.deactivate(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an image's data be downloaded again.
#[utoipa::path(post, path = "/v2/images/{image_id}/actions/reactivate", operation_id = "reactivateImage", tag = "images",
    params(ImagePath),
    responses(
        (status = 204, description = "Its data is downloaded again"),
        (status = 400, description = "The request has a body"),
        (status = 403, description = "The image is neither active nor deactivated, or the caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn reactivate(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.reactivate(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
