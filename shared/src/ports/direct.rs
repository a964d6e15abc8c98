//! What the store says of parts that clients bring themselves, and of objects that they read so.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

use super::{Cause, StoreError};
use crate::store::{ObjectKey, Unsealed};

/// Bytes as a request brings them.
pub type PartBody = Pin<Box<dyn Stream<Item = Result<Bytes, Cause>> + Send>>;

/// How a client brings a part: `PUT` there, with these headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPart {
    /// Where.
    pub target: PartTarget,
    /// What the request must say as it stands here.
    pub headers: Vec<(String, String)>,
}

/// Where a part goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartTarget {
    /// To the store, by this URL.
    Store(String),
    /// To this service, by the part's own path and this query.
    Gateway(String),
}

/// Where an object is read by a URL alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadTarget {
    /// From the store, by this URL.
    Store(String),
    /// From this service, by the object's own path and this query.
    Gateway(String),
}

/// A part that a client brings to this service, as its URL says.
#[derive(Clone, Debug)]
pub struct PresentedPart {
    /// The object.
    pub key: ObjectKey,
    /// The part, counted from 1.
    pub number: u32,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
}

/// Why an object is not read by a URL.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store is not one that this service reads by URLs.
    #[error("objects are read from the bucket, by the URLs that were signed for them")]
    Elsewhere,
    /// The URL gives no leave.
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
}

/// Why a part was not taken. Nothing of it counts as arrived, and what had arrived of it before does no more.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The store is not one that this service takes parts for.
    #[error("parts go to the bucket, by the URLs that were signed for them")]
    Elsewhere,
    /// The URL gives no leave.
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
    /// Nothing is begun under the key: it was completed, or given up.
    #[error("the upload session has ended")]
    Ended,
    /// The same part comes by another request.
    #[error("the part is being brought by another request")]
    Busy,
    /// Not as many bytes as the URL was signed for.
    #[error("the part must have {expected} bytes, not {received}")]
    Length {
        /// As signed.
        expected: u64,
        /// As far as they came.
        received: u64,
    },
    /// Other bytes than the URL was signed for.
    #[error("the part's {kind} is not the one that was declared")]
    Checksum {
        /// How it is made.
        kind: &'static str,
    },
    /// The body broke or stalled.
    #[error("the connection was closed after {received} bytes, before the part was complete")]
    Broken {
        /// Bytes that had come.
        received: u64,
        /// What the connection said.
        #[source]
        source: Cause,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PartError> for StoreError {
    /// For who brings a part that the service has.
    fn from(error: PartError) -> Self {
        match error {
            PartError::Store(error) => error,
            PartError::Ended => Self::NotFound,
            PartError::Busy => Self::Unavailable(error.into()),
            PartError::Elsewhere
            | PartError::Unsealed(_)
            | PartError::Length { .. }
            | PartError::Checksum { .. }
            | PartError::Broken { .. } => Self::Failed(error.into()),
        }
    }
}
