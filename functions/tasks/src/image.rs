use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Tasks;

use crate::view::ImageTasksView;

/// Lists what was done to an image.
#[utoipa::path(get, path = "/v2/images/{image_id}/tasks", operation_id = "listImageTasks", tag = "tasks",
    params(ImagePath),
    responses(
        (status = 200, description = "What was done to the image",
            body = ref("#/components/schemas/ImageTasks"), content_type = "application/json"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller")))]
pub(crate) async fn list(
    State(tasks): State<Tasks>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<ImageTasksView>, ApiError> {
    Ok(Json(ImageTasksView::new(tasks.of_image(&caller, &id).await?)))
}
