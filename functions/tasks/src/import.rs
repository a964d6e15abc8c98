use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use shared::http::{ApiError, ImagePath, JsonBody};
use shared::id::RequestId;
use shared::identity::{Caller, Token};
use shared::operations::{ImportCall, Imports};
use shared::ports::Tokens;

/// Has an image's data imported: from what was staged, from a URL, from an image of another region, or from a store that has it to others.
#[utoipa::path(post, path = "/v2/images/{image_id}/import", operation_id = "importImage", tag = "image data",
    params(
        ImagePath,
        ("X-Image-Meta-Store" = Option<String>, Header, description = "Id of the store that is to hold the data.")),
    request_body(content = ref("#/components/schemas/ImageImport"), content_type = "application/json"),
    responses(
        (status = 202, description = "The work has begun; the image and its task tell of it"),
        (status = 400, description = "A value that does not fit, a source that is refused, or a store that has the data"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "The image is not as this way to import needs it, a format is not set, there is no such store, or another import is under way"),
        (status = 413, description = "The image's owner may have no more")))]
pub(crate) async fn import(
    State(imports): State<Imports>,
    caller: Caller,
    Extension(request): Extension<RequestId>,
    ImagePath(id): ImagePath,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(Tokens::USER_HEADER).map(Token::new);
    let call = ImportCall {
        caller: &caller,
        request: &request,
        store: text("x-image-meta-store"),
        token: token.as_ref(),
    };
    imports.import(&call, &id, &body).await?;
    Ok(StatusCode::ACCEPTED)
}
