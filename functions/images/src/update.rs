use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::{Extension, Json};
use shared::http::{ApiError, ImagePath, JsonBody};
use shared::id::RequestId;
use shared::identity::Caller;
use shared::image::{Patch, PatchForm, Relocation};
use shared::operations::Images;

use crate::view::ImageView;

/// Patches an image, by either form of JSON patch.
#[utoipa::path(patch, path = "/v2/images/{image_id}", operation_id = "updateImage", tag = "images",
    params(ImagePath),
    request_body(content(
        (ref("#/components/schemas/PatchV21") = "application/openstack-images-v2.1-json-patch"),
        (ref("#/components/schemas/PatchV20") = "application/openstack-images-v2.0-json-patch"))),
    responses(
        (status = 200, description = "The image as it is now", body = ref("#/components/schemas/Image"),
            content_type = "application/json"),
        (status = 400, description = "No patch, or a value that does not fit"),
        (status = 403, description = "The caller may not, or what is to be changed cannot be, or not now"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "What is to be replaced or removed is not there, or what is to be added is"),
        (status = 413, description = "More tags, properties or bytes of them than an image may have"),
        (status = 415, description = "Neither of the two media types",
            headers(("Accept-Patch" = String, description = "The two media types.")))))]
pub(crate) async fn update(
    State(images): State<Images>,
    caller: Caller,
    ImagePath(id): ImagePath,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    body: Result<JsonBody, ApiError>,
) -> Result<Json<ImageView>, ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // The type is judged before the body: what is not a patch at all deserves to hear so.
    let form = PatchForm::from_media_type(media_type)?;
    let JsonBody(body) = body?;
    let relocation = match images.relocatable() {
        Some(locations) => Relocation::read(form, &body)?.map(|change| (locations, change)),
        None => None,
    };
    let image = match relocation {
        Some((locations, change)) => locations.change(&caller, &request, &id, change).await?,
        None => images.update(&caller, &id, &Patch::parse(form, body)?).await?,
    };
    let told = images.told(&caller, &image);
    Ok(Json(ImageView::new(image, told)))
}
