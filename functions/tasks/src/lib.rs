//! Tasks over HTTP. A handler extracts, calls one operation, converts, returns.

mod create;
mod delete;
mod image;
mod list;
mod show;
mod view;

use axum::Router;
use axum::routing::get;
use shared::operations::Tasks;

/// The routes of tasks.
pub fn routes(tasks: Tasks) -> Router {
    Router::new()
        .route("/v2/tasks", get(list::list).post(create::create))
        .route("/v2/tasks/{task_id}", get(show::show).delete(delete::delete))
        .route("/v2/images/{image_id}/tasks", get(image::list))
        .with_state(tasks)
}
