use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use shared::http::{ApiError, BaseUrl, JsonBody};
use shared::id::StoreId;
use shared::identity::Caller;
use shared::operations::Images;

use crate::view::ImageView;

/// The ways in which the image's data may be imported.
const IMPORT_METHODS: HeaderName = HeaderName::from_static("openstack-image-import-methods");

/// The stores that may be chosen for it.
const STORE_IDS: HeaderName = HeaderName::from_static("openstack-image-store-ids");

/// Registers an image.
#[utoipa::path(post, path = "/v2/images", operation_id = "createImage", tag = "images",
    request_body(content = ref("#/components/schemas/NewImage"), content_type = "application/json"),
    responses(
        (status = 201, description = "The image, queued for its data", body = ref("#/components/schemas/Image"),
            content_type = "application/json", headers(
                ("Location" = String, description = "URL of the image."),
                ("OpenStack-image-import-methods" = String, description = "Ways to import its data, parted by commas."),
                ("OpenStack-image-store-ids" = String, description = "Stores that can be chosen, parted by commas, the default first; where there are several."),
            )),
        (status = 400, description = "No JSON object, or a value that does not fit"),
        (status = 403, description = "The caller may not, or an attribute is not the caller's to set"),
        (status = 409, description = "The id is taken, or was"),
        (status = 413, description = "More tags, properties or bytes of them than an image may have")))]
pub(crate) async fn create(
    State(images): State<Images>,
    caller: Caller,
    BaseUrl(base): BaseUrl,
    JsonBody(body): JsonBody,
) -> Result<impl IntoResponse, ApiError> {
    let image = images.create(&caller, body).await?;
    let location = format!("{base}/v2/images/{}", image.id);
    let methods: Vec<_> = images.import_methods().iter().map(|method| method.name()).collect();
    let stores: Vec<_> = images.choice_of_stores().iter().map(StoreId::as_str).collect();
    let headers = [(header::LOCATION, location), (IMPORT_METHODS, methods.join(","))];
    let choice = AppendHeaders((!stores.is_empty()).then(|| (STORE_IDS, stores.join(","))));
    let told = images.told(&caller, &image);
    Ok((StatusCode::CREATED, headers, choice, Json(ImageView::new(image, told))))
}
