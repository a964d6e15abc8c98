//! What can go wrong, in the domain's words.
//!
//! A variant says what happened, never which status answers it: that mapping lives in `http::error` alone.
//! `Display` is for the caller and holds no internals; the cause travels as `source` and is logged once, at the door.

use crate::format::Refusal;
use crate::ports::{LimitsError, StoreError, TableError};

pub use crate::ports::Cause;

/// The result of a domain operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What happened. Deliberately exhaustive: a new variant must break every match that has to think about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing is absent, or the caller may not see it: the two are one answer.
    #[error("{0}")]
    NotFound(String),
    /// The request contradicts the API: a field, its value and the limit are named.
    #[error("{0}")]
    Invalid(String),
    /// The caller can see the thing but may not do this to it.
    #[error("{0}")]
    Forbidden(String),
    /// The thing is not in a state that allows this now.
    #[error("{0}")]
    Conflict(String),
    /// What no caller can do to such a thing, whatever its state.
    #[error("{message}")]
    Unsupported {
        /// Why not.
        message: String,
        /// The methods that are there, for `Allow`.
        offered: &'static str,
    },
    /// The thing was deleted while the request ran.
    #[error("{0}")]
    Gone(String),
    /// A count or size limit is exceeded.
    #[error("{0}")]
    LimitExceeded(String),
    /// The body's media type is not one this call takes.
    #[error("{message}")]
    MediaType {
        /// What was sent, and what is taken.
        message: String,
        /// The patch formats to name in `Accept-Patch`, when the call is a patch.
        accept_patch: Option<&'static str>,
    },
    /// The data is not what its image says, or not safe.
    #[error("{0}")]
    Content(Refusal),
    /// No byte of the data lies in the range asked for.
    #[error("the requested range cannot be satisfied: the image holds {size} bytes")]
    RangeNotSatisfiable {
        /// Size of the whole, in bytes.
        size: u64,
    },
    /// Another request changed the thing first, and again on every try.
    #[error("{0}")]
    Stale(String),
    /// The client stopped sending before the body was complete.
    #[error("the connection was closed after {received} bytes, before the body was complete")]
    ClientGone {
        /// Bytes that had arrived.
        received: u64,
        /// What the connection said.
        #[source]
        source: Option<Cause>,
    },
    /// The table or the store cannot answer now; the same request may succeed later.
    #[error("the service is temporarily unable to answer, try again later")]
    Unavailable(#[source] Cause),
    /// A fault of ours.
    #[error("the server could not complete the request")]
    Internal(#[source] Cause),
}

impl Error {
    /// Wraps a fault of ours.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        match error {
            TableError::TooLarge { limit } => {
                Self::LimitExceeded(format!("the image's metadata is larger than the limit of {limit} bytes"))
            }
            TableError::Unavailable(source) => Self::Unavailable(source),
            TableError::ConditionFailed { .. } => Self::Internal(Box::new(error)),
            TableError::Failed(source) => Self::Internal(source),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Content(refusal)
    }
}

impl From<LimitsError> for Error {
    fn from(LimitsError(source): LimitsError) -> Self {
        Self::Unavailable(source)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::LimitExceeded("the image store has no room for this data".to_owned()),
            StoreError::Unavailable(source) => Self::Unavailable(source),
            StoreError::NotFound => Self::Internal(Box::new(error)),
            StoreError::Failed(source) => Self::Internal(source),
        }
    }
}
