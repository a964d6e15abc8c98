use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use shared::http::{ApiError, BaseUrl, JsonBody};
use shared::id::RequestId;
use shared::identity::{Caller, Token};
use shared::operations::{ImportCall, Tasks};
use shared::ports::Tokens;

use crate::view::TaskView;

/// Takes a task. Who may not ask for one hears so before what is wrong with the body.
#[utoipa::path(post, path = "/v2/tasks", operation_id = "createTask", tag = "tasks",
    request_body(content = ref("#/components/schemas/NewTask"), content_type = "application/json"),
    responses(
        (status = 201, description = "The task",
            body = ref("#/components/schemas/Task"), content_type = "application/json",
            headers(("Location" = String, description = "URL of the task."))),
        (status = 400, description = "No JSON object, or a value that does not fit"),
        (status = 403, description = "The caller may not"),
        (status = 413, description = "The input is too long")))]
pub(crate) async fn create(
    State(tasks): State<Tasks>,
    caller: Caller,
    Extension(request): Extension<RequestId>,
    BaseUrl(base): BaseUrl,
    headers: HeaderMap,
    body: Result<JsonBody, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    tasks.check(&caller)?;
    let JsonBody(body) = body?;
    let token = headers.get(Tokens::USER_HEADER).and_then(|value| value.to_str().ok()).map(Token::new);
    let call = ImportCall { caller: &caller, request: &request, store: None, token: token.as_ref() };
    let task = tasks.submit(&call, body).await?;
    let location = format!("{base}/v2/tasks/{}", task.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(TaskView::from(task))))
}
