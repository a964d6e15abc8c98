//! Data that lies at a URL and is read where it lies: nothing is written there, and nothing removed. Each read goes through the gate.

use std::ops::Range;
use std::sync::Arc;

use futures_util::TryStreamExt as _;

use crate::ports::{ByteStream, Fetch, FetchError, FetchRequest, StoreError};

/// Reads what locations of http and https name.
#[derive(Clone, Debug)]
pub struct HttpStore {
    fetch: Arc<dyn Fetch>,
}

impl HttpStore {
    /// Reads through this gate.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch }
    }

    /// Streams a non-empty range of what is at a URL. Costs a request; where a source serves no ranges, only one from its first
    /// byte can be read.
    ///
    /// # Errors
    /// `NotFound` when nothing is there; `Failed` when the gate refuses the URL, or the source has not these bytes or serves no
    /// ranges; a stream that breaks ends with an error, never short.
    pub async fn read(&self, url: &str, range: Range<u64>) -> Result<ByteStream, StoreError> {
        let url = self.fetch.check(url).map_err(|refusal| failed(refusal.into()))?;
        let asked = FetchRequest { from: range.start, end: Some(range.end), ..FetchRequest::whole(url) };
        let fetched = self.fetch.open(asked).await.map_err(failed)?;
        match fetched.size {
            Some(size) if size < range.end => Err(StoreError::Failed(
                format!("the source has {size} bytes, and {} were asked for", range.end).into(),
            )),
            _ => Ok(Box::pin(fetched.body.map_err(failed))),
        }
    }

    /// How many bytes are at a URL; nothing where the source does not say.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn size(&self, url: &str) -> Result<Option<u64>, StoreError> {
        let url = self.fetch.check(url).map_err(|refusal| failed(refusal.into()))?;
        self.fetch.size(&url).await.map_err(failed)
    }
}

fn failed(error: FetchError) -> StoreError {
    match error {
        FetchError::NotThere(404 | 410) => StoreError::NotFound,
        error if error.is_passing() => StoreError::Unavailable(Box::new(error)),
        error => StoreError::Failed(Box::new(error)),
    }
}
