use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, TaskPath};
use shared::identity::Caller;
use shared::operations::Tasks;

/// Says that tasks are not deleted.
#[utoipa::path(delete, path = "/v2/tasks/{task_id}", operation_id = "deleteTask", tag = "tasks",
    params(TaskPath),
    responses(
        (status = 403, description = "The caller may not"),
        (status = 405, description = "No task is ever deleted by a request", headers(("Allow" = String, description = "`GET`.")))))]
pub(crate) async fn delete(State(tasks): State<Tasks>, caller: Caller) -> Result<StatusCode, ApiError> {
    tasks.delete(&caller)?;
    Ok(StatusCode::NO_CONTENT)
}
