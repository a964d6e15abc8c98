//! The object store: whole objects in, ranges out. Objects are immutable: a key is written once and never reused.

use std::fmt::Debug;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use super::{Cause, PartBody, PartError, PartTarget, PresentedPart, ReadError, ReadTarget, SignedPart};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant, Sealer};
use crate::time::Timestamp;

/// Bytes of an object, in order, as they are read.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// Consecutive bytes in the pieces they arrived in, shared by all who read them: a part is never copied to be one slice.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    pieces: Arc<Vec<Bytes>>,
    len: u64,
}

impl Chunks {
    /// Their number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }
}

impl From<Vec<Bytes>> for Chunks {
    fn from(pieces: Vec<Bytes>) -> Self {
        let len = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces: Arc::new(pieces), len }
    }
}

/// A run of an object's bytes on its way in.
#[derive(Clone, Debug)]
pub struct Part {
    /// Counted from 1, without gaps.
    pub number: u32,
    /// Where it begins in the object, in bytes.
    pub offset: u64,
    /// What it holds.
    pub bytes: Chunks,
}

/// How an object may be cut. Every part but the last has at least `min_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLimits {
    /// The least a part but the last may hold, in bytes.
    pub min_bytes: u64,
    /// The most a part may hold, in bytes.
    pub max_bytes: u64,
    /// The most parts an object may have.
    pub max_parts: u32,
    /// The most a whole object may hold, in bytes.
    pub max_object_bytes: u64,
}

impl PartLimits {
    /// The most that parts make, in bytes.
    pub fn most(&self) -> u64 {
        self.max_bytes.saturating_mul(self.max_parts.into()).min(self.max_object_bytes)
    }
}

/// A place that keeps objects.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// How objects may be cut here.
    fn part_limits(&self) -> PartLimits;

    /// Whether objects are only read here: others have written them, and nothing is removed with an image.
    fn is_read_only(&self) -> bool {
        false
    }

    /// Writes a whole object in one request; when it answers `Ok`, the object is durable. At most `max_bytes` of a part.
    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError>;

    /// Begins an object that comes in parts. `size` is what it will hold, in bytes, when that is known.
    /// Nothing is readable under the key before [`ObjectWriter::complete`] answered.
    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError>;

    /// Streams the bytes of a non-empty range that lies within the object.
    ///
    /// # Errors
    /// `NotFound` when no complete object has the key; a stream that breaks ends with an error, never short.
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError>;

    /// Tells how many bytes an object has.
    ///
    /// # Errors
    /// `NotFound` when no complete object has the key.
    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError>;

    /// Removes the object and whatever was begun under its key. One that is absent already is no error.
    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// What seals the URLs by which clients come to this service for this store's bytes; `None` where they go to the store
    /// itself, or have no URL.
    fn sealer(&self) -> Option<&Sealer> {
        None
    }

    /// Makes the URL by which anybody reads the object, or ranges of it, good from `now` until the grant ends; `None` where a store
    /// has no such way. Who reads is told `application/octet-stream` and the grant's file name, and may send headers of any kind
    /// along. The object is not asked for.
    async fn sign_read(&self, grant: &ReadGrant, now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        let _ = now;
        Ok(self.sealer().map(|sealer| ReadTarget::Gateway(sealer.read_query(grant))))
    }

    /// The leave to read an object that a URL gives which leads to this service.
    ///
    /// # Errors
    /// [`ReadError`]; `Elsewhere` where clients read from the store itself.
    fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, ReadError> {
        let sealer = self.sealer().ok_or(ReadError::Elsewhere)?;
        Ok(sealer.open_read(key, query, now)?)
    }

    /// What clients can declare of the parts that they bring, and the store holds them to.
    fn checksums(&self) -> &'static [ChecksumKind] {
        &ChecksumKind::ALL
    }

    /// Begins an object of `size` bytes, at least 1, whose parts clients bring themselves, each with a checksum of this kind,
    /// one of [`Self::checksums`], if there is one. Answers what the store calls it. Nothing is readable under the key before [`Self::assemble`] answered.
    async fn begin_direct(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        let _ = (key, size, checksum);
        Err(brings_nothing())
    }

    /// Makes the URL by which a client brings a part, good from `now` until the grant ends. The store holds the client to
    /// everything that the grant says.
    async fn sign_part(&self, grant: &PartGrant, now: Timestamp) -> Result<SignedPart, StoreError> {
        let _ = now;
        let query = self.sealer().ok_or_else(brings_nothing)?.query(grant);
        Ok(SignedPart { target: PartTarget::Gateway(query), headers: Vec::new() })
    }

    /// Takes a part whose URL leads to this service, from its first byte to its last; when it answers `Ok`, with the
    /// part's entity tag, the part is durable. It may be brought again: the last counts.
    ///
    /// # Errors
    /// [`PartError`]; `Elsewhere` where clients bring parts to the store itself.
    async fn take_part(
        &self,
        part: &PresentedPart,
        now: Timestamp,
        body: PartBody,
    ) -> Result<String, PartError> {
        let _ = (part, now, body);
        Err(PartError::Elsewhere)
    }

    /// Brings a part of such an object itself, as a client would; when it answers, the part is durable and has arrived.
    ///
    /// # Errors
    /// `NotFound` when nothing is begun by that name.
    async fn bring_part(&self, key: &ObjectKey, upload: &str, part: Part) -> Result<(), StoreError> {
        let _ = (key, upload, part);
        Err(brings_nothing())
    }

    /// Tells which parts have arrived, in their order, behind part `after`: at most `limit` (1 to 1000), and all there are
    /// when they are fewer.
    ///
    /// # Errors
    /// `NotFound` when nothing is begun by that name.
    async fn arrived(
        &self,
        key: &ObjectKey,
        upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let _ = (key, upload, after, limit);
        Err(brings_nothing())
    }

    /// Makes the object whole, readable and durable, of all its parts as they were looked at, and ends what was begun: no part
    /// can be brought any more. A second run is no error.
    ///
    /// # Errors
    /// `NotFound` when nothing is begun by that name, nor the object there; `Failed` when a part has changed since, or is missing.
    async fn assemble(&self, key: &ObjectKey, upload: &str, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        let _ = (key, upload, parts);
        Err(brings_nothing())
    }
}

/// The answer of a store that has no way for clients to bring parts themselves: what the port does where an adapter says nothing.
fn brings_nothing() -> StoreError {
    StoreError::Failed("clients cannot bring parts to this store themselves".into())
}

/// An object that is being written. Dropped without `complete`, it leaves what [`Store::remove`] takes away.
#[async_trait]
pub trait ObjectWriter: Debug + Send + Sync {
    /// Writes one part. Parts may be written side by side and in any order, each once.
    async fn write(&self, part: Part) -> Result<(), StoreError>;

    /// Makes the object whole, readable and durable, once every part was written. A second run is no error.
    async fn complete(&self) -> Result<(), StoreError>;
}

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No complete object has the key.
    #[error("no such object")]
    NotFound,
    /// There is no room for more.
    #[error("the store is full")]
    Full,
    /// Throttled or unreachable, after retries.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// Refused or broken: trying again will not help.
    #[error("the store failed")]
    Failed(#[source] Cause),
}
