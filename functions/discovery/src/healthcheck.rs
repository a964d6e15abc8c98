//! Whether this process answers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use shared::http::prefers_json;

/// Says that the process answers.
///
/// As text, or as JSON where that is preferred.
#[utoipa::path(get, path = "/healthcheck", operation_id = "showHealth", tag = "discovery",
    responses((status = 200, description = "It answers", content(
        (String = "text/plain"),
        (ref("#/components/schemas/Health") = "application/json")))))]
pub(crate) async fn show(headers: HeaderMap) -> Response {
    if prefers_json(&headers) {
        Json(json!({ "detailed": false, "reasons": ["OK"] })).into_response()
    } else {
        "OK".into_response()
    }
}

/// Says that the process answers, by the status alone.
#[utoipa::path(head, path = "/healthcheck", operation_id = "probeHealth", tag = "discovery",
    responses((status = 204, description = "It answers")))]
pub(crate) async fn probe() -> StatusCode {
    StatusCode::NO_CONTENT
}
