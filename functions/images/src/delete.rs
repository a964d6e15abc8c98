use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Images;

/// Deletes an image.
#[utoipa::path(delete, path = "/v2/images/{image_id}", operation_id = "deleteImage", tag = "images",
    params(ImagePath),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The image is protected, or the caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn delete(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<StatusCode, ApiError> {
    images.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
