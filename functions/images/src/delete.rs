use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Images;

/// Deletes an image (`DELETE /v2/images/{image_id}`).
pub(crate) async fn delete(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<StatusCode, ApiError> {
    images.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
