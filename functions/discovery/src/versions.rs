//! The versions document, under its two names.

use axum::response::Response;
use http::StatusCode;
use shared::http::{BaseUrl, version};

/// Lists the versions as a choice to make (`GET /`): status 300, which openstacksdk expects.
pub(crate) async fn choose(BaseUrl(base): BaseUrl) -> Response {
    version::answer(StatusCode::MULTIPLE_CHOICES, &base)
}

/// Lists the versions (`GET /versions`).
pub(crate) async fn list(BaseUrl(base): BaseUrl) -> Response {
    version::answer(StatusCode::OK, &base)
}
