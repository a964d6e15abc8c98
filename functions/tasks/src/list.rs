use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, QueryPairs};
use shared::identity::Caller;
use shared::operations::Tasks;
use shared::task::TaskListRequest;

use crate::view::TasksView;

/// Lists tasks (`GET /v2/tasks`).
pub(crate) async fn list(
    State(tasks): State<Tasks>,
    caller: Caller,
    QueryPairs(query): QueryPairs,
) -> Result<Json<TasksView>, ApiError> {
    tasks.check(&caller)?;
    let request = TaskListRequest::parse(&query, tasks.pages())?;
    let page = tasks.list(&caller, &request).await?;
    Ok(Json(TasksView::new(page, &query)))
}
