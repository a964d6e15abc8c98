//! The schemas clients check their requests by.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use shared::identity::Caller;
use shared::image::schema;
use shared::operations::Info;
use shared::task;

// They never change.
static MEMBER: LazyLock<Value> = LazyLock::new(schema::member);
static MEMBERS: LazyLock<Value> = LazyLock::new(schema::members);
static TASK: LazyLock<Value> = LazyLock::new(task::schema::task);
static TASKS: LazyLock<Value> = LazyLock::new(task::schema::tasks);

/// Shows the schema of an image.
#[utoipa::path(get, path = "/v2/schemas/image", operation_id = "showImageSchema", tag = "discovery",
    responses((status = 200, description = "The schema", body = ref("#/components/schemas/Schema"),
        content_type = "application/json")))]
pub(crate) async fn image(State(info): State<Info>, _: Caller) -> Response {
    Json(info.image_schema()).into_response()
}

/// Shows the schema of a page of images.
#[utoipa::path(get, path = "/v2/schemas/images", operation_id = "showImagesSchema", tag = "discovery",
    responses((status = 200, description = "The schema", body = ref("#/components/schemas/Schema"),
        content_type = "application/json")))]
pub(crate) async fn images(State(info): State<Info>, _: Caller) -> Response {
    Json(info.images_schema()).into_response()
}

/// Shows the schema of a member of an image.
#[utoipa::path(get, path = "/v2/schemas/member", operation_id = "showMemberSchema", tag = "discovery",
    responses((status = 200, description = "The schema",
            body = ref("#/components/schemas/Schema"), content_type = "application/json")))]
pub(crate) async fn member(_: Caller) -> Json<&'static Value> {
    Json(&MEMBER)
}

/// Shows the schema of the members of an image.
#[utoipa::path(get, path = "/v2/schemas/members", operation_id = "showMembersSchema", tag = "discovery",
    responses((status = 200, description = "The schema",
            body = ref("#/components/schemas/Schema"), content_type = "application/json")))]
pub(crate) async fn members(_: Caller) -> Json<&'static Value> {
    Json(&MEMBERS)
}

/// Shows the schema of a task.
#[utoipa::path(get, path = "/v2/schemas/task", operation_id = "showTaskSchema", tag = "discovery",
    responses((status = 200, description = "The schema",
            body = ref("#/components/schemas/Schema"), content_type = "application/json")))]
pub(crate) async fn task(_: Caller) -> Json<&'static Value> {
    Json(&TASK)
}

/// Shows the schema of a page of tasks.
#[utoipa::path(get, path = "/v2/schemas/tasks", operation_id = "showTasksSchema", tag = "discovery",
    responses((status = 200, description = "The schema",
            body = ref("#/components/schemas/Schema"), content_type = "application/json")))]
pub(crate) async fn tasks(_: Caller) -> Json<&'static Value> {
    Json(&TASKS)
}
