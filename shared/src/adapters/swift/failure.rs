//! What Swift answers, in the port's words.

use http::StatusCode;

use crate::error::Cause;
use crate::ports::StoreError;

/// What was asked for when it failed. Names no token and no query.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} '{path}'")]
struct Refused {
    action: &'static str,
    path: String,
    source: Cause,
}

/// The status of an answer that is none of those expected.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server answered {0}")]
pub(super) struct Answered(pub(super) StatusCode);

pub(super) fn told(action: &'static str, path: &str, source: impl Into<Cause>) -> Cause {
    Box::new(Refused { action, path: path.to_owned(), source: source.into() })
}

/// An answer that was not hoped for, after what can be tried again was. No object is absent by it.
pub(super) fn refused(action: &'static str, path: &str, status: StatusCode) -> StoreError {
    let cause = told(action, path, Answered(status));
    match status {
        // Quotas of containers and accounts are told by the first.
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INSUFFICIENT_STORAGE => StoreError::Full,
        _ => StoreError::Failed(cause),
    }
}

/// An answer the protocol does not allow.
pub(super) fn nonsense(path: &str, what: impl Into<Cause>) -> StoreError {
    StoreError::Failed(told("understand the answer about", path, what))
}

/// Whether the same request may be answered otherwise in a moment.
pub(super) fn is_passing(status: StatusCode) -> bool {
    // 498 is how Swift tells of too many requests.
    matches!(status.as_u16(), 408 | 429 | 498 | 500 | 502 | 503 | 504)
}
