use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, StorePath};
use shared::identity::Caller;
use shared::operations::Images;

/// Removes an image's data from one store.
#[utoipa::path(delete, path = "/v2/stores/{store_id}/{image_id}", operation_id = "removeFromStore", tag = "images",
    params(StorePath),
    responses(
        (status = 204, description = "It is gone from there"),
        (status = 403, description = "The image lies nowhere else, or the caller may not"),
        (status = 404, description = "There is no such image to the caller, or not in the store"),
        (status = 409, description = "There is no such store, or the image is not active")))]
pub(crate) async fn remove(
    State(images): State<Images>,
    caller: Caller,
    StorePath(store, id): StorePath,
) -> Result<StatusCode, ApiError> {
    images.remove_from_store(&caller, &store, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
