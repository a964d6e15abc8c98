//! QEMU copy-on-write: clusters, told of by tables of two levels (QEMU, `docs/interop/qcow2.txt`). Its snapshots are passed over.

use super::disk::{Codec, Extent, Packed, Run};
use super::pages::Pages;
use super::{Error, Result};
use crate::format::Format;

const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// As much as QEMU takes: 32 MiB.
const MAX_L1: u64 = 4 << 20;
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const PACKED: u64 = 1 << 62;
const ZERO: u64 = 1;
const COMPRESSION_TYPE: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;
/// Parts of a cluster that an extended entry tells of.
const PARTS: u64 = 32;
const SECTOR: u64 = 512;

#[derive(Clone, Debug)]
pub(super) struct Qcow2 {
    l1: u64,
    cluster_bits: u32,
    /// Entries of a table of the second level.
    entries: u64,
    extended: bool,
    codec: Codec,
    version: u32,
}

impl Qcow2 {
    pub(super) async fn open(pages: &mut Pages) -> Result<(u64, Self)> {
        let version = pages.be32(4, "version").await?;
        let cluster_bits = pages.be32(20, "cluster_bits").await?;
        if !CLUSTER_BITS.contains(&cluster_bits) {
            return Err(unreadable(format!("cluster_bits: {cluster_bits} is not between 9 and 21")));
        }
        let size = pages.be64(24, "size").await?;
        let encrypted = pages.be32(32, "crypt_method").await?;
        if encrypted != 0 {
            return Err(unreadable(format!("crypt_method: {encrypted} is not 0, and there is no key")));
        }
        let features = if version == 2 { 0 } else { pages.be64(72, "incompatible_features").await? };
        let extended = features & EXTENDED_L2 != 0;
        if extended && cluster_bits < 14 {
            return Err(unreadable(format!(
                "cluster_bits: {cluster_bits} is under 14, with extended entries"
            )));
        }
        let codec = if features & COMPRESSION_TYPE == 0 {
            Codec::Deflate
        } else {
            match pages.bytes::<1>(104, "compression_type").await? {
                [0] => Codec::Deflate,
                [1] => Codec::Zstd,
                [other] => return Err(unreadable(format!("compression_type: {other} is neither 0 nor 1"))),
            }
        };
        let entries = (1_u64 << cluster_bits) / if extended { 16 } else { 8 };
        let (l1_size, l1) =
            (u64::from(pages.be32(36, "l1_size").await?), pages.be64(40, "l1_table_offset").await?);
        let needed = size.div_ceil(entries << cluster_bits);
        if l1_size < needed || l1_size > MAX_L1 {
            return Err(unreadable(format!("l1_size: {l1_size} is not between {needed} and {MAX_L1}")));
        }
        Ok((size, Self { l1, cluster_bits, entries, extended, codec, version }))
    }

    fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    pub(super) async fn extent(&self, pages: &mut Pages, offset: u64) -> Result<Extent> {
        let (number, within) = (offset >> self.cluster_bits, offset & (self.cluster() - 1));
        let place = self.l1.saturating_add(number / self.entries * 8);
        let table = pages.be64(place, "an entry of the L1 table").await? & OFFSET;
        if table == 0 {
            let of_table = self.entries << self.cluster_bits;
            return Ok(Extent { len: of_table - offset % of_table, run: Run::Zero });
        }
        self.aligned(table, "an entry of the L1 table")?;
        let width = if self.extended { 16 } else { 8 };
        let place = table + number % self.entries * width;
        let entry = pages.be64(place, "an entry of an L2 table").await?;
        let len = self.cluster() - within;
        if entry & PACKED != 0 {
            return Ok(Extent { len, run: self.packed(entry, within) });
        }
        let at = entry & OFFSET;
        self.aligned(at, "an entry of an L2 table")?;
        if self.extended {
            let parts = pages.be64(place + 8, "an entry of an L2 table").await?;
            return self.part(at, parts, within);
        }
        if entry & ZERO != 0 && self.version == 2 {
            return Err(unreadable("an entry of an L2 table has the flag of zeros, which version 2 has not"));
        }
        let run = if at == 0 || entry & ZERO != 0 { Run::Zero } else { Run::Stored { at: at + within } };
        Ok(Extent { len, run })
    }

    /// Offset and length of a packed cluster: how many bits each has depends on the cluster's size.
    fn packed(&self, entry: u64, skip: u64) -> Run {
        let bits = 62 - (self.cluster_bits - 8);
        let at = entry & ((1 << bits) - 1);
        let sectors = ((entry & (PACKED - 1)) >> bits) + 1;
        let len = sectors * SECTOR - at % SECTOR;
        Run::Packed(Packed { at, len, unit: self.cluster(), skip, codec: self.codec })
    }

    /// A cluster in 32 parts, each there, zero, or not there.
    fn part(&self, at: u64, parts: u64, within: u64) -> Result<Extent> {
        let part = self.cluster() / PARTS;
        if parts & (parts >> PARTS) & u64::from(u32::MAX) != 0 {
            return Err(unreadable(
                "an entry of an L2 table says of a part that it is there and that it is zero",
            ));
        }
        let first = within / part;
        let there = |number: u64| parts >> number & 1 != 0;
        let is_there = there(first);
        let more = (first + 1..PARTS).take_while(|number| there(*number) == is_there).count() as u64;
        let len = (first + 1 + more) * part - within;
        if is_there && at == 0 {
            return Err(unreadable("an entry of an L2 table says that a part is there, and not where"));
        }
        Ok(Extent { len, run: if is_there { Run::Stored { at: at + within } } else { Run::Zero } })
    }

    fn aligned(&self, at: u64, what: &str) -> Result<()> {
        if at & (self.cluster() - 1) == 0 {
            Ok(())
        } else {
            Err(unreadable(format!("{what}: {at} is no multiple of a cluster, {}", self.cluster())))
        }
    }
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::unreadable(Format::Qcow2, why)
}
