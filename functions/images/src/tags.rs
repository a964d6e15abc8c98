use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, NoBody, TagPath};
use shared::identity::Caller;
use shared::operations::Images;

/// Adds a tag.
#[utoipa::path(put, path = "/v2/images/{image_id}/tags/{tag}", operation_id = "addTag", tag = "images",
    params(TagPath),
    responses(
        (status = 204, description = "The image has the tag"),
        (status = 400, description = "The tag is too long, or the request has a body"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "It is changed all the time"),
        (status = 413, description = "The image has as many tags as it may")))]
pub(crate) async fn add(
    State(images): State<Images>,
    caller: Caller,
    TagPath(id, tag): TagPath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    images.add_tag(&caller, &id, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a tag.
#[utoipa::path(delete, path = "/v2/images/{image_id}/tags/{tag}", operation_id = "removeTag", tag = "images",
    params(TagPath),
    responses(
        (status = 204, description = "The image has it no more"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or it has no such tag"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn remove(
    State(images): State<Images>,
    caller: Caller,
    TagPath(id, tag): TagPath,
) -> Result<StatusCode, ApiError> {
    images.remove_tag(&caller, &id, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}
