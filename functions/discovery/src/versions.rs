//! The versions document, under its two names.

use axum::response::Response;
use http::StatusCode;
use shared::http::{BaseUrl, version};

/// Lists the versions as a choice to make.
///
/// The status is 300, which openstacksdk expects.
#[utoipa::path(get, path = "/", operation_id = "chooseVersion", tag = "discovery",
    responses((status = 300, description = "The versions", body = ref("#/components/schemas/Versions"),
        content_type = "application/json")))]
pub(crate) async fn choose(BaseUrl(base): BaseUrl) -> Response {
    version::answer(StatusCode::MULTIPLE_CHOICES, &base)
}

/// Lists the versions.
#[utoipa::path(get, path = "/versions", operation_id = "listVersions", tag = "discovery",
    responses((status = 200, description = "The versions", body = ref("#/components/schemas/Versions"),
        content_type = "application/json")))]
pub(crate) async fn list(BaseUrl(base): BaseUrl) -> Response {
    version::answer(StatusCode::OK, &base)
}

/// Lists the versions, under the name some clients use.
#[utoipa::path(get, path = "/versions/", operation_id = "listVersionsSlash", tag = "discovery",
    responses((status = 200, description = "The versions", body = ref("#/components/schemas/Versions"),
        content_type = "application/json")))]
pub(crate) async fn list_slash(base: BaseUrl) -> Response {
    list(base).await
}
