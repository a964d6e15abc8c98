//! Objects in a directory: immutable files on one machine's disk, durable when a call answers.
//!
//! An object is written aside, at its offsets, and moved to its place once it is whole and synced; nothing is copied.
//! That only one process uses a directory is the caller's to ensure.

mod blocks;
mod direct;
mod disk;
mod failure;
mod layout;
mod reader;
mod seal;
mod writer;

#[cfg(test)]
#[cfg(feature = "contract")]
mod tests;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use self::blocks::Blocks;
use self::direct::Sessions;
use self::layout::Layout;
use self::writer::FileWriter;
use crate::ports::{
    ByteStream, Chunks, ObjectWriter, Part, PartBody, PartError, PartLimits, PartTarget, PresentedPart,
    ReadError, ReadTarget, SignedPart, Store, StoreError,
};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant, Sealer};
use crate::time::Timestamp;

/// A store in a directory. Clones share it.
#[derive(Clone, Debug)]
pub struct FileStore {
    layout: Layout,
    blocks: Blocks,
    sealer: Sealer,
    sessions: Sessions,
}

impl FileStore {
    /// Opens the store in a directory, which is made if it is absent. Blocks the thread for a few system calls.
    ///
    /// # Errors
    /// As the file system refuses.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StoreError> {
        let (layout, blocks) = (Layout::create(root.as_ref())?, Blocks::default());
        let sealer = Sealer::new(seal::key(root.as_ref())?);
        let sessions = Sessions::new(layout.clone(), blocks.clone());
        Ok(Self { layout, blocks, sealer, sessions })
    }

    async fn writer(&self, key: &ObjectKey, size: Option<u64>) -> Result<FileWriter, StoreError> {
        let (layout, blocks, key) = (self.layout.clone(), self.blocks.clone(), key.clone());
        blocking(move || FileWriter::begin(layout, blocks, key, size)).await
    }
}

#[async_trait]
impl Store for FileStore {
    /// A file is written at any offset; the limit is what an offset can say.
    fn part_limits(&self) -> PartLimits {
        let most = i64::MAX.unsigned_abs();
        PartLimits { min_bytes: 1, max_bytes: most, max_parts: u32::MAX, max_object_bytes: most }
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        let writer = self.writer(key, Some(bytes.len())).await?;
        writer.write(Part { number: 1, offset: 0, bytes }).await?;
        writer.complete().await
    }

    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        Ok(Arc::new(self.writer(key, size).await?))
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        reader::read(self.layout.object(key), range, self.blocks.clone()).await
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        let path = self.layout.object(key);
        blocking(move || reader::size(&path)).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let (layout, sessions, key) = (self.layout.clone(), self.sessions.clone(), key.clone());
        blocking(move || {
            layout.remove(&key)?;
            sessions.close(&key);
            Ok(())
        })
        .await
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
        let (sessions, key) = (self.sessions.clone(), key.clone());
        blocking(move || sessions.begin(&key, size, checksum)).await?;
        Ok(direct::UPLOAD.to_owned())
    }

    /// Cost: none of the disk's.
    async fn sign_part(&self, grant: &PartGrant, _now: Timestamp) -> Result<SignedPart, StoreError> {
        Ok(SignedPart { target: PartTarget::Gateway(self.sealer.query(grant)), headers: Vec::new() })
    }

    /// Cost: one copy into aligned blocks, a system call for each of them, and two syncs.
    async fn take_part(
        &self,
        part: &PresentedPart,
        now: Timestamp,
        body: PartBody,
    ) -> Result<String, PartError> {
        let grant = self.sealer.open(&part.key, direct::UPLOAD, part.number, &part.query, now)?;
        self.sessions.take(&grant, body).await
    }

    async fn bring_part(&self, key: &ObjectKey, upload: &str, part: Part) -> Result<(), StoreError> {
        let (grant, body) = brought(key, upload, &part);
        Ok(self.sessions.take(&grant, body).await.map(drop)?)
    }

    async fn arrived(
        &self,
        key: &ObjectKey,
        _upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let (sessions, key) = (self.sessions.clone(), key.clone());
        blocking(move || sessions.arrived(&key, after, limit)).await
    }

    async fn assemble(
        &self,
        key: &ObjectKey,
        _upload: &str,
        parts: &[ArrivedPart],
    ) -> Result<(), StoreError> {
        let (sessions, key, parts) = (self.sessions.clone(), key.clone(), parts.to_vec());
        blocking(move || sessions.assemble(&key, &parts)).await
    }
}

/// A part that the service has, as one that a client brings.
fn brought(key: &ObjectKey, upload: &str, part: &Part) -> (PartGrant, PartBody) {
    let grant = PartGrant {
        key: key.clone(),
        upload: upload.to_owned(),
        number: part.number,
        range: part.offset..part.offset + part.bytes.len(),
        checksum: None,
        until: Timestamp::from_microseconds(i64::MAX),
    };
    let pieces = part.bytes.pieces().to_vec();
    (grant, Box::pin(futures_util::stream::iter(pieces.into_iter().map(Ok))))
}

/// Runs work that waits for the disk where it holds up no task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(StoreError::Failed(Box::new(stopped))))
}
