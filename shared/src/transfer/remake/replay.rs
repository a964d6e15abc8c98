//! A stream that can be had again, read by ranges: as far as it is kept, and else from its first byte on once more.

use std::collections::VecDeque;
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::Mutex;

use super::{Output, RemakeError, Running};
use crate::convert::ReadAt;
use crate::ports::StoreError;

/// Bytes of the beginning and of the end that are kept: tables lie there.
const ENDS_BYTES: u64 = 1 << 20;

/// How far a reader may jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySettings {
    /// Bytes behind the last one read that are kept.
    pub kept_bytes: u64,
    /// How often it begins anew at most.
    pub replays: u32,
}

impl Default for ReplaySettings {
    /// 36 MiB, for a streamed vmdk has tables behind the 32 MiB that each tells of; 32 times.
    fn default() -> Self {
        Self { kept_bytes: 36 << 20, replays: 32 }
    }
}

/// What a stream brings, by ranges. Reads are answered one after the other.
#[derive(Debug)]
pub(super) struct Replay {
    running: Running,
    settings: ReplaySettings,
    size: u64,
    head: Bytes,
    tail: Bytes,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stream: Option<Output>,
    begun: u32,
    /// What came last, and where it begins.
    kept: VecDeque<Bytes>,
    from: u64,
    /// The first byte that has not come.
    next: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("begun", &self.begun).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Replay {
    /// Runs a stream once to its end: it is whole, and how long it is.
    ///
    /// # Errors
    /// The stream's.
    pub(super) async fn open(running: Running, settings: ReplaySettings) -> Result<Self, RemakeError> {
        let mut stream = running.begin();
        let (mut head, mut state) = (BytesMut::new(), State::default());
        while let Some(bytes) = stream.next().await {
            let bytes = bytes?;
            let missing = usize::try_from(ENDS_BYTES).unwrap_or(usize::MAX).saturating_sub(head.len());
            head.extend_from_slice(bytes.get(..missing).unwrap_or(&bytes));
            state.came(bytes);
            state.forget(ENDS_BYTES, state.next);
        }
        let size = state.next;
        let tail = state.range(size.saturating_sub(ENDS_BYTES)..size);
        Ok(Self { running, settings, size, head: head.freeze(), tail, state: Mutex::default() })
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, RemakeError> {
        let tail = self.size - self.tail.len() as u64;
        if range.end <= self.head.len() as u64 {
            return Ok(slice(&self.head, range));
        }
        if range.start >= tail {
            return Ok(slice(&self.tail, range.start - tail..range.end.saturating_sub(tail)));
        }
        let mut state = self.state.lock().await;
        if range.start < state.from || state.stream.is_none() && state.next < range.end {
            if state.begun > self.settings.replays {
                return Err(RemakeError::Jumps(self.settings.replays));
            }
            *state = State { stream: Some(self.running.begin()), begun: state.begun + 1, ..State::default() };
        }
        while state.next < range.end {
            let came = match &mut state.stream {
                Some(stream) => stream.next().await.transpose(),
                None => Ok(None),
            };
            match came {
                Ok(Some(bytes)) => state.came(bytes),
                // It was as long as this when it ran for the first time.
                Ok(None) => return Err(RemakeError::Changed),
                Err(error) => {
                    state.stream = None;
                    return Err(error);
                }
            }
            state.forget(self.settings.kept_bytes, range.start);
        }
        Ok(state.range(range))
    }
}

#[async_trait]
impl ReadAt for Replay {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let wanted = range.end.saturating_sub(range.start);
        let bytes = self.read(range).await.map_err(StoreError::from)?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(StoreError::Failed(format!("{} bytes of a range of {wanted}", bytes.len()).into()))
        }
    }
}

impl State {
    fn came(&mut self, bytes: Bytes) {
        self.next += bytes.len() as u64;
        self.kept.push_back(bytes);
    }

    /// Keeps so many bytes, and whatever is wanted.
    fn forget(&mut self, most: u64, wanted: u64) {
        while let Some(first) = self.kept.front() {
            let end = self.from + first.len() as u64;
            if self.next - end < most || end > wanted {
                return;
            }
            self.from = end;
            self.kept.pop_front();
        }
    }

    /// As much of a range as is kept. What lies in one piece is not copied.
    fn range(&self, range: Range<u64>) -> Bytes {
        let (mut at, mut first, mut all) = (self.from, Bytes::new(), BytesMut::new());
        for piece in &self.kept {
            let end = at + piece.len() as u64;
            let within = slice(piece, range.start.clamp(at, end) - at..range.end.clamp(at, end) - at);
            at = end;
            if first.is_empty() && all.is_empty() {
                first = within;
            } else if !within.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&within);
            }
        }
        if all.is_empty() { first } else { all.freeze() }
    }
}

/// A part of bytes, as far as they go.
fn slice(bytes: &Bytes, range: Range<u64>) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(place(range.start)..place(range.end))
}

#[cfg(test)]
impl Replay {
    /// The same, of what a source has become.
    pub(super) fn of(self, running: Running) -> Self {
        Self { running, ..self }
    }
}
