//! Which clusters of a target hold data: a bit each, counted once, so that every place of the target follows from it.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt as _, pin_mut};

use super::disk::{Disk, Run};
use super::pieces::{self, Zeros};
use super::{Result, Settings};

const WORD: u64 = 64;
/// Words that are counted together.
const GROUP: usize = 16;

/// Clusters of a disk, each with data or without.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    words: Vec<u64>,
    /// How many there are before each group.
    before: Vec<u64>,
    total: u64,
    cluster_bits: u32,
}

impl Plan {
    /// Looks at a disk: at its tables, and at its data where those say that there are no holes. Cost: the tables are read once, or
    /// all of the disk.
    pub(super) async fn make(disk: &Disk, cluster_bits: u32, settings: &Settings) -> Result<Self> {
        let words = (disk.size().div_ceil(1 << cluster_bits)).div_ceil(WORD);
        let mut plan = Self {
            words: vec![0; usize::try_from(words).unwrap_or(usize::MAX)],
            before: Vec::new(),
            total: 0,
            cluster_bits,
        };
        if !plan.by_tables(disk).await? {
            plan.words.fill(0);
            plan.by_data(disk, settings).await?;
        }
        for group in plan.words.chunks(GROUP) {
            plan.before.push(plan.total);
            plan.total += group.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        Ok(plan)
    }

    /// Whether the tables tell of holes.
    async fn by_tables(&mut self, disk: &Disk) -> Result<bool> {
        let (mut pages, mut at, mut holes) = (disk.pages(), 0, false);
        while at < disk.size() {
            let extent = disk.extent(&mut pages, at).await?;
            if extent.run == Run::Zero {
                holes = true;
            } else {
                self.mark(at..at + extent.len);
            }
            at += extent.len;
        }
        Ok(holes)
    }

    async fn by_data(&mut self, disk: &Disk, settings: &Settings) -> Result<()> {
        let stream = pieces::read(disk.clone(), std::iter::once(0..disk.size()), settings, Zeros::new());
        pin_mut!(stream);
        let mut at = 0;
        while let Some(bytes) = stream.next().await {
            at = self.see(at, &bytes?);
        }
        Ok(())
    }

    /// Looks at the bytes at an offset, a cluster after the other.
    fn see(&mut self, mut at: u64, bytes: &Bytes) -> u64 {
        let cluster = 1_u64 << self.cluster_bits;
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let len = usize::try_from(cluster - at % cluster).unwrap_or(usize::MAX).min(rest.len());
            let (here, behind) = rest.split_at(len);
            if !is_zero(here) {
                self.mark(at..at + len as u64);
            }
            at += len as u64;
            rest = behind;
        }
        at
    }

    fn mark(&mut self, range: Range<u64>) {
        let first = range.start >> self.cluster_bits;
        let last = (range.end - 1) >> self.cluster_bits;
        for cluster in first..=last {
            if let Some(word) = self.words.get_mut(index(cluster / WORD)) {
                *word |= 1 << (cluster % WORD);
            }
        }
    }

    /// How many hold data.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn holds(&self, cluster: u64) -> bool {
        self.words.get(index(cluster / WORD)).is_some_and(|word| word >> (cluster % WORD) & 1 != 0)
    }

    /// How many hold data before one.
    pub(super) fn rank(&self, cluster: u64) -> u64 {
        let word = index(cluster / WORD).min(self.words.len());
        let group = word / GROUP;
        let Some(before) = self.before.get(group) else { return self.total };
        let whole = self.words.get(group * GROUP..word).unwrap_or_default();
        let part = self.words.get(word).map_or(0, |word| word & ((1 << (cluster % WORD)) - 1));
        before
            + whole.iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
            + u64::from(part.count_ones())
    }

    /// The one before which so many hold data, and which does itself.
    pub(super) fn select(&self, rank: u64) -> Option<u64> {
        let group = self.before.partition_point(|before| *before <= rank).checked_sub(1)?;
        let mut left = rank - self.before.get(group)?;
        for (number, word) in self.words.iter().enumerate().skip(group * GROUP).take(GROUP) {
            let ones = u64::from(word.count_ones());
            if left < ones {
                let mut word = *word;
                for _ in 0..left {
                    word &= word - 1;
                }
                return Some(number as u64 * WORD + u64::from(word.trailing_zeros()));
            }
            left -= ones;
        }
        None
    }

    /// Whether one of these does.
    pub(super) fn any(&self, clusters: Range<u64>) -> bool {
        self.rank(clusters.end) > self.rank(clusters.start)
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Looks at sixteen words at a time, with no branch between: the compiler makes them the widest that there are.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(128).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}
