use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Images;

use crate::view::ImageView;

/// Shows one image.
#[utoipa::path(get, path = "/v2/images/{image_id}", operation_id = "showImage", tag = "images",
    params(ImagePath),
    responses(
        (status = 200, description = "The image", body = ref("#/components/schemas/Image"), content_type = "application/json"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller")))]
pub(crate) async fn show(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<ImageView>, ApiError> {
    let image = images.show(&caller, &id).await?;
    let told = images.told(&caller, &image);
    Ok(Json(ImageView::new(image, told)))
}
