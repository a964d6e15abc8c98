//! The one mapping from what happened to what HTTP says about it.
//!
//! An error becomes a response without a body; the door, which has seen the request, writes the body as its `Accept` asks
//! and logs the cause. So no handler needs the request to fail.

#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::error::{Cause, Error};
use crate::ports::IdentityError;

/// An error as the client will see it, with its cause for the log.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    text: String,
    header: Option<(HeaderName, HeaderValue)>,
    cause: Option<Cause>,
}

/// What an error's response carries to the door.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) text: String,
    pub(super) cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// An error of the protocol itself; what happens in the domain arrives as [`Error`].
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), header: None, cause: None }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    fn because(mut self, cause: impl Into<Option<Cause>>) -> Self {
        self.cause = cause.into();
        self
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid(_) => Self::new(StatusCode::BAD_REQUEST, text),
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, text),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, text),
            Error::Conflict(_) | Error::Stale(_) => Self::new(StatusCode::CONFLICT, text),
            Error::Unsupported { offered, .. } => Self::new(StatusCode::METHOD_NOT_ALLOWED, text)
                .with(header::ALLOW, HeaderValue::from_static(offered)),
            Error::Gone(_) => Self::new(StatusCode::GONE, text),
            Error::LimitExceeded(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
            Error::MediaType { accept_patch, .. } => {
                let error = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
                match accept_patch {
                    Some(formats) => error.with(ACCEPT_PATCH, HeaderValue::from_static(formats)),
                    None => error,
                }
            }
            Error::Content(_) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
            Error::RangeNotSatisfiable { size } => {
                let error = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, text);
                match HeaderValue::try_from(format!("bytes */{size}")) {
                    Ok(range) => error.with(header::CONTENT_RANGE, range),
                    Err(_) => error,
                }
            }
            Error::ClientGone { source, .. } => Self::new(StatusCode::BAD_REQUEST, text).because(source),
            Error::Unavailable(cause) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
                .with(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
                .because(cause),
            Error::Internal(cause) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, text).because(cause),
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        let text = error.to_string();
        match error {
            IdentityError::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, text),
            IdentityError::Unavailable(cause) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
                .with(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
                .because(cause),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.header);
        let cause = self.cause.map(Arc::from);
        response.extensions_mut().insert(Failure { status: self.status, text: self.text, cause });
        response
    }
}

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Long enough for a throttled table to recover, short enough for a client that waits.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, Refusal};

    fn answer(error: impl Into<ApiError>) -> (u16, String, Vec<String>) {
        let response = error.into().into_response();
        let headers =
            response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let failure = response.extensions().get::<Failure>().unwrap();
        (response.status().as_u16(), failure.text.clone(), headers.collect())
    }

    #[test]
    fn every_error_has_one_answer() {
        let said = || "said".to_owned();
        let table = [
            (Error::Invalid(said()), 400, "said", ""),
            (Error::Forbidden(said()), 403, "said", ""),
            (Error::NotFound(said()), 404, "said", ""),
            (Error::Conflict(said()), 409, "said", ""),
            (Error::Stale(said()), 409, "said", ""),
            (Error::Unsupported { message: said(), offered: "GET" }, 405, "said", "allow: GET"),
            (Error::Gone(said()), 410, "said", ""),
            (Error::LimitExceeded(said()), 413, "said", ""),
            (Error::MediaType { message: said(), accept_patch: None }, 415, "said", ""),
            (
                Error::MediaType { message: said(), accept_patch: Some("a, b") },
                415,
                "said",
                "accept-patch: a, b",
            ),
            (
                Error::Content(Refusal::Several(vec![Format::Iso, Format::Qcow2])),
                415,
                "disk_format: the data has several formats at once: 'iso', 'qcow2'",
                "",
            ),
            (
                Error::RangeNotSatisfiable { size: 7 },
                416,
                "the requested range cannot be satisfied: the image holds 7 bytes",
                "content-range: bytes */7",
            ),
            (
                Error::ClientGone { received: 3, source: Some("reset".into()) },
                400,
                "the connection was closed after 3 bytes, before the body was complete",
                "",
            ),
            (
                Error::Unavailable("throttled".into()),
                503,
                "the service is temporarily unable to answer, try again later",
                "retry-after: 2",
            ),
            (Error::Internal("secret".into()), 500, "the server could not complete the request", ""),
        ];
        for (error, status, text, header) in table {
            let headers = if header.is_empty() { vec![] } else { vec![header.to_owned()] };
            assert_eq!(answer(error), (status, text.to_owned(), headers));
        }
    }

    #[test]
    fn without_a_token_nobody_gets_in_and_without_keystone_nobody_is_told() {
        let (status, _, headers) = answer(IdentityError::Unauthenticated);
        assert_eq!((status, headers), (401, vec![]));
        let (status, text, headers) = answer(IdentityError::Unavailable("refused".into()));
        assert_eq!((status, headers), (503, vec!["retry-after: 2".to_owned()]));
        assert!(!text.contains("refused"));
    }

    #[test]
    fn the_cause_reaches_the_door() {
        let response = ApiError::from(Error::internal("disk on fire")).into_response();
        let failure = response.extensions().get::<Failure>().unwrap();
        assert_eq!(failure.cause.as_ref().unwrap().to_string(), "disk on fire");
    }
}
