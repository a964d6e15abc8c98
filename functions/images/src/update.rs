use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use shared::http::{ApiError, ImagePath, JsonBody};
use shared::identity::Caller;
use shared::image::{Patch, PatchForm};
use shared::operations::Images;

use crate::view::ImageView;

/// Patches an image (`PATCH /v2/images/{image_id}`), by either form of JSON patch.
pub(crate) async fn update(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    headers: HeaderMap,
    body: Result<JsonBody, ApiError>,
) -> Result<Json<ImageView>, ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // The type is judged before the body: what is not a patch at all deserves to hear so.
    let form = PatchForm::from_media_type(media_type)?;
    let JsonBody(body) = body?;
    let patch = Patch::parse(form, body)?;
    let image = images.update(&caller, &id, &patch).await?;
    Ok(Json(image.into()))
}
