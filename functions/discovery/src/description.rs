//! The description of the API itself, as a file: it is made where all functions are seen (`cargo xtask openapi`).

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use shared::http::knows;

static DOCUMENT: &[u8] = include_bytes!("../../../docs/openapi.json");

static TAG: LazyLock<String> = LazyLock::new(|| format!("\"{:016x}\"", fnv(DOCUMENT)));

/// Describes the API, in OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", operation_id = "describe", tag = "discovery",
    params(("If-None-Match" = Option<String>, Header, description = "Tags of descriptions the client has.")),
    responses(
        (status = 200, description = "The description", body = ref("#/components/schemas/Schema"),
            content_type = "application/json", headers(("ETag" = String, description = "Changes when the description does."))),
        (status = 304, description = "The client has it already",
            headers(("ETag" = String, description = "Changes when the description does.")))))]
pub(crate) async fn show(headers: HeaderMap) -> Response {
    let tag = [(header::ETAG, TAG.as_str())];
    if knows(&headers, &TAG) {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, [(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

/// FNV-1a, of 64 bits: it tells two versions of a file apart, and needs no table.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
