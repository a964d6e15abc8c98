//! What clients ask before they ask for images: versions, schemas, health.
//!
//! Needs no table and no store, so neither is linked.

mod description;
mod healthcheck;
mod schemas;
mod versions;

use shared::http::Routes;
use shared::routes;

/// The routes of this function, to be put behind [`shared::http::serve`].
pub fn routes() -> Routes {
    routes![
        versions::choose,
        versions::list,
        versions::list_slash,
        healthcheck::show,
        healthcheck::probe,
        description::show,
        schemas::image,
        schemas::images,
    ]
}

#[cfg(test)]
mod tests;
