use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use shared::http::{ApiError, BaseUrl, JsonBody};
use shared::id::RequestId;
use shared::identity::Caller;
use shared::operations::Tasks;

use crate::view::TaskView;

/// Takes a task (`POST /v2/tasks`). Who may not ask for one hears so before what is wrong with the body.
pub(crate) async fn create(
    State(tasks): State<Tasks>,
    caller: Caller,
    Extension(request): Extension<RequestId>,
    BaseUrl(base): BaseUrl,
    body: Result<JsonBody, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    tasks.check(&caller)?;
    let JsonBody(body) = body?;
    let task = tasks.submit(&caller, &request, body).await?;
    let location = format!("{base}/v2/tasks/{}", task.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(TaskView::from(task))))
}
