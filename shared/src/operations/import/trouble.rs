//! Why an object is not imported.

use crate::error::Error;
use crate::image::Location;
use crate::ports::{FetchError, StoreError};
use crate::transfer::remake::RemakeError;

/// Why an object is not filled.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The source will not give its bytes, for this reason: no store can have them.
    Source(String),
    /// The source takes no token, or not this one.
    Denied,
    /// The store that is written to.
    Store(StoreError),
    /// Anything else, which may pass.
    Other(Error),
}

impl Trouble {
    pub(super) fn of_source(location: &Location, error: StoreError) -> Self {
        match error {
            StoreError::NotFound => {
                Self::Source(format!("the data to be imported is not in store '{}' any more", location.store))
            }
            StoreError::Failed(cause) => {
                tracing::warn!(key = %location.key, %cause, "what is to be imported cannot be read");
                Self::Source(format!("store '{}' does not give the data to be imported", location.store))
            }
            error @ (StoreError::Full | StoreError::Unavailable(_)) => Self::Other(error.into()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::NotThere(401) => Self::Denied,
            other => Self::Source(other.to_string()),
        }
    }
}

impl From<RemakeError> for Trouble {
    fn from(error: RemakeError) -> Self {
        match error {
            RemakeError::Store(error) => Self::Other(error.into()),
            RemakeError::Fetch(error) => error.into(),
            other => Self::Source(other.to_string()),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

pub(super) fn gone() -> Trouble {
    Trouble::Source("there is no data any more that could be imported".to_owned())
}

/// What is wrong, for the owner; the log hears why.
pub(super) fn said(location: &Location, error: &dyn std::error::Error) -> String {
    let (key, store) = (&location.key, &location.store);
    tracing::warn!(%key, %store, %error, cause = ?error.source(), "an object could not be imported");
    error.to_string()
}
