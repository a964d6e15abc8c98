use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use shared::http::{ApiError, BaseUrl, JsonBody};
use shared::identity::Caller;
use shared::operations::Images;

use crate::view::ImageView;

/// The ways in which the image's data may be imported: none yet.
const IMPORT_METHODS: HeaderName = HeaderName::from_static("openstack-image-import-methods");

/// Registers an image (`POST /v2/images`).
pub(crate) async fn create(
    State(images): State<Images>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    JsonBody(body): JsonBody,
) -> Result<impl IntoResponse, ApiError> {
    let image = images.create(&caller, body).await?;
    let location = format!("{base}/v2/images/{}", image.id);
    let headers = [(header::LOCATION, location), (IMPORT_METHODS, String::new())];
    Ok((StatusCode::CREATED, headers, Json(ImageView::from(image))))
}
