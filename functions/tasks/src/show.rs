use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, TaskPath};
use shared::identity::Caller;
use shared::operations::Tasks;

use crate::view::TaskView;

/// Shows one task.
#[utoipa::path(get, path = "/v2/tasks/{task_id}", operation_id = "showTask", tag = "tasks",
    params(TaskPath),
    responses(
        (status = 200, description = "The task",
            body = ref("#/components/schemas/Task"), content_type = "application/json"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such task")))]
pub(crate) async fn show(
    State(tasks): State<Tasks>,
    caller: Caller,
    path: Result<TaskPath, ApiError>,
) -> Result<Json<TaskView>, ApiError> {
    tasks.check(&caller)?;
    let TaskPath(id) = path?;
    let task = tasks.show(&caller, &id).await?;
    let progress = tasks.progress(&task).await?;
    Ok(Json(TaskView::from(task).told(progress)))
}
