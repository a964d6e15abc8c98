//! The schemas clients check their requests by.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;
use shared::identity::Caller;
use shared::image::{ContainerFormat, DiskFormat, schema};
use shared::task;

// glanceclient asks before nearly every command, and the answer never changes.
static IMAGE: LazyLock<Value> = LazyLock::new(|| schema::image(DiskFormat::ALL, ContainerFormat::ALL));
static IMAGES: LazyLock<Value> = LazyLock::new(|| schema::images(DiskFormat::ALL, ContainerFormat::ALL));
static MEMBER: LazyLock<Value> = LazyLock::new(schema::member);
static MEMBERS: LazyLock<Value> = LazyLock::new(schema::members);
static TASK: LazyLock<Value> = LazyLock::new(task::schema::task);
static TASKS: LazyLock<Value> = LazyLock::new(task::schema::tasks);

/// Shows the schema of an image (`GET /v2/schemas/image`).
pub(crate) async fn image(_: Caller) -> Json<&'static Value> {
    Json(&IMAGE)
}

/// Shows the schema of a page of images (`GET /v2/schemas/images`).
pub(crate) async fn images(_: Caller) -> Json<&'static Value> {
    Json(&IMAGES)
}

/// Shows the schema of a member of an image (`GET /v2/schemas/member`).
pub(crate) async fn member(_: Caller) -> Json<&'static Value> {
    Json(&MEMBER)
}

/// Shows the schema of the members of an image (`GET /v2/schemas/members`).
pub(crate) async fn members(_: Caller) -> Json<&'static Value> {
    Json(&MEMBERS)
}

/// Shows the schema of a task (`GET /v2/schemas/task`).
pub(crate) async fn task(_: Caller) -> Json<&'static Value> {
    Json(&TASK)
}

/// Shows the schema of a page of tasks (`GET /v2/schemas/tasks`).
pub(crate) async fn tasks(_: Caller) -> Json<&'static Value> {
    Json(&TASKS)
}
