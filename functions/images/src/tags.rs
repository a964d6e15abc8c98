use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, NoBody, TagPath};
use shared::identity::Caller;
use shared::operations::Images;

/// Adds a tag (`PUT /v2/images/{image_id}/tags/{tag}`).
pub(crate) async fn add(
    State(images): State<Images>,
    caller: Caller,
    TagPath(id, tag): TagPath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.add_tag(&caller, &id, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a tag (`DELETE /v2/images/{image_id}/tags/{tag}`).
pub(crate) async fn remove(
    State(images): State<Images>,
    caller: Caller,
    TagPath(id, tag): TagPath,
) -> Result<StatusCode, ApiError> {
    images.remove_tag(&caller, &id, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}
