use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, QueryPairs};
use shared::identity::Caller;
use shared::operations::Tasks;
use shared::task::TaskListRequest;

use crate::parameters::ListParameters;
use crate::view::TasksView;

/// Lists tasks.
#[utoipa::path(get, path = "/v2/tasks", operation_id = "listTasks", tag = "tasks",
    params(ListParameters),
    responses(
        (status = 200, description = "A page of tasks",
            body = ref("#/components/schemas/Tasks"), content_type = "application/json"),
        (status = 400, description = "A value that does not fit"),
        (status = 403, description = "The caller may not")))]
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
