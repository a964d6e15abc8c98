use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, QueryPairs};
use shared::identity::Caller;
use shared::image::ListRequest;
use shared::operations::Images;

use crate::view::ImagesView;

/// Lists images (`GET /v2/images`).
pub(crate) async fn list(
    State(images): State<Images>,
    caller: Caller,
    QueryPairs(query): QueryPairs,
) -> Result<Json<ImagesView>, ApiError> {
    let request = ListRequest::parse(&query, images.pages())?;
    let page = images.list(&caller, &request).await?;
    Ok(Json(ImagesView::new(page, &query)))
}
