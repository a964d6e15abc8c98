//! Ranges of a disk, read and unpacked a few pieces side by side, and given out in order.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::disk::{Disk, Extent, Packed, Run};
use super::pages::Pages;
use super::source::ReadAt;
use super::unpack::{self, Unpacker};
use super::{Error, Result, Settings};
use crate::format::Format;

/// What lies between two runs of a source and is read with them, at most.
const GAP: u64 = 32 << 10;
/// Reads of one piece side by side.
const READS: usize = 4;
/// The most runs of a piece: clusters may have 512 bytes.
const MAX_RUNS: usize = 4096;
const MIN_PIECE: u64 = 64 << 10;

/// Where zeros come from: one run of them for all who need some.
#[derive(Clone, Debug)]
pub(super) struct Zeros(Bytes);

impl Zeros {
    const LEN: u64 = 1 << 20;

    pub(super) fn new() -> Self {
        Self(Bytes::from(vec![0; 1 << 20]))
    }

    /// So many, in pieces that take no memory of their own.
    pub(super) fn give(&self, mut len: u64, out: &mut Vec<Bytes>) {
        while len > 0 {
            let piece = len.min(Self::LEN);
            out.push(self.0.slice(..usize::try_from(piece).unwrap_or(usize::MAX)));
            len -= piece;
        }
    }
}

/// Cuts ranges into pieces, by the tables of the disk.
struct Cutter<R> {
    disk: Disk,
    pages: Pages,
    ranges: R,
    rest: Range<u64>,
    piece: u64,
    /// What comes next in `rest`, once it is known.
    next: Option<Extent>,
}

/// Runs that are read together.
#[derive(Debug, Default)]
struct Piece {
    runs: Vec<Extent>,
    bytes: u64,
}

/// The bytes of ranges of a disk, one range after the other. Every range lies within the disk. After an error nothing comes.
pub(super) fn read<R>(
    disk: Disk,
    ranges: R,
    settings: &Settings,
    zeros: Zeros,
) -> impl Stream<Item = Result<Bytes>> + Send + use<R>
where
    R: Iterator<Item = Range<u64>> + Send,
{
    let (data, format) = (Arc::clone(&disk.data), disk.format());
    let in_flight = usize::try_from(settings.pieces_in_flight.max(1)).unwrap_or(usize::MAX);
    let cutter = Cutter {
        pages: disk.pages(),
        disk,
        ranges,
        rest: 0..0,
        piece: settings.piece_bytes.max(MIN_PIECE),
        next: None,
    };
    stream::try_unfold(
        cutter,
        |mut cutter| async move { Ok(cutter.cut().await?.map(|piece| (piece, cutter))) },
    )
    .map_ok(move |piece| {
        let (data, zeros) = (Arc::clone(&data), zeros.clone());
        async move { piece.bring(data.as_ref(), format, &zeros).await }
    })
    .try_buffered(in_flight)
    .map_ok(|pieces| stream::iter(pieces.into_iter().map(Ok)))
    .try_flatten()
}

impl<R: Iterator<Item = Range<u64>>> Cutter<R> {
    async fn cut(&mut self) -> Result<Option<Piece>> {
        let mut piece = Piece::default();
        while piece.bytes < self.piece && piece.runs.len() < MAX_RUNS {
            if self.rest.is_empty() {
                let Some(range) = self.ranges.next() else { break };
                self.rest = range;
                self.next = None;
                continue;
            }
            let extent = self.extent().await?;
            // To multiples of a piece, for clusters are not to be unpacked twice.
            let here = self.rest.start;
            let room =
                (self.piece - piece.bytes).min(self.piece - here % self.piece).min(self.rest.end - here);
            let len = match extent.run {
                // Zeros are no work, however many.
                Run::Zero => extent.len.min(self.rest.end - here).min(self.piece * 16),
                _ => extent.len.min(room),
            };
            piece.add(Extent { len, run: extent.run });
            self.rest.start += len;
            self.next = (len < extent.len).then(|| extent.from(len));
        }
        Ok((!piece.runs.is_empty()).then_some(piece))
    }

    async fn extent(&mut self) -> Result<Extent> {
        match self.next.take() {
            Some(extent) => Ok(extent),
            None => self.disk.extent(&mut self.pages, self.rest.start).await,
        }
    }
}

