//! Disks of blocks of one size, with one table that says where each is: vdi, dynamic vhd, vhdx.

use super::disk::{Extent, Run};
use super::pages::Pages;
use super::{Error, Result};
use crate::format::Format;

/// The table and what its entries mean.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    pub(super) table: u64,
    /// Bytes of a block: a power of two.
    pub(super) block: u64,
    pub(super) entries: Entries,
}

#[derive(Clone, Debug)]
pub(super) enum Entries {
    /// Numbers of blocks, behind where they begin.
    Vdi { data: u64 },
    /// Sectors; a block begins with a map of its sectors, of so many bytes.
    Vhd { bitmap: u64 },
    /// State and offset; an entry of another kind after every so many.
    Vhdx { ratio: u64 },
}

const SECTOR: u64 = 512;

/// What an entry of a vdi says where there is no block, and where there is none any more.
const VDI_NONE: [u32; 2] = [u32::MAX, u32::MAX - 1];
const VDI_VERSION: u32 = 0x0001_0001;
const VHD_NONE: u32 = u32::MAX;

/// A block's bounds: a sector, and what QEMU and Hyper-V make at most.
pub(super) fn block_size(format: Format, bytes: u64) -> Result<u64> {
    if bytes.is_power_of_two() && (SECTOR..=1 << 28).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(Error::unreadable(
            format,
            format!("block size: {bytes} bytes is no power of two between 512 and {}", 1_u64 << 28),
        ))
    }
}

/// Whether a table has an entry for all of a disk.
pub(super) fn covers(format: Format, entries: u64, block: u64, size: u64) -> Result<()> {
    if entries >= size.div_ceil(block) {
        Ok(())
    } else {
        Err(Error::unreadable(
            format,
            format!("{entries} entries of blocks of {block} bytes are fewer than a disk of {size} bytes has"),
        ))
    }
}

impl Blocks {
    /// The disk of a vdi, by its header.
    pub(super) async fn vdi(pages: &mut Pages) -> Result<(u64, Self)> {
        let version = pages.le32(0x44, "version").await?;
        if version != VDI_VERSION {
            return Err(Error::unreadable(
                Format::Vdi,
                format!("version: {version:#x} is not {VDI_VERSION:#x}"),
            ));
        }
        let table = pages.le32(0x154, "offset of the block map").await?.into();
        let data = pages.le32(0x158, "offset of the blocks").await?.into();
        let sector = pages.le32(0x168, "sector size").await?;
        if u64::from(sector) != SECTOR {
            return Err(Error::unreadable(Format::Vdi, format!("sector size: {sector} is not {SECTOR}")));
        }
        let size = pages.le64(0x170, "disk size").await?;
        let block = block_size(Format::Vdi, pages.le32(0x178, "block size").await?.into())?;
        let extra = pages.le32(0x17c, "extra bytes of a block").await?;
        if extra != 0 {
            return Err(Error::unreadable(Format::Vdi, format!("extra bytes of a block: {extra} is not 0")));
        }
        covers(Format::Vdi, pages.le32(0x180, "number of blocks").await?.into(), block, size)?;
        Ok((size, Self { table, block, entries: Entries::Vdi { data } }))
    }

    pub(super) async fn extent(&self, pages: &mut Pages, offset: u64) -> Result<Extent> {
        let (number, within) = (offset / self.block, offset % self.block);
        let at = match self.entries {
            Entries::Vdi { data } => {
                let entry = pages.le32(self.entry(number, 4)?, "an entry of the block map").await?;
                let place = data.saturating_add(u64::from(entry).saturating_mul(self.block));
                (!VDI_NONE.contains(&entry)).then_some(place)
            }
            Entries::Vhd { bitmap } => {
                let entry = pages.be32(self.entry(number, 4)?, "an entry of the block table").await?;
                (entry != VHD_NONE).then_some(u64::from(entry) * SECTOR + bitmap)
            }
            Entries::Vhdx { ratio } => {
                let place = self.entry(number + number / ratio, 8)?;
                state(pages.le64(place, "an entry of the block table").await?, number)?
            }
        };
        let run = match at {
            Some(at) => Run::Stored { at: at.saturating_add(within) },
            None => Run::Zero,
        };
        Ok(Extent { len: self.block - within, run })
    }

    fn entry(&self, number: u64, len: u64) -> Result<u64> {
        let at = number.checked_mul(len).and_then(|at| at.checked_add(self.table));
        at.ok_or_else(|| Error::unreadable(Format::Vhd, format!("block {number} has no entry in the table")))
    }
}

/// Where a block of a vhdx is, in whole mebibytes.
fn state(entry: u64, number: u64) -> Result<Option<u64>> {
    const OFFSET: u64 = !0xf_ffff;
    match entry & 7 {
        // Not there, undefined, zero, unmapped, and unmapped as version 0.95 had it.
        0 | 1 | 2 | 3 | 5 => Ok(None),
        6 => Ok(Some(entry & OFFSET)),
        state => Err(Error::unreadable(
            Format::Vhdx,
            format!("block {number} is in the state {state}, which is read of no disk by itself"),
        )),
    }
}
