//! What handlers take from a request: parsed, or answered as Glance would.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use serde_json::Value;

use super::error::ApiError;
use crate::error::Error;
use crate::id::{ImageId, ProjectId};
use crate::identity::Caller;

/// The largest JSON body, in bytes: ten times what an image with every property it may have needs.
pub const MAX_JSON_BYTES: usize = 1 << 20;

/// The image a path names, in its `{image_id}`.
///
/// What is no image id names no image: 404, as clients expect that try a name first.
#[derive(Clone, Debug)]
pub struct ImagePath(pub ImageId);

/// The image and the tag a path names, in its `{image_id}` and `{tag}`.
#[derive(Clone, Debug)]
pub struct TagPath(pub ImageId, pub String);

/// The store and the image a path names, in its `{store_id}` and `{image_id}`; the store as it was written.
#[derive(Clone, Debug)]
pub struct StorePath(pub String, pub ImageId);

/// The image and the member a path names, in its `{image_id}` and `{member_id}`. What is no project is no member: 404.
#[derive(Clone, Debug)]
pub struct MemberPath(pub ImageId, pub ProjectId);

/// The task a path names, in its `{task_id}`, as it was written.
#[derive(Clone, Debug)]
pub struct TaskPath(pub String);

/// The image and the upload session a path names, in its `{image_id}` and `{upload_id}`; the session as it was written.
#[derive(Clone, Debug)]
pub struct UploadPath(pub ImageId, pub String);

/// The image, the upload session and the part a path names, in its `{image_id}`, `{upload_id}` and `{number}`; the last two as
/// they were written.
#[derive(Clone, Debug)]
pub struct PartPath(pub ImageId, pub String, pub String);

/// The image and the object of it a path names, in its `{image_id}` and `{object_id}`; the object as it was written.
#[derive(Clone, Debug)]
pub struct ObjectPath(pub ImageId, pub String);

/// A JSON body of up to [`MAX_JSON_BYTES`]. Its declared type is not looked at.
///
/// # Errors
/// 400 when there is none, it is not JSON, or the client stops half way; 413 when it is too large.
#[derive(Clone, Debug)]
pub struct JsonBody(pub Value);

/// The proof that a request has no body; one that has is answered 400.
///
/// GET, HEAD and DELETE are held to this by the door; other methods name it where the API takes no body.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

/// The URL the client reaches this service by, without a slash at its end.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

/// The query's pairs, decoded, in their order, with every repetition.
#[derive(Clone, Debug)]
pub struct QueryPairs(pub Vec<(String, String)>);

/// Whether the request came with a body: noted by the door while the body is there to be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct HasBody(pub(super) bool);

/// What the configuration says the base URL is.
#[derive(Clone, Debug)]
pub(super) struct PublicEndpoint(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for ImagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let id = parameter(parts, "image_id").await?;
        match id.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(Error::NotFound(format!("No image found with ID {id}")).into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TagPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ImagePath(id) = ImagePath::from_request_parts(parts, state).await?;
        Ok(Self(id, parameter(parts, "tag").await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StorePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ImagePath(id) = ImagePath::from_request_parts(parts, state).await?;
        Ok(Self(parameter(parts, "store_id").await?, id))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MemberPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ImagePath(id) = ImagePath::from_request_parts(parts, state).await?;
        match parameter(parts, "member_id").await?.parse() {
            Ok(project) => Ok(Self(id, project)),
            Err(_) => Err(Error::NotFound(UNKNOWN_PATH.to_owned()).into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UploadPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ImagePath(id) = ImagePath::from_request_parts(parts, state).await?;
        Ok(Self(id, parameter(parts, "upload_id").await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PartPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let UploadPath(id, upload) = UploadPath::from_request_parts(parts, state).await?;
        Ok(Self(id, upload, parameter(parts, "number").await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ObjectPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let ImagePath(id) = ImagePath::from_request_parts(parts, state).await?;
        Ok(Self(id, parameter(parts, "object_id").await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parameter(parts, "task_id").await.map(Self)
    }
}

/// One named part of the path, decoded; 404 when it is not text.
async fn parameter(parts: &mut Parts, name: &str) -> Result<String, ApiError> {
    let Ok(parameters) = RawPathParams::from_request_parts(parts, &()).await else {
        return Err(Error::NotFound(UNKNOWN_PATH.to_owned()).into());
    };
    match parameters.iter().find(|(key, _)| *key == name) {
        Some((_, value)) => Ok(value.to_owned()),
        None => Err(Error::internal(format!("the route has no parameter '{name}'")).into()),
    }
}

/// What Glance says about a path nothing is at.
pub(super) const UNKNOWN_PATH: &str = "The resource could not be found.";

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Error::internal("a route that needs a caller is not behind the door").into())
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let mut chunks = request.into_body().into_data_stream();
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let received = body.len() as u64;
            let chunk =
                chunk.map_err(|cause| Error::ClientGone { received, source: Some(cause.into_inner()) })?;
            if body.len() + chunk.len() > MAX_JSON_BYTES {
                let text = format!("The request body is larger than the limit of {MAX_JSON_BYTES} bytes.");
                return Err(Error::LimitExceeded(text).into());
            }
            body.extend_from_slice(&chunk);
        }
        if body.is_empty() {
            return Err(Error::Invalid("Body expected in request.".to_owned()).into());
        }
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Self(value)),
            Err(_) => Err(Error::Invalid("Malformed JSON in request body.".to_owned()).into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoBody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<HasBody>() {
            Some(HasBody(true)) => Err(Self::refusal()),
            Some(HasBody(false)) | None => Ok(Self),
        }
    }
}

impl NoBody {
    pub(super) fn refusal() -> ApiError {
        Error::Invalid("A body is not expected with this request.".to_owned()).into()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.extensions.get(), &parts.headers, &parts.uri))
    }
}

impl BaseUrl {
    /// The configured URL; else what the nearest proxy says the client asked; else what the client asked.
    pub(super) fn of(configured: Option<&PublicEndpoint>, headers: &HeaderMap, uri: &Uri) -> Self {
        if let Some(PublicEndpoint(url)) = configured {
            return Self(url.trim_end_matches('/').to_owned());
        }
        // A proxy appends to what it got: the first value is what the client's end saw.
        let first = |name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.split(',').next().unwrap_or(value).trim())
        };
        let scheme =
            first(FORWARDED_PROTO).filter(|proto| ["http", "https"].contains(proto)).unwrap_or("http");
        let host = first(FORWARDED_HOST)
            .or_else(|| first(header::HOST))
            .or_else(|| uri.authority().map(http::uri::Authority::as_str))
            .filter(|host| is_host(host))
            .unwrap_or("localhost");
        Self(format!("{scheme}://{host}"))
    }
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whether a text can stand for the host in a URL; what cannot must not reach a link.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
}

impl<S: Send + Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(ApiError::new(StatusCode::BAD_REQUEST, "The query string cannot be read.")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of a test's own")]
mod tests;
