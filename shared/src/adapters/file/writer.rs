//! An object on its way in: parts at their offsets in one file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;

use super::blocks::{BLOCK, Block, Blocks};
use super::failure::{failed, refused};
use super::layout::Layout;
use super::{blocking, disk};
use crate::ports::{Chunks, ObjectWriter, Part, StoreError};
use crate::store::ObjectKey;

/// Writes one object. Cost of a part: one copy into aligned blocks and a system call for each of them.
#[derive(Clone, Debug)]
pub(super) struct FileWriter {
    of: Arc<Unfinished>,
}

#[derive(Debug)]
struct Unfinished {
    layout: Layout,
    key: ObjectKey,
    path: PathBuf,
    size: Option<u64>,
    to: Target,
    /// Bytes written, over all parts.
    written: AtomicU64,
    /// Where the last of them ends.
    end: AtomicU64,
    /// A sync failed. The kernel reports that once, and a second sync would seem to succeed.
    broken: AtomicBool,
}

impl FileWriter {
    /// Makes the file, and room for it where the size is known.
    pub(super) fn begin(
        layout: Layout,
        blocks: Blocks,
        key: ObjectKey,
        size: Option<u64>,
    ) -> Result<Self, StoreError> {
        let file = layout.start(&key)?;
        let path = layout.unfinished(&key);
        if let Some(size) = size.filter(|size| *size > 0)
            && let Err(error) = disk::reserve(&file, size)
        {
            // What it got of the room would be missed until the removal.
            layout.remove(&key)?;
            return Err(refused("reserve room for", &path, error));
        }
        let to = Target::new(file, &path, blocks);
        Ok(Self {
            of: Arc::new(Unfinished {
                layout,
                key,
                path,
                size,
                to,
                written: AtomicU64::new(0),
                end: AtomicU64::new(0),
                broken: AtomicBool::new(false),
            }),
        })
    }
}

#[async_trait]
impl ObjectWriter for FileWriter {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        let of = Arc::clone(&self.of);
        blocking(move || of.write(&part)).await
    }

    async fn complete(&self) -> Result<(), StoreError> {
        let of = Arc::clone(&self.of);
        blocking(move || of.complete()).await
    }
}

impl Unfinished {
    fn write(&self, part: &Part) -> Result<(), StoreError> {
        let len = part.bytes.len();
        self.to.write(&part.bytes, part.offset).map_err(|error| refused("write", &self.path, error))?;
        self.written.fetch_add(len, Ordering::AcqRel);
        self.end.fetch_max(part.offset + len, Ordering::AcqRel);
        Ok(())
    }

    fn complete(&self) -> Result<(), StoreError> {
        let (written, end) = (self.written.load(Ordering::Acquire), self.end.load(Ordering::Acquire));
        if written != end || self.size.is_some_and(|size| size != written) {
            return Err(failed(format!(
                "{written} bytes were written to an object of {}",
                self.size.unwrap_or(end)
            )));
        }
        if self.broken.load(Ordering::Acquire) {
            return Err(failed("an earlier sync of the object failed"));
        }
        self.to.sync().map_err(|error| {
            self.broken.store(true, Ordering::Release);
            refused("sync", &self.path, error)
        })?;
        self.layout.finish(&self.key)
    }
}

/// A file that parts are written to, at their offsets.
#[derive(Debug)]
pub(super) struct Target {
    file: File,
    /// The same file, past the page cache, where that works.
    direct: Option<File>,
    blocks: Blocks,
}

impl Target {
    pub(super) fn new(file: File, path: &Path, blocks: Blocks) -> Self {
        Self { file, direct: disk::open_direct(path), blocks }
    }

    /// Writes a run of bytes.
    pub(super) fn write(&self, bytes: &Chunks, offset: u64) -> io::Result<()> {
        self.copy(bytes, offset)?;
        if self.direct.is_none() {
            disk::start_write_back(&self.file, offset, bytes.len());
        }
        Ok(())
    }

    /// Makes all that was written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// The same of its bytes alone.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes the bytes in blocks that end at multiples of [`BLOCK`] in the file.
    fn copy(&self, bytes: &Chunks, offset: u64) -> io::Result<()> {
        let mut block = self.blocks.take();
        let mut at = offset;
        let mut filled = 0;
        for piece in bytes.pieces() {
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                let room = until_boundary(at) - filled;
                let (now, later) = rest.split_at(room.min(rest.len()));
                fill(&mut block, filled, now);
                filled += now.len();
                rest = later;
                if now.len() == room {
                    self.flush(&block, filled, at)?;
                    at += filled as u64;
                    filled = 0;
                }
            }
        }
        self.flush(&block, filled, at)
    }

    /// Writes the first bytes of a block. Only whole blocks go past the page cache: none shares a page with bytes that
    /// go through it, so the two ways never meet.
    fn flush(&self, block: &Block, len: usize, at: u64) -> io::Result<()> {
        let bytes = block.as_ref().get(..len).unwrap_or_default();
        match &self.direct {
            Some(direct) if len == BLOCK => match direct.write_all_at(bytes, at) {
                // Devices with larger sectors, or a file system that opens so and then declines.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.file.write_all_at(bytes, at)
                }
                written => written,
            },
            _ => self.file.write_all_at(bytes, at),
        }
    }
}

/// Bytes from an offset to the next multiple of [`BLOCK`] after it.
fn until_boundary(offset: u64) -> usize {
    let block = BLOCK as u64;
    usize::try_from(block - offset % block).unwrap_or(BLOCK)
}

fn fill(block: &mut Block, at: usize, bytes: &[u8]) {
    if let Some(target) = block.as_mut().get_mut(at..at + bytes.len()) {
        target.copy_from_slice(bytes);
    }
}
