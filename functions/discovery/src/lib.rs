//! What clients ask before they ask for images: versions, schemas, health.
//!
//! Needs no table and no store, so neither is linked.

mod healthcheck;
mod schemas;
mod versions;

use axum::Router;
use axum::routing::get;

/// The routes of this function, to be put behind [`shared::http::serve`].
pub fn routes() -> Router {
    Router::new()
        .route("/", get(versions::choose))
        .route("/versions", get(versions::list))
        .route("/versions/", get(versions::list))
        .route("/healthcheck", get(healthcheck::show).head(healthcheck::probe))
        .route("/v2/schemas/image", get(schemas::image))
        .route("/v2/schemas/images", get(schemas::images))
}

#[cfg(test)]
mod tests;
