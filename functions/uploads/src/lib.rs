//! Image bytes over HTTP. A handler extracts, calls one operation, converts, returns.

mod download;
mod range;
mod session;
mod stage;
mod upload;

use axum::extract::DefaultBodyLimit;
use shared::http::Routes;
use shared::operations::ImageData;
use shared::routes;

use self::session::parts;

/// The routes of image bytes.
pub fn routes(data: ImageData) -> Routes {
    let routes = routes![
        download::download,
        upload::upload,
        stage::stage,
        session::open,
        session::list,
        session::show,
        session::complete,
        session::close,
        parts::sign,
    ];
    routes.layer(DefaultBodyLimit::disable()).with_state(data)
}

/// The routes by which a process takes parts for a store of its own, and gives its objects, by signed URLs. No function has one:
/// there, clients ask the bucket.
pub fn part_routes(data: ImageData) -> Routes {
    routes![parts::take, download::object].layer(DefaultBodyLimit::disable()).with_state(data)
}
