//! Objects in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;

use super::direct::{self, Begun, UPLOAD};
use crate::ports::{
    ByteStream, Chunks, ObjectWriter, Part, PartBody, PartError, PartLimits, PartTarget, PresentedPart,
    ReadError, ReadTarget, SignedPart, Store, StoreError,
};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant, SEAL_KEY_BYTES, Sealer};
use crate::time::Timestamp;

/// A store that forgets everything with its last clone.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    held: Arc<Mutex<Held>>,
    sealer: Sealer,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) objects: BTreeMap<ObjectKey, Bytes>,
    begun: BTreeMap<ObjectKey, BTreeMap<u32, Chunks>>,
    pub(super) direct: BTreeMap<ObjectKey, Begun>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let mut key = [0; SEAL_KEY_BYTES];
        // As for ids: what is sealed must never be guessable.
        if getrandom::fill(&mut key).is_err() {
            std::process::abort();
        }
        Self { held: Arc::default(), sealer: Sealer::new(key) }
    }
}

impl MemoryStore {
    /// A store without objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every key that anything is held under, whole or begun.
    pub fn keys(&self) -> Vec<ObjectKey> {
        let held = self.held();
        held.objects.keys().chain(held.begun.keys()).chain(held.direct.keys()).cloned().collect()
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn part_limits(&self) -> PartLimits {
        PartLimits { min_bytes: 1, max_bytes: u64::MAX, max_parts: u32::MAX, max_object_bytes: u64::MAX }
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.held().objects.insert(key.clone(), joined([&bytes]));
        Ok(())
    }

    async fn begin(&self, key: &ObjectKey, _size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        self.held().begun.insert(key.clone(), BTreeMap::new());
        Ok(Arc::new(MemoryWriter { store: self.clone(), key: key.clone() }))
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        let object = self.held().objects.get(key).cloned().ok_or(StoreError::NotFound)?;
        let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
            return Err(StoreError::Failed("the range is larger than memory".into()));
        };
        if start >= end || end > object.len() {
            return Err(StoreError::Failed(format!("{range:?} of {} bytes", object.len()).into()));
        }
        Ok(Box::pin(stream::iter([Ok(object.slice(start..end))])))
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.held().objects.get(key).map(|object| object.len() as u64).ok_or(StoreError::NotFound)
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let mut held = self.held();
        held.begun.remove(key);
        held.direct.remove(key);
        held.objects.remove(key);
        Ok(())
    }

    async fn sign_read(&self, grant: &ReadGrant, _now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        Ok(Some(ReadTarget::Gateway(self.sealer.read_query(grant))))
    }

    fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, ReadError> {
        Ok(self.sealer.open_read(key, query, now)?)
    }

    async fn begin_direct(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        self.held().direct.insert(key.clone(), Begun::new(size, checksum));
        Ok(UPLOAD.to_owned())
    }

    async fn sign_part(&self, grant: &PartGrant, _now: Timestamp) -> Result<SignedPart, StoreError> {
        Ok(SignedPart { target: PartTarget::Gateway(self.sealer.query(grant)), headers: Vec::new() })
    }

    async fn take_part(
        &self,
        part: &PresentedPart,
        now: Timestamp,
        body: PartBody,
    ) -> Result<String, PartError> {
        let grant = self.sealer.open(&part.key, UPLOAD, part.number, &part.query, now)?;
        direct::take(self, part, grant.len(), grant.checksum.as_ref(), body).await
    }

    async fn bring_part(&self, key: &ObjectKey, _upload: &str, part: Part) -> Result<(), StoreError> {
        let presented = PresentedPart { key: key.clone(), number: part.number, query: Vec::new() };
        let pieces = part.bytes.pieces().to_vec().into_iter().map(Ok);
        let body = Box::pin(stream::iter(pieces));
        Ok(direct::take(self, &presented, part.bytes.len(), None, body).await.map(drop)?)
    }

    async fn arrived(
        &self,
        key: &ObjectKey,
        _upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let held = self.held();
        held.direct.get(key).map(|begun| begun.arrived(after, limit)).ok_or(StoreError::NotFound)
    }

    async fn assemble(
        &self,
        key: &ObjectKey,
        _upload: &str,
        parts: &[ArrivedPart],
    ) -> Result<(), StoreError> {
        direct::assemble(&mut self.held(), key, parts)
    }
}

#[derive(Debug)]
struct MemoryWriter {
    store: MemoryStore,
    key: ObjectKey,
}

#[async_trait]
impl ObjectWriter for MemoryWriter {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        let mut held = self.store.held();
        let parts = held.begun.get_mut(&self.key).ok_or_else(removed)?;
        parts.insert(part.number, part.bytes);
        Ok(())
    }

    async fn complete(&self) -> Result<(), StoreError> {
        let mut held = self.store.held();
        if let Some(parts) = held.begun.remove(&self.key) {
            held.objects.insert(self.key.clone(), joined(parts.values()));
        }
        if held.objects.contains_key(&self.key) { Ok(()) } else { Err(removed()) }
    }
}

fn removed() -> StoreError {
    StoreError::Failed("the object was removed while it was written".into())
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a Chunks>) -> Bytes {
    parts.into_iter().flat_map(Chunks::pieces).flatten().copied().collect()
}
