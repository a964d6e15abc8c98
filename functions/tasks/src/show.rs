use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, TaskPath};
use shared::identity::Caller;
use shared::operations::Tasks;

use crate::view::TaskView;

/// Shows one task (`GET /v2/tasks/{task_id}`).
pub(crate) async fn show(
    State(tasks): State<Tasks>,
    caller: Caller,
    path: Result<TaskPath, ApiError>,
) -> Result<Json<TaskView>, ApiError> {
    tasks.check(&caller)?;
    let TaskPath(id) = path?;
    Ok(Json(tasks.show(&caller, &id).await?.into()))
}
