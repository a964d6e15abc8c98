//! Whether this process answers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use shared::http::prefers_json;

/// Says that the process answers (`GET /healthcheck`): as text, or as JSON where that is preferred.
pub(crate) async fn show(headers: HeaderMap) -> Response {
    if prefers_json(&headers) {
        Json(json!({ "detailed": false, "reasons": ["OK"] })).into_response()
    } else {
        "OK".into_response()
    }
}

/// Says so by the status alone (`HEAD /healthcheck`).
pub(crate) async fn probe() -> StatusCode {
    StatusCode::NO_CONTENT
}
