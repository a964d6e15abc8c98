use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use shared::Error;
use shared::http::{ApiError, ImagePath};
use shared::identity::{Caller, Token};
use shared::operations::{ImageData, UploadRequest};
use shared::ports::Tokens;

/// Takes an image's data in.
#[utoipa::path(put, path = "/v2/images/{image_id}/file", operation_id = "uploadImage", tag = "image data",
    params(
        ImagePath,
        ("X-OpenStack-Image-Size" = Option<u64>, Header, description = "How many bytes will come. 0 says nothing."),
        ("X-Image-Meta-Store" = Option<String>, Header, description = "Id of the store that is to hold the data.")),
    request_body(content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "The image is active"),
        (status = 400, description = "Not the bytes that were announced or signed, an unknown store, or a format is not set"),
        (status = 403, description = "The caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "The image has data, or gets it now"),
        (status = 410, description = "The image was deleted meanwhile"),
        (status = 413, description = "More bytes than an image may have, or than pass through this endpoint"),
        (status = 415, description = "Another media type than `application/octet-stream`, or data that is not what its image says, or not safe")))]
pub(crate) async fn upload(
    State(data): State<ImageData>,
    caller: Caller,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<StatusCode, ApiError> {
    check_media_type(request.headers())?;
    let headers = request.headers();
    let announced = UploadRequest { size: size(headers)?, store: store(headers), token: token(headers) };
    data.upload(&caller, &id, &announced, Box::pin(chunks(request.into_body()))).await?;
    Ok(StatusCode::NO_CONTENT)
}

const SIZE: &str = "x-openstack-image-size";
const STORE: &str = "x-image-meta-store";

pub(crate) fn chunks(
    body: Body,
) -> impl futures_util::Stream<Item = Result<axum::body::Bytes, shared::error::Cause>> {
    BodyDataStream::map(body.into_data_stream(), |chunk| chunk.map_err(axum::Error::into_inner))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The store that was chosen.
pub(crate) fn store(headers: &HeaderMap) -> Option<String> {
    text(headers, STORE)
}

/// Whose it is was told before; this is for who is asked on the caller's behalf.
pub(crate) fn token(headers: &HeaderMap) -> Option<Token> {
    headers.get(Tokens::USER_HEADER).and_then(|value| value.to_str().ok()).map(Token::new)
}

pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Error> {
    let sent = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/octet-stream") {
        return Ok(());
    }
    let message = format!("the content type must be application/octet-stream, not '{sent}'");
    Err(Error::MediaType { message, accept_patch: None })
}

/// The size announced: by the header made for it, else by the length of the body. A 0 announces nothing, as in Glance:
/// clients say it of pipes.
pub(crate) fn size(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let announced = match text(headers, SIZE) {
        Some(size) => match size.trim().parse() {
            Ok(size) => Some(size),
            Err(_) => return Err(Error::Invalid(format!("{SIZE}: must be a number of bytes, not '{size}'"))),
        },
        None => text(headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok()),
    };
    Ok(announced.filter(|size| *size != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_size_header_goes_before_the_length() {
        assert_eq!(size(&headers(&[(SIZE, "5"), ("content-length", "7")])).unwrap(), Some(5));
        assert_eq!(size(&headers(&[("content-length", "7")])).unwrap(), Some(7));
        for unknown in [&[][..], &[(SIZE, "0")], &[("content-length", "0")]] {
            assert_eq!(size(&headers(unknown)).unwrap(), None);
        }
        for wrong in ["many", "-1", "", "1.5"] {
            assert!(matches!(size(&headers(&[(SIZE, wrong)])), Err(Error::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn only_octets_are_taken() {
        for right in ["application/octet-stream", "Application/Octet-Stream; x=y"] {
            check_media_type(&headers(&[("content-type", right)])).unwrap();
        }
        for wrong in ["application/json", "", "text/plain"] {
            assert!(matches!(
                check_media_type(&headers(&[("content-type", wrong)])),
                Err(Error::MediaType { .. })
            ));
        }
    }
}
