//! Image bytes over HTTP. A handler extracts, calls one operation, converts, returns.

mod download;
mod range;
mod upload;

use axum::extract::DefaultBodyLimit;
use shared::http::Routes;
use shared::operations::ImageData;
use shared::routes;

/// The routes of image bytes.
pub fn routes(data: ImageData) -> Routes {
    routes![download::download, upload::upload].layer(DefaultBodyLimit::disable()).with_state(data)
}
