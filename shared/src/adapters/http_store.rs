//! Data that lies at a URL and is read where it lies: nothing is written there, and nothing removed. Each read goes through the gate.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;

use crate::ports::{
    ByteStream, Chunks, Fetch, FetchError, FetchRequest, ObjectWriter, PartLimits, Store, StoreError,
};
use crate::store::ObjectKey;

/// Reads what locations of http and https name.
#[derive(Clone, Debug)]
pub struct HttpStore {
    fetch: Option<Arc<dyn Fetch>>,
}

impl HttpStore {
    /// Reads through this gate.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch: Some(fetch) }
    }

    /// Reads nothing: for a program that carries no gate, where another of the deployment reads.
    pub fn elsewhere() -> Self {
        Self { fetch: None }
    }

    fn gate(&self) -> Result<&dyn Fetch, StoreError> {
        let elsewhere =
            || StoreError::Unavailable("what lies on the web is not read by this function".into());
        self.fetch.as_deref().ok_or_else(elsewhere)
    }

    /// Streams a non-empty range of what is at a URL. Costs a request; where a source serves no ranges, only one from its first
    /// byte can be read.
    ///
    /// # Errors
    /// `NotFound` when nothing is there; `Failed` when the gate refuses the URL, or the source has not these bytes or serves no
    /// ranges; a stream that breaks ends with an error, never short.
    pub async fn read(&self, url: &str, range: Range<u64>) -> Result<ByteStream, StoreError> {
        let gate = self.gate()?;
        let url = gate.check(url).map_err(|refusal| failed(refusal.into()))?;
        let asked = FetchRequest { from: range.start, end: Some(range.end), ..FetchRequest::whole(url) };
        let fetched = gate.open(asked).await.map_err(failed)?;
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
        let gate = self.gate()?;
        let url = gate.check(url).map_err(|refusal| failed(refusal.into()))?;
        gate.size(&url).await.map_err(failed)
    }
}

/// An object lies at the URL that its key has for a name; one without a name is none of this store's.
#[async_trait]
impl Store for HttpStore {
    /// Nothing fits.
    fn part_limits(&self) -> PartLimits {
        PartLimits { min_bytes: 1, max_bytes: 1, max_parts: 0, max_object_bytes: 0 }
    }

    fn is_read_only(&self) -> bool {
        true
    }

    async fn put(&self, _key: &ObjectKey, _bytes: Chunks) -> Result<(), StoreError> {
        Err(read_only())
    }

    async fn begin(&self, _key: &ObjectKey, _size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        Err(read_only())
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        Self::read(self, key.name().ok_or(StoreError::NotFound)?, range).await
    }

    /// # Errors
    /// As those of reading; `Failed` when the source does not say.
    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        let size = Self::size(self, key.name().ok_or(StoreError::NotFound)?).await?;
        size.ok_or_else(|| StoreError::Failed("the source does not say how many bytes it has".into()))
    }

    /// Leaves what others wrote where it lies.
    async fn remove(&self, _key: &ObjectKey) -> Result<(), StoreError> {
        Ok(())
    }
}

fn read_only() -> StoreError {
    StoreError::Failed("nothing can be written to a store of http".into())
}

fn failed(error: FetchError) -> StoreError {
    match error {
        FetchError::NotThere(404 | 410) => StoreError::NotFound,
        error if error.is_passing() => StoreError::Unavailable(Box::new(error)),
        error => StoreError::Failed(Box::new(error)),
    }
}
