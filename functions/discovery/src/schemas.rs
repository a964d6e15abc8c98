//! The schemas clients check their requests by.

use std::sync::LazyLock;

use axum::Json;
use serde_json::Value;
use shared::identity::Caller;
use shared::image::{ContainerFormat, DiskFormat, schema};

// glanceclient asks before nearly every command, and the answer never changes.
static IMAGE: LazyLock<Value> = LazyLock::new(|| schema::image(DiskFormat::ALL, ContainerFormat::ALL));
static IMAGES: LazyLock<Value> = LazyLock::new(|| schema::images(DiskFormat::ALL, ContainerFormat::ALL));

/// Shows the schema of an image.
#[utoipa::path(get, path = "/v2/schemas/image", operation_id = "showImageSchema", tag = "discovery",
    responses((status = 200, description = "The schema", body = ref("#/components/schemas/Schema"),
        content_type = "application/json")))]
pub(crate) async fn image(_: Caller) -> Json<&'static Value> {
    Json(&IMAGE)
}

/// Shows the schema of a page of images.
#[utoipa::path(get, path = "/v2/schemas/images", operation_id = "showImagesSchema", tag = "discovery",
    responses((status = 200, description = "The schema", body = ref("#/components/schemas/Schema"),
        content_type = "application/json")))]
pub(crate) async fn images(_: Caller) -> Json<&'static Value> {
    Json(&IMAGES)
}
