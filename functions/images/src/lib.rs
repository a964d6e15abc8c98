//! Image records over HTTP. A handler extracts, calls one operation, converts, returns.

mod create;
mod delete;
mod list;
mod show;
mod tags;
mod update;
mod view;

use axum::Router;
use axum::routing::{get, put};
use shared::operations::Images;

/// The routes of image records.
pub fn routes(images: Images) -> Router {
    Router::new()
        .route("/v2/images", get(list::list).post(create::create))
        .route("/v2/images/{image_id}", get(show::show).patch(update::update).delete(delete::delete))
        .route("/v2/images/{image_id}/tags/{tag}", put(tags::add).delete(tags::remove))
        .with_state(images)
}
