use axum::Json;
use axum::extract::State;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::operations::Images;

use crate::view::ImageView;

/// Shows one image (`GET /v2/images/{image_id}`).
pub(crate) async fn show(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<ImageView>, ApiError> {
    let image = images.show(&caller, &id).await?;
    Ok(Json(image.into()))
}
