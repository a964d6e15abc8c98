use axum::extract::{Request, State};
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath};
use shared::identity::Caller;
use shared::import::ImportMethod;
use shared::operations::ImageData;

use crate::upload::{check_media_type, chunks, size};

/// Stages an image's data, to be imported by `glance-direct`.
#[utoipa::path(put, path = "/v2/images/{image_id}/stage", operation_id = "stageImage", tag = "image data",
    params(
        ImagePath,
        ("X-OpenStack-Image-Size" = Option<u64>, Header, description = "How many bytes will come. 0 says nothing.")),
    request_body(content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "The image is uploading, and has the size of what was staged"),
        (status = 400, description = "Not the bytes that were announced"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller, or `glance-direct` is not enabled"),
        (status = 409, description = "The image has data, or gets it now"),
        (status = 410, description = "The image was deleted meanwhile"),
        (status = 413, description = "More bytes than an image may have, than may be staged, or than pass through this endpoint"),
        (status = 415, description = "Another media type than `application/octet-stream`")))]
pub(crate) async fn stage(
    State(data): State<ImageData>,
    caller: Caller,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<StatusCode, ApiError> {
    data.check_import_method(ImportMethod::GlanceDirect)?;
    check_media_type(request.headers())?;
    let size = size(request.headers())?;
    data.stage(&caller, &id, size, Box::pin(chunks(request.into_body()))).await?;
    Ok(StatusCode::NO_CONTENT)
}
