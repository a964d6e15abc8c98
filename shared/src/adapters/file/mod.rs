//! Objects in a directory: immutable files on one machine's disk, durable when a call answers.
//!
//! An object is written aside, at its offsets, and moved to its place once it is whole and synced; nothing is copied.
//! That only one process uses a directory is the caller's to ensure.

mod blocks;
mod disk;
mod failure;
mod layout;
mod reader;
mod writer;

#[cfg(test)]
#[cfg(feature = "contract")]
mod tests;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use self::blocks::Blocks;
use self::layout::Layout;
use self::writer::FileWriter;
use crate::ports::{ByteStream, Chunks, ObjectWriter, Part, PartLimits, Store, StoreError};
use crate::store::ObjectKey;

/// A store in a directory. Clones share it.
#[derive(Clone, Debug)]
pub struct FileStore {
    layout: Layout,
    blocks: Blocks,
}

impl FileStore {
    /// Opens the store in a directory, which is made if it is absent. Blocks the thread for a few system calls.
    ///
    /// # Errors
    /// As the file system refuses.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self { layout: Layout::create(root.as_ref())?, blocks: Blocks::default() })
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
        PartLimits { min_bytes: 1, max_bytes: i64::MAX.unsigned_abs(), max_parts: u32::MAX }
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

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || layout.remove(&key)).await
    }
}

/// Runs work that waits for the disk where it holds up no task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(StoreError::Failed(Box::new(stopped))))
}
