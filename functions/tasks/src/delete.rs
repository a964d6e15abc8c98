use axum::extract::State;
use axum::http::StatusCode;
use shared::http::ApiError;
use shared::identity::Caller;
use shared::operations::Tasks;

/// Says that tasks are not deleted (`DELETE /v2/tasks/{task_id}`).
pub(crate) async fn delete(State(tasks): State<Tasks>, caller: Caller) -> Result<StatusCode, ApiError> {
    tasks.delete(&caller)?;
    Ok(StatusCode::NO_CONTENT)
}
