//! Microsoft virtual hard disk. The size of the disk is what the footer says, not what its cylinders, heads and sectors come to.

use super::blocks::{Blocks, Entries, block_size, covers};
use super::pages::Pages;
use super::{Error, Result};
use crate::format::Format;

const COOKIE: [u8; 8] = *b"conectix";
const SPARSE: [u8; 8] = *b"cxsparse";
const FOOTER: u64 = 512;
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;

/// The size of the disk, and its blocks unless it lies there as a whole.
pub(super) async fn open(pages: &mut Pages, size: u64) -> Result<(u64, Option<Blocks>)> {
    let first = pages.bytes::<8>(0, "footer").await?;
    // A dynamic one begins with a copy of its footer. A disk may begin with anything, so its end counts.
    let end = size.saturating_sub(FOOTER);
    let last = pages.bytes::<8>(end, "footer").await?;
    let footer = if last == COOKIE || first != COOKIE { end } else { 0 };
    let disk = pages.be64(footer + 48, "disk size").await?;
    match pages.be32(footer + 60, "disk type").await? {
        FIXED if footer == 0 => Err(Error::unreadable(
            Format::Vhd,
            "disk type: a fixed disk has its footer at the end, where there is none",
        )),
        FIXED if disk > footer => Err(Error::unreadable(
            Format::Vhd,
            format!("disk size: {disk} bytes, and only {footer} before the footer"),
        )),
        FIXED => Ok((disk, None)),
        DYNAMIC => {
            let header = pages.be64(footer + 16, "offset of the header").await?;
            Ok((disk, Some(dynamic(pages, header, disk).await?)))
        }
        kind => Err(Error::unreadable(Format::Vhd, format!("disk type: {kind} is neither 2 nor 3"))),
    }
}

async fn dynamic(pages: &mut Pages, header: u64, disk: u64) -> Result<Blocks> {
    let at = |field: u64| header.saturating_add(field);
    if pages.bytes::<8>(header, "header").await? != SPARSE {
        return Err(Error::unreadable(Format::Vhd, format!("there is no header at {header}")));
    }
    let table = pages.be64(at(16), "offset of the block table").await?;
    let entries = pages.be32(at(28), "entries of the block table").await?.into();
    let block = block_size(Format::Vhd, pages.be32(at(32), "block size").await?.into())?;
    covers(Format::Vhd, entries, block, disk)?;
    // A bit a sector, in whole sectors.
    let bitmap = (block / 512).div_ceil(8).next_multiple_of(512);
    Ok(Blocks { table, block, entries: Entries::Vhd { bitmap } })
}
