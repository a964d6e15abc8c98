//! Where the bytes of a source lie: read by ranges, in any order.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::ports::{Store, StoreError};
use crate::store::ObjectKey;

/// Bytes that can be read at any offset.
#[async_trait]
pub trait ReadAt: Debug + Send + Sync {
    /// How many there are.
    fn size(&self) -> u64;

    /// Reads a range that is not empty and lies within them: all of it, or an error.
    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError>;
}

/// An object of a store.
#[derive(Clone, Debug)]
pub struct Stored {
    store: Arc<dyn Store>,
    key: ObjectKey,
    size: u64,
}

impl Stored {
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
impl ReadAt for Stored {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let bytes = joined(self.store.read(&self.key, range).await?, wanted).await?;
        if bytes.len() == wanted {
            Ok(bytes)
        } else {
            Err(StoreError::Failed(format!("{} bytes of a range of {wanted}", bytes.len()).into()))
        }
    }
}

/// A stream of about so many bytes, as one piece. What comes in one piece is not copied.
pub(crate) async fn joined<E>(
    mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
    about: usize,
) -> Result<Bytes, E> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if first.is_empty() && all.is_empty() {
            first = piece;
            continue;
        }
        if all.is_empty() {
            all.reserve(about);
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Bytes that are in memory already.
#[async_trait]
impl ReadAt for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Self, StoreError> {
        let within = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let within = within.filter(|(start, end)| start <= end && *end <= self.len());
        let (start, end) = within.ok_or_else(|| StoreError::Failed("a range beyond the end".into()))?;
        Ok(self.slice(start..end))
    }
}
