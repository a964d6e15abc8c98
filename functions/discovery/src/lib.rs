//! What clients ask before they ask for images: versions, schemas, health, what there is to import by and to store in.
//!
//! Needs no table and no store, so neither is linked.

mod healthcheck;
mod info;
mod schemas;
mod versions;

use axum::Router;
use axum::routing::get;
use shared::operations::Info;

/// The routes of this function, to be put behind [`shared::http::serve`].
pub fn routes(info: Info) -> Router {
    Router::new()
        .route("/", get(versions::choose))
        .route("/versions", get(versions::list))
        .route("/versions/", get(versions::list))
        .route("/healthcheck", get(healthcheck::show).head(healthcheck::probe))
        .route("/v2/schemas/image", get(schemas::image))
        .route("/v2/schemas/images", get(schemas::images))
        .route("/v2/schemas/member", get(schemas::member))
        .route("/v2/schemas/members", get(schemas::members))
        .route("/v2/schemas/task", get(schemas::task))
        .route("/v2/schemas/tasks", get(schemas::tasks))
        .route("/v2/info/import", get(info::import))
        .route("/v2/info/stores", get(info::stores))
        .route("/v2/info/stores/detail", get(info::store_details))
        .with_state(info)
}

#[cfg(test)]
mod tests;