impl Extent {
    /// What follows so many bytes.
    fn from(self, len: u64) -> Self {
        let run = match self.run {
            Run::Zero => Run::Zero,
            Run::Stored { at } => Run::Stored { at: at + len },
            Run::Packed(packed) => Run::Packed(Packed { skip: packed.skip + len, ..packed }),
        };
        Self { len: self.len - len, run }
    }
}

impl Piece {
    /// Adds a run, to the last one where it goes on with it.
    fn add(&mut self, extent: Extent) {
        if extent.run != Run::Zero {
            self.bytes += extent.len;
        }
        match (self.runs.last_mut(), extent.run) {
            (Some(Extent { len, run: Run::Zero }), Run::Zero) => *len += extent.len,
            (Some(Extent { len, run: Run::Stored { at } }), Run::Stored { at: next })
                if *at + *len == next =>
            {
                *len += extent.len;
            }
            _ => self.runs.push(extent),
        }
    }

    async fn bring(self, data: &dyn ReadAt, format: Format, zeros: &Zeros) -> Result<Vec<Bytes>> {
        let most = self.bytes * 2 + GAP;
        let ranges = reads(&self.runs, most);
        let parts: VecDeque<(Range<u64>, Bytes)> = stream::iter(ranges)
            .map(|range| async move { Ok::<_, Error>((range.clone(), data.read_at(range).await?)) })
            .buffered(READS)
            .try_collect()
            .await?;
        if self.runs.iter().any(|extent| matches!(extent.run, Run::Packed(_))) {
            let zeros = zeros.clone();
            let work = tokio::task::spawn_blocking(move || self.take(parts, format, &zeros));
            work.await.map_err(|error| crate::ports::StoreError::Failed(error.into()))?
        } else {
            self.take(parts, format, zeros)
        }
    }

    /// Takes the runs out of what was read.
    fn take(
        self,
        mut parts: VecDeque<(Range<u64>, Bytes)>,
        format: Format,
        zeros: &Zeros,
    ) -> Result<Vec<Bytes>> {
        let mut unpacker = Unpacker::default();
        let mut out = Vec::with_capacity(self.runs.len());
        for Extent { len, run } in self.runs {
            let (at, bytes) = match run {
                Run::Zero => {
                    zeros.give(len, &mut out);
                    continue;
                }
                Run::Stored { at } => (at, len),
                Run::Packed(Packed { at, len, .. }) => (at, len),
            };
            while parts.front().is_some_and(|(range, _)| !holds(range, at, bytes)) {
                parts.pop_front();
            }
            let part = parts.front().and_then(|(range, part)| {
                let from = usize::try_from(at - range.start).ok()?;
                let to = from.checked_add(usize::try_from(bytes).ok()?)?;
                (to <= part.len()).then(|| part.slice(from..to))
            });
            let part = part.ok_or_else(|| {
                Error::Store(crate::ports::StoreError::Failed("a range that was read is not whole".into()))
            })?;
            let Run::Packed(packed) = run else {
                out.push(part);
                continue;
            };
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let wanted = usize::try_from(packed.skip).unwrap_or(usize::MAX).saturating_add(len);
            out.push(unpack::run(unpacker.unpack(&packed, &part, wanted, format)?, &packed, len));
        }
        Ok(out)
    }
}

fn holds(range: &Range<u64>, at: u64, len: u64) -> bool {
    range.start <= at && at.checked_add(len).is_some_and(|end| end <= range.end)
}

/// The ranges of the source that hold all runs, in the order of the runs: those that lie one behind the other are one.
fn reads(runs: &[Extent], most: u64) -> Vec<Range<u64>> {
    let mut reads: Vec<Range<u64>> = Vec::new();
    for extent in runs {
        let (at, len) = match extent.run {
            Run::Zero => continue,
            Run::Stored { at } => (at, extent.len),
            Run::Packed(Packed { at, len, .. }) => (at, len),
        };
        let end = at.saturating_add(len);
        match reads.last_mut() {
            Some(last) if holds(last, at, len) => {}
            Some(last)
                if at >= last.start && at <= last.end.saturating_add(GAP) && end - last.start <= most =>
            {
                last.end = last.end.max(end);
            }
            _ => reads.push(at..end),
        }
    }
    reads
}
