//! An object on its way out: large reads, one ahead of the one that is being sent.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::task::{self, JoinHandle};

use super::blocks::{BLOCK, Blocks};
use super::failure::{failed, refused};
use super::{blocking, disk};
use crate::ports::{ByteStream, StoreError};

/// Opens an object and streams a range of it. Two blocks of memory at a time, and those the receiver holds.
pub(super) async fn read(path: PathBuf, range: Range<u64>, blocks: Blocks) -> Result<ByteStream, StoreError> {
    let opened = blocking(move || Opened::open(&path, range, blocks)).await?;
    let state = State { rest: opened.range.clone(), ahead: None, of: Arc::new(opened) };
    Ok(Box::pin(stream::try_unfold(state, State::next)))
}

/// The size of an object, in bytes.
pub(super) fn size(path: &Path) -> Result<u64, StoreError> {
    let found = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound,
        _ => refused("look at", path, error),
    })?;
    Ok(found.len())
}

#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
    range: Range<u64>,
    blocks: Blocks,
}

impl Opened {
    fn open(path: &Path, range: Range<u64>, blocks: Blocks) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NotFound,
            _ => refused("open", path, error),
        })?;
        let size = file.metadata().map_err(|error| refused("look at", path, error))?.len();
        if range.is_empty() || range.end > size {
            return Err(failed(format!("{range:?} of {size} bytes")));
        }
        disk::will_read(&file, range.start, range.end - range.start);
        Ok(Self { file, path: path.to_owned(), range, blocks })
    }

    fn read(&self, range: &Range<u64>) -> Result<Bytes, StoreError> {
        let mut block = self.blocks.take();
        block.truncate(usize::try_from(range.end - range.start).unwrap_or(BLOCK));
        let read = self.file.read_exact_at(block.as_mut(), range.start);
        read.map_err(|error| refused("read", &self.path, error))?;
        Ok(Bytes::from_owner(block))
    }
}

struct State {
    of: Arc<Opened>,
    /// What no read was started for yet.
    rest: Range<u64>,
    ahead: Option<JoinHandle<Result<Bytes, StoreError>>>,
}

impl State {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let Some(reading) = self.ahead.take().or_else(|| self.start()) else { return Ok(None) };
        let bytes = reading.await.map_err(|stopped| StoreError::Failed(Box::new(stopped)))??;
        self.ahead = self.start();
        Ok(Some((bytes, self)))
    }

    /// Starts the next read, if anything is left.
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes, StoreError>>> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.rest.start;
        self.rest.start = self.rest.end.min(start.saturating_add(BLOCK as u64));
        let (of, range) = (Arc::clone(&self.of), start..self.rest.start);
        Some(task::spawn_blocking(move || of.read(&range)))
    }
}
