//! Image bytes over HTTP. A handler extracts, calls one operation, converts, returns.

mod download;
mod range;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use shared::operations::ImageData;

/// The routes of image bytes.
pub fn routes(data: ImageData) -> Router {
    Router::new()
        .route("/v2/images/{image_id}/file", get(download::download).put(upload::upload))
        .layer(DefaultBodyLimit::disable())
        .with_state(data)
}
