use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use shared::http::{ApiError, ImagePath, JsonBody};
use shared::id::RequestId;
use shared::identity::Caller;
use shared::operations::Locations;

use crate::view::PlaceView;

/// Registers data that others have written.
#[utoipa::path(post, path = "/v2/images/{image_id}/locations", operation_id = "addLocation", tag = "images",
    params(ImagePath),
    request_body(content = ref("#/components/schemas/NewLocation"), content_type = "application/json"),
    responses(
        (status = 202, description = "The data is looked at, and a task of the image tells how far that is"),
        (status = 400, description = "No JSON object, a value that does not fit, a URL that data is not taken from, or an image without formats"),
        (status = 403, description = "The caller may not, or not from there"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "The image has data, or gets it now"),
        (status = 413, description = "Its owner has as many uploads under way as there may be")))]
pub(crate) async fn add(
    State(locations): State<Locations>,
    caller: Caller,
    ImagePath(id): ImagePath,
    Extension(request): Extension<RequestId>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    locations.add(&caller, &request, &id, body).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Tells services where an image's data is.
#[utoipa::path(get, path = "/v2/images/{image_id}/locations", operation_id = "listLocations", tag = "images",
    params(ImagePath),
    responses(
        (status = 200, description = "Where the data is",
            body = ref("#/components/schemas/Locations"), content_type = "application/json"),
        (status = 403, description = "The caller is neither a service nor an administrator"),
        (status = 404, description = "There is no such image to the caller")))]
pub(crate) async fn list(
    State(locations): State<Locations>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<Vec<PlaceView>>, ApiError> {
    let places = locations.list(&caller, &id).await?;
    Ok(Json(places.into_iter().map(PlaceView::from).collect()))
}
