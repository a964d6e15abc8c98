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
        session::show,
        session::complete,
        session::close,
        parts::sign,
    ];
    routes.layer(DefaultBodyLimit::disable()).with_state(data)
}

/// The route by which a process takes parts for a store of its own. No function has one: there, parts go to the bucket.
pub fn part_routes(data: ImageData) -> Routes {
    routes![parts::take].layer(DefaultBodyLimit::disable()).with_state(data)
}
