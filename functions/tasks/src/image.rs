use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Tasks;

use crate::view::ImageTasksView;

/// Lists what was done to an image (`GET /v2/images/{image_id}/tasks`).
pub(crate) async fn list(
    State(tasks): State<Tasks>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<ImageTasksView>, ApiError> {
    Ok(Json(tasks.of_image(&caller, &id).await?.into()))
}
