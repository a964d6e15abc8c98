//! What clients ask before they ask for images: versions, schemas, health, what there is to import by and to store in.
//!
//! Needs no table and no store, so neither is linked.

mod description;
mod healthcheck;
mod info;
mod schemas;
mod versions;

use shared::http::Routes;
use shared::operations::Info;
use shared::routes;

/// The routes of this function, to be put behind [`shared::http::serve`].
pub fn routes(info: Info) -> Routes {
    routes![
        versions::choose,
        versions::list,
        versions::list_slash,
        healthcheck::show,
        healthcheck::probe,
        description::show,
        schemas::image,
        schemas::images,
        schemas::member,
        schemas::members,
        schemas::task,
        schemas::tasks,
        info::import,
        info::stores,
        info::store_details,
    ]
    .with_state(info)
}

#[cfg(test)]
mod tests;
