use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::http::ApiError;
use shared::identity::Caller;
use shared::operations::Images;

/// What a project uses of one resource, and how much it may; -1 is any amount. Bytes are told in MiB.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceUsageView {
    usage: u64,
    limit: i64,
}

/// Shows what the caller's project uses and may use.
#[utoipa::path(get, path = "/v2/info/usage", operation_id = "showUsage", tag = "info",
    responses(
        (status = 200, description = "Usage and limit of each resource",
            body = ref("#/components/schemas/Usage"), content_type = "application/json"),
        (status = 403, description = "The token is not a project's")))]
pub(crate) async fn show(
    State(images): State<Images>,
    caller: Caller,
) -> Result<Json<BTreeMap<&'static str, BTreeMap<&'static str, ResourceUsageView>>>, ApiError> {
    let usage = images.usage_of_caller(&caller).await?.into_iter().map(|one| {
        let limit = one.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        (one.resource.name(), ResourceUsageView { usage: one.usage, limit })
    });
    Ok(Json(BTreeMap::from([("usage", usage.collect())])))
}
