//! Tables of a source, read a page at a time and kept while they are near.

use std::sync::Arc;

use bytes::Bytes;

use super::source::ReadAt;
use super::{Error, Result};
use crate::format::Format;

/// A page, in bytes: a table of a qcow2's second level.
const PAGE: u64 = 64 << 10;
/// How many are kept: 4 MiB.
const KEPT: usize = 64;

static NONE: Bytes = Bytes::new();

/// What was read of tables. The page that was used last comes last.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    data: Arc<dyn ReadAt>,
    format: Format,
    kept: Vec<(u64, Bytes)>,
}

impl Pages {
    pub(super) fn new(data: Arc<dyn ReadAt>, format: Format) -> Self {
        Self { data, format, kept: Vec::new() }
    }

    /// The bytes at an offset.
    ///
    /// # Errors
    /// `Unreadable`, with what was looked for, when they do not lie in the data.
    pub(super) async fn bytes<const N: usize>(&mut self, at: u64, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let inside = at.checked_add(N as u64).is_some_and(|end| end <= self.data.size());
        if !inside {
            let size = self.data.size();
            return Err(Error::unreadable(
                self.format,
                format!("{what} at {at} lies beyond the end of the data, at {size}"),
            ));
        }
        let mut done = 0;
        while done < N {
            let place = at + done as u64;
            let page = self.page(place / PAGE).await?;
            let from = usize::try_from(place % PAGE).unwrap_or(usize::MAX);
            let there = page.get(from..).unwrap_or_default();
            let wanted = bytes.get_mut(done..).unwrap_or_default();
            let len = there.len().min(wanted.len());
            for (to, from) in wanted.iter_mut().zip(there) {
                *to = *from;
            }
            if len == 0 {
                return Err(Error::unreadable(self.format, format!("{what} at {at} is cut off")));
            }
            done += len;
        }
        Ok(bytes)
    }

    pub(super) async fn be32(&mut self, at: u64, what: &str) -> Result<u32> {
        self.bytes(at, what).await.map(u32::from_be_bytes)
    }

    pub(super) async fn le32(&mut self, at: u64, what: &str) -> Result<u32> {
        self.bytes(at, what).await.map(u32::from_le_bytes)
    }

    pub(super) async fn be64(&mut self, at: u64, what: &str) -> Result<u64> {
        self.bytes(at, what).await.map(u64::from_be_bytes)
    }

    pub(super) async fn le64(&mut self, at: u64, what: &str) -> Result<u64> {
        self.bytes(at, what).await.map(u64::from_le_bytes)
    }

    async fn page(&mut self, number: u64) -> Result<&Bytes> {
        let found = self.kept.iter().rposition(|(kept, _)| *kept == number);
        let page = match found {
            Some(at) if at + 1 == self.kept.len() => None,
            Some(at) => Some(self.kept.remove(at)),
            None => {
                let start = number * PAGE;
                let end = start.saturating_add(PAGE).min(self.data.size());
                let bytes = self.data.read_at(start..end).await?;
                if self.kept.len() == KEPT {
                    self.kept.remove(0);
                }
                Some((number, bytes))
            }
        };
        self.kept.extend(page);
        Ok(self.kept.last().map_or(&NONE, |(_, bytes)| bytes))
    }
}
