//! Microsoft virtual hard disk, version 2 ([MS-VHDX]).

use crc_fast::{CrcAlgorithm, checksum};

use super::blocks::{Blocks, Entries, block_size, covers};
use super::pages::Pages;
use super::{Error, Result};
use crate::format::Format;
use crate::format::fields::Fields as _;
use crate::format::vhdx::{DISK_SIZE, ENTRY, FILE_PARAMETERS, MAX_ENTRIES, METADATA};

const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const HEADER: usize = 4096;
const REGIONS: u64 = 192 << 10;

/// `2DC27766-F623-4200-9D64-115E9BFD4A08`, as GUIDs lie in memory.
const BLOCK_TABLE: [u8; 16] =
    [0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08];
/// `8141BF1D-A96F-4709-BA47-F233A8FAAB5F`
const SECTOR_SIZE: [u8; 16] =
    [0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f];

pub(super) async fn open(pages: &mut Pages) -> Result<(u64, Blocks)> {
    nothing_in_the_log(pages).await?;
    let count = pages.le32(REGIONS + 8, "entries of the table of regions").await?;
    let (table, length) = region(pages, count, &BLOCK_TABLE, "the block table").await?;
    let (metadata, _) = region(pages, count, &METADATA, "the metadata").await?;
    let items =
        u16::from_le_bytes(pages.bytes(metadata.saturating_add(10), "entries of the metadata").await?);
    let items = u32::from(items);
    let disk = item(pages, metadata, items, &DISK_SIZE, "disk size").await?;
    let disk = pages.le64(disk, "disk size").await?;
    let block = item(pages, metadata, items, &FILE_PARAMETERS, "block size").await?;
    let block = block_size(Format::Vhdx, pages.le32(block, "block size").await?.into())?;
    let sector = item(pages, metadata, items, &SECTOR_SIZE, "sector size").await?;
    let sector: u64 = pages.le32(sector, "sector size").await?.into();
    if ![512, 4096].contains(&sector) {
        return Err(unreadable(format!("sector size: {sector} is neither 512 nor 4096")));
    }
    // As [MS-VHDX] 2.5 has it: a block of bits tells of 2^23 sectors.
    let ratio = (sector << 23) / block;
    if ratio == 0 {
        return Err(unreadable(format!("block size: {block} bytes is more than the table can tell of")));
    }
    let entries = length / 8;
    covers(Format::Vhdx, entries - entries / (ratio + 1), block, disk)?;
    Ok((disk, Blocks { table, block, entries: Entries::Vhdx { ratio } }))
}

/// Writes that were not finished lie in a log, and the tables are not to be read before somebody made up for them.
async fn nothing_in_the_log(pages: &mut Pages) -> Result<()> {
    let mut current: Option<(u64, bool)> = None;
    for at in HEADERS {
        let header = pages.bytes::<HEADER>(at, "header").await?;
        let is_whole = header.starts_with(b"head") && header.le32(4) == Some(crc(&header));
        let sequence = header.le64(8).unwrap_or_default();
        if is_whole && current.is_none_or(|(other, _)| sequence > other) {
            let log = header.run(48, 16).is_some_and(|log| log.iter().any(|byte| *byte != 0));
            current = Some((sequence, log));
        }
    }
    match current {
        Some((_, false)) => Ok(()),
        Some((_, true)) => Err(unreadable(
            "log: there are writes in it that were not finished; whoever wrote the disk must close it",
        )),
        None => Err(unreadable("header: none of the two has the checksum that it says")),
    }
}

/// CRC-32C, with the field that holds it as zeros.
fn crc(header: &[u8; HEADER]) -> u32 {
    let mut blank = *header;
    if let Some(field) = blank.get_mut(4..8) {
        field.fill(0);
    }
    u32::try_from(checksum(CrcAlgorithm::Crc32Iscsi, &blank)).unwrap_or_default()
}

async fn region(pages: &mut Pages, count: u32, id: &[u8; 16], what: &str) -> Result<(u64, u64)> {
    for number in 0..count.min(MAX_ENTRIES.into()) {
        let at = REGIONS + 16 + u64::from(number) * ENTRY as u64;
        let entry = pages.bytes::<ENTRY>(at, "the table of regions").await?;
        if entry.starts_with(id) {
            let place = entry.le64(16).unwrap_or_default();
            return Ok((place, entry.le32(24).unwrap_or_default().into()));
        }
    }
    Err(unreadable(format!("the table of regions does not name {what}")))
}

/// Where an item of the metadata lies.
async fn item(pages: &mut Pages, metadata: u64, count: u32, id: &[u8; 16], what: &str) -> Result<u64> {
    for number in 0..count.min(MAX_ENTRIES.into()) {
        let at = metadata.saturating_add(32 + u64::from(number) * ENTRY as u64);
        let entry = pages.bytes::<ENTRY>(at, "the table of metadata").await?;
        if entry.starts_with(id) {
            return Ok(metadata.saturating_add(entry.le32(16).unwrap_or_default().into()));
        }
    }
    Err(unreadable(format!("the metadata does not tell the {what}")))
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::unreadable(Format::Vhdx, why)
}
