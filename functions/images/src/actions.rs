use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath, NoBody};
use shared::identity::Caller;
use shared::operations::Images;

/// Keeps an image's data from being downloaded (`POST /v2/images/{image_id}/actions/deactivate`).
pub(crate) async fn deactivate(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.deactivate(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an image's data be downloaded again (`POST /v2/images/{image_id}/actions/reactivate`).
pub(crate) async fn reactivate(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.reactivate(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
