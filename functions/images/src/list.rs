use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, QueryPairs};
use shared::identity::Caller;
use shared::image::ListRequest;
use shared::operations::Images;

use crate::parameters::ListParameters;
use crate::view::ImagesView;

/// Lists images.
#[utoipa::path(get, path = "/v2/images", operation_id = "listImages", tag = "images",
    params(ListParameters),
    responses(
        (status = 200, description = "A page of images", body = ref("#/components/schemas/Images"),
            content_type = "application/json"),
        (status = 400, description = "A parameter that cannot be read"),
        (status = 403, description = "The caller may not")))]
pub(crate) async fn list(
    State(images): State<Images>,
    caller: Caller,
    QueryPairs(query): QueryPairs,
) -> Result<Json<ImagesView>, ApiError> {
    let request = ListRequest::parse(&query, images.pages())?;
    let page = images.list(&caller, &request).await?;
    Ok(Json(ImagesView::new(page, &query, |image| images.told(&caller, image))))
}
