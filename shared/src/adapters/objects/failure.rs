//! Requests that failed, in the port's words. None names a token, a key or a query.

use crate::error::Cause;
use crate::ports::StoreError;

/// What was asked for when it failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} '{path}'")]
struct Refused {
    action: &'static str,
    path: String,
    source: Cause,
}

/// Says what was asked for.
pub(in crate::adapters) fn told(action: &'static str, path: &str, source: impl Into<Cause>) -> Cause {
    Box::new(Refused { action, path: path.to_owned(), source: source.into() })
}

/// An answer the protocol does not allow.
pub(in crate::adapters) fn nonsense(path: &str, what: impl Into<Cause>) -> StoreError {
    StoreError::Failed(told("understand the answer about", path, what))
}

/// The status of an answer that is none of those expected.
#[cfg(any(feature = "azblob", feature = "swift"))]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server answered {0}")]
pub(in crate::adapters) struct Answered(pub(in crate::adapters) http::StatusCode);

/// Whether the same request may be answered otherwise in a moment.
#[cfg(any(feature = "azblob", feature = "swift"))]
pub(in crate::adapters) fn is_passing(status: http::StatusCode) -> bool {
    // 498 is how Swift tells of too many requests.
    matches!(status.as_u16(), 408 | 429 | 498 | 500 | 502 | 503 | 504)
}
