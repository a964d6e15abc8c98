//! The target: its bytes from any offset on.

use std::ops::{Range, RangeInclusive};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};

use super::disk::Disk;
use super::pieces::{self, Zeros};
use super::plan::Plan;
use super::{Error, Result, Settings, Target};

/// The bytes of a target, in order. After an error nothing comes; a stream that ends is whole.
pub type Output = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A disk and what it becomes.
#[derive(Clone, Debug)]
pub struct Conversion {
    disk: Disk,
    settings: Settings,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    Raw,
    Qcow2(Arc<Qcow2>),
}

impl Conversion {
    /// Plans the target. The same source and target make the same plan. Cost: nothing for raw; for qcow2 the tables of the disk are
    /// read, and all of it when they tell of no hole, as those of a raw disk.
    ///
    /// # Errors
    /// As [`Disk::open`].
    pub async fn plan(disk: Disk, target: Target, settings: Settings) -> Result<Self> {
        let layout = match target {
            Target::Raw => Layout::Raw,
            Target::Qcow2 => Layout::Qcow2(Arc::new(Qcow2::plan(&disk, &settings).await?)),
        };
        Ok(Self { disk, settings, layout })
    }

    /// Bytes of the target.
    pub fn size(&self) -> u64 {
        match &self.layout {
            Layout::Raw => self.disk.size(),
            Layout::Qcow2(qcow2) => qcow2.clusters << qcow2.cluster_bits,
        }
    }

    /// Bytes of the disk in it.
    pub fn virtual_size(&self) -> u64 {
        match &self.layout {
            Layout::Raw => self.disk.size(),
            Layout::Qcow2(qcow2) => qcow2.size,
        }
    }

    /// The target's bytes from an offset on; none from its end on. Every run gives the same bytes.
    pub fn stream(&self, from: u64) -> Output {
        let zeros = Zeros::new();
        match &self.layout {
            Layout::Raw => {
                let range = from.min(self.disk.size())..self.disk.size();
                Box::pin(pieces::read(self.disk.clone(), std::iter::once(range), &self.settings, zeros))
            }
            Layout::Qcow2(qcow2) => qcow2.stream(self.disk.clone(), from, &self.settings, zeros),
        }
    }
}

/// ```text
/// header | refcount table | refcount blocks | L1 | L2 tables that are not empty | clusters with data, in their order
/// ```
#[derive(Debug)]
struct Qcow2 {
    plan: Plan,
    cluster_bits: u32,
    /// Bytes of the disk, in whole sectors.
    size: u64,
    l1_size: u64,
    /// Numbers of the first clusters of each part.
    blocks: u64,
    l1: u64,
    l2: u64,
    data: u64,
    /// All of them.
    clusters: u64,
    /// Which tables of the second level are there.
    tables: Vec<u64>,
}

const SECTOR: u64 = 512;
const CLUSTER_BITS: RangeInclusive<u32> = 16..=21;
/// Clusters that are planned for, each with a bit, before they are made larger: 16 MiB.
const MAX_CLUSTERS: u64 = 1 << 27;
/// The flag of a table or cluster that is used once.
const ONCE: u64 = 1 << 63;
const HEADER: u32 = 112;
/// Bits of a count of uses, as a power of two.
const REFCOUNT_ORDER: u32 = 4;
const NAMES_OF_FEATURES: u32 = 0;

impl Qcow2 {
    async fn plan(disk: &Disk, settings: &Settings) -> Result<Self> {
        let mut cluster_bits = *CLUSTER_BITS.start();
        while disk.size() >> cluster_bits > MAX_CLUSTERS && cluster_bits < *CLUSTER_BITS.end() {
            cluster_bits += 1;
        }
        let limit = MAX_CLUSTERS << cluster_bits;
        if disk.size() > limit {
            return Err(Error::TooLarge { bytes: disk.size(), limit });
        }
        let plan = Plan::make(disk, cluster_bits, settings).await?;
        let cluster = 1_u64 << cluster_bits;
        let size = disk.size().next_multiple_of(SECTOR);
        let entries = cluster / 8;
        let l1_size = size.div_ceil(cluster * entries).max(1);
        let tables: Vec<_> =
            (0..l1_size).filter(|table| plan.any(table * entries..(table + 1) * entries)).collect();
        let l1_clusters = (l1_size * 8).div_ceil(cluster);
        let rest = 1 + l1_clusters + tables.len() as u64 + plan.total();
        // Counts are counted too: until as many are there as are needed.
        let (mut counts, mut count_tables) = (1, 1);
        loop {
            let needed = (rest + counts + count_tables).div_ceil(cluster / 2);
            let tables_needed = (needed * 8).div_ceil(cluster);
            if (needed, tables_needed) == (counts, count_tables) {
                break;
            }
            (counts, count_tables) = (needed, tables_needed);
        }
        let blocks = 1 + count_tables;
        let l1 = blocks + counts;
        let l2 = l1 + l1_clusters;
        let data = l2 + tables.len() as u64;
        let clusters = data + plan.total();
        Ok(Self { plan, cluster_bits, size, l1_size, blocks, l1, l2, data, clusters, tables })
    }

    fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    fn stream(self: &Arc<Self>, disk: Disk, from: u64, settings: &Settings, zeros: Zeros) -> Output {
        let first = from >> self.cluster_bits;
        let (here, tables) = (Arc::clone(self), first.min(self.data)..self.data);
        let tables = stream::iter(tables.map(move |number| Ok(Bytes::from(here.table(number)))));
        let clusters =
            Clusters { rank: first.saturating_sub(self.data), limit: disk.size(), target: Arc::clone(self) };
        let is_whole = (first.max(self.data)..self.clusters).is_empty();
        let end = self.end(disk.size()).filter(|_| !is_whole).unwrap_or_default();
        let mut padding = Vec::new();
        zeros.give(end, &mut padding);
        let data = pieces::read(disk, clusters, settings, zeros);
        let all = tables.chain(data).chain(stream::iter(padding.into_iter().map(Ok)));
        // What comes of the first cluster before the offset.
        let skip = if from >> self.cluster_bits >= self.clusters { 0 } else { from & (self.cluster() - 1) };
        Box::pin(
            all.scan(skip, |skip, item| {
                let item = item.map(|mut bytes| {
                    let len = usize::try_from(*skip).unwrap_or(usize::MAX).min(bytes.len());
                    *skip -= len as u64;
                    bytes.split_off(len)
                });
                std::future::ready(Some(item))
            })
            .filter(|item| std::future::ready(!item.as_ref().is_ok_and(Bytes::is_empty))),
        )
    }

    /// What is missing of the last cluster, where the disk ends within it.
    fn end(&self, size: u64) -> Option<u64> {
        let last = self.plan.select(self.plan.total().checked_sub(1)?)?;
        Some(((last + 1) << self.cluster_bits).saturating_sub(size))
    }

    /// A cluster before those of the data.
    fn table(&self, number: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.cluster()).unwrap_or_default());
        if number == 0 {
            self.header(&mut out);
        } else if number < self.blocks {
            let counts = self.l1 - self.blocks;
            let first = (number - 1) * self.cluster() / 8;
            self.each(&mut out, 8, first, counts, |block| {
                ((self.blocks + block) << self.cluster_bits).to_be_bytes()
            });
        } else if number < self.l1 {
            let first = (number - self.blocks) * self.cluster() / 2;
            self.each(&mut out, 2, first, self.clusters, |_| 1_u16.to_be_bytes());
        } else if number < self.l2 {
            let first = (number - self.l1) * self.cluster() / 8;
            self.each(&mut out, 8, first, self.l1_size, |table| match self.tables.binary_search(&table) {
                Ok(place) => (ONCE | (self.l2 + place as u64) << self.cluster_bits).to_be_bytes(),
                Err(_) => [0; 8],
            });
        } else {
            let table = self.tables.get(usize::try_from(number - self.l2).unwrap_or(usize::MAX));
            let first = table.copied().unwrap_or_default() * self.cluster() / 8;
            let mut place = self.data + self.plan.rank(first);
            self.each(&mut out, 8, first, u64::MAX, |cluster| {
                if !self.plan.holds(cluster) {
                    return [0; 8];
                }
                place += 1;
                (ONCE | (place - 1) << self.cluster_bits).to_be_bytes()
            });
        }
        out.resize(usize::try_from(self.cluster()).unwrap_or_default(), 0);
        out
    }

    /// The entries of one cluster of a table, of so many bytes each, from a number on and no more than there are.
    fn each<const N: usize>(
        &self,
        out: &mut Vec<u8>,
        width: u64,
        first: u64,
        limit: u64,
        mut entry: impl FnMut(u64) -> [u8; N],
    ) {
        let end = (first + self.cluster() / width).min(limit);
        for number in first..end {
            out.extend_from_slice(&entry(number));
        }
    }

    fn header(&self, out: &mut Vec<u8>) {
        let offset = |number: u64| (number << self.cluster_bits).to_be_bytes();
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        out.extend_from_slice(b"QFI\xfb");
        out.extend_from_slice(&3_u32.to_be_bytes());
        // No backing file.
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&self.cluster_bits.to_be_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        // Not encrypted.
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&short(self.l1_size));
        out.extend_from_slice(&offset(self.l1));
        out.extend_from_slice(&offset(1));
        out.extend_from_slice(&short(self.blocks - 1));
        // No snapshots, and no feature that a reader must know, may know or must clear.
        out.extend_from_slice(&[0; 12 + 24]);
        out.extend_from_slice(&REFCOUNT_ORDER.to_be_bytes());
        out.extend_from_slice(&HEADER.to_be_bytes());
        // Nothing is packed; then the end of the header's extensions.
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&NAMES_OF_FEATURES.to_be_bytes());
    }
}

/// The ranges of the disk that are its clusters with data, from one of them on.
struct Clusters {
    target: Arc<Qcow2>,
    rank: u64,
    /// Bytes of the disk, which may end within a cluster.
    limit: u64,
}

impl Iterator for Clusters {
    type Item = Range<u64>;

    /// As many as follow each other.
    fn next(&mut self) -> Option<Range<u64>> {
        let plan = &self.target.plan;
        let first = plan.select(self.rank)?;
        let mut end = first + 1;
        while plan.holds(end) {
            end += 1;
        }
        self.rank += end - first;
        let bits = self.target.cluster_bits;
        Some(first << bits..(end << bits).min(self.limit))
    }
}
