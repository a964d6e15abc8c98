//! Where data that is made anew comes from: an object of ours, or what lies at a URL.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::ports::{Fetch, FetchError, FetchRequest, Store, StoreError, Validator};
use crate::store::ObjectKey;
use crate::transfer::{Patience, fetch_patiently};

/// Bytes of a source, in order.
pub type OriginStream = BoxStream<'static, Result<Bytes, OriginError>>;

/// Why a source gives no bytes.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// It lies in a store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// A source that is read more than once.
#[async_trait]
pub trait Origin: Debug + Send + Sync {
    /// How many bytes it has, if it says.
    fn size(&self) -> Option<u64>;

    /// Whether it can be read from any byte to any other.
    fn takes_ranges(&self) -> bool;

    /// Whether it is known to be the same when it is read again.
    fn is_known_again(&self) -> bool;

    /// Reads from a byte on, to before another or to the end. Without ranges, from the first.
    ///
    /// # Errors
    /// What the source says, here or in the stream.
    async fn read(&self, from: u64, end: Option<u64>) -> Result<OriginStream, OriginError>;
}

/// An object of a store.
#[derive(Clone, Debug)]
pub struct StoredOrigin {
    store: Arc<dyn Store>,
    key: ObjectKey,
    size: u64,
}

impl StoredOrigin {
    /// Opens an object. Cost: its size is asked for.
    ///
    /// # Errors
    /// What the store says; `NotFound` when there is none.
    pub async fn open(store: Arc<dyn Store>, key: ObjectKey) -> Result<Self, StoreError> {
        let size = store.size(&key).await?;
        Ok(Self { store, key, size })
    }
}

#[async_trait]
impl Origin for StoredOrigin {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn takes_ranges(&self) -> bool {
        true
    }

    fn is_known_again(&self) -> bool {
        true
    }

    async fn read(&self, from: u64, end: Option<u64>) -> Result<OriginStream, OriginError> {
        let range = from..end.unwrap_or(self.size).min(self.size);
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        Ok(self.store.read(&self.key, range).await?.map_err(OriginError::from).boxed())
    }
}

/// What lies at a URL.
#[derive(Clone, Debug)]
pub struct UrlOrigin {
    fetch: Arc<dyn Fetch>,
    request: FetchRequest,
    patience: Patience,
    size: Option<u64>,
    takes_ranges: bool,
}

impl UrlOrigin {
    /// Asks a source what it is: for its first byte. `request` says where it is, how much there may be and what it was known by.
    ///
    /// # Errors
    /// What it answers; `Changed` when it is not what it was.
    pub async fn open(
        fetch: Arc<dyn Fetch>,
        request: FetchRequest,
        patience: Patience,
    ) -> Result<Self, FetchError> {
        let asked = FetchRequest { from: 0, end: Some(1), ..request.clone() };
        let told = fetch_patiently(Arc::clone(&fetch), asked, patience).await?;
        if request.validator.is_some() && told.validator != request.validator {
            return Err(FetchError::Changed);
        }
        let request = FetchRequest { validator: told.validator, ..request };
        Ok(Self { fetch, request, patience, size: told.size, takes_ranges: told.takes_ranges })
    }

    /// What it is known by later, if anything.
    pub fn validator(&self) -> Option<&Validator> {
        self.request.validator.as_ref()
    }
}

#[async_trait]
impl Origin for UrlOrigin {
    fn size(&self) -> Option<u64> {
        self.size
    }

    fn takes_ranges(&self) -> bool {
        self.takes_ranges
    }

    fn is_known_again(&self) -> bool {
        self.request.validator.is_some() || self.request.is_lasting
    }

    async fn read(&self, from: u64, end: Option<u64>) -> Result<OriginStream, OriginError> {
        if self.size.is_some_and(|size| from >= size) {
            return Ok(stream::empty().boxed());
        }
        let end = end.map(|end| self.size.map_or(end, |size| end.min(size)));
        let request = FetchRequest { from, end, ..self.request.clone() };
        let fetched = fetch_patiently(Arc::clone(&self.fetch), request, self.patience).await?;
        let known = self.request.validator.as_ref().zip(fetched.validator.as_ref());
        let size = self.size.zip(fetched.size);
        if known.is_some_and(|(before, now)| before != now) || size.is_some_and(|(before, now)| before != now)
        {
            return Err(FetchError::Changed.into());
        }
        Ok(fetched.body.map_err(OriginError::from).boxed())
    }
}
