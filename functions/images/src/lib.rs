//! Image records over HTTP. A handler extracts, calls one operation, converts, returns.

mod actions;
mod create;
mod delete;
mod list;
mod members;
mod show;
mod tags;
mod update;
mod view;

use axum::Router;
use axum::routing::{get, post, put};
use shared::operations::{Images, Members};

/// The routes of image records and of their members.
pub fn routes(images: Images, members: Members) -> Router {
    let member = get(members::show).put(members::set_status).delete(members::remove);
    let members = Router::new()
        .route("/v2/images/{image_id}/members", get(members::list).post(members::add))
        .route("/v2/images/{image_id}/members/{member_id}", member)
        .with_state(members);
    Router::new()
        .route("/v2/images", get(list::list).post(create::create))
        .route("/v2/images/{image_id}", get(show::show).patch(update::update).delete(delete::delete))
        .route("/v2/images/{image_id}/tags/{tag}", put(tags::add).delete(tags::remove))
        .route("/v2/images/{image_id}/actions/deactivate", post(actions::deactivate))
        .route("/v2/images/{image_id}/actions/reactivate", post(actions::reactivate))
        .with_state(images)
        .merge(members)
}
