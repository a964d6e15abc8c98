use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use shared::http::{ApiError, BaseUrl, JsonBody};
use shared::identity::Caller;
use shared::operations::Images;

use crate::view::ImageView;

/// Registers an image (`POST /v2/images`).
pub(crate) async fn create(
    State(images): State<Images>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    JsonBody(body): JsonBody,
) -> Result<impl IntoResponse, ApiError> {
    let image = images.create(&caller, body).await?;
    let location = format!("{base}/v2/images/{}", image.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ImageView::from(image))))
}
