//! `VMware` disk of one sparse file: grains, told of by tables of two levels.

use super::disk::{Codec, Extent, MAX_UNIT, Packed, Run};
use super::pages::Pages;
use super::{Error, Result};
use crate::format::Format;
use crate::format::fields::Fields as _;

const SECTOR: u64 = 512;
const HEADER: usize = 512;
/// Where the directory lies when the footer says so, and how far from the end the footer is.
const AT_END: u64 = u64::MAX;
const FOOTER: u64 = 2 * SECTOR;
const MAX_ENTRIES: u64 = 512;
const DEFLATE: u16 = 1;
/// Flags: an entry of 1 is a grain of zeros, and what is packed has its length before it.
const ZERO_GRAINS: u32 = 1 << 2;
const MARKERS: u32 = 1 << 17;
/// A marker of a grain: its sector and its length.
const MARKER: u64 = 12;
const ZERO_GRAIN: u32 = 1;

#[derive(Clone, Debug)]
pub(super) struct Vmdk {
    /// Offset of the directory, in bytes.
    directory: u64,
    /// Bytes of a grain.
    grain: u64,
    /// Grains that a table tells of.
    entries: u64,
    packed: bool,
    markers: bool,
    zero_grains: bool,
}

impl Vmdk {
    pub(super) async fn open(pages: &mut Pages, size: u64) -> Result<(u64, Self)> {
        let mut header = pages.bytes::<HEADER>(0, "header").await?;
        if header.le64(56) == Some(AT_END) {
            header = pages.bytes::<HEADER>(size.saturating_sub(FOOTER), "footer").await?;
        }
        let field64 = |at| header.le64(at).unwrap_or_default();
        let disk =
            field64(12).checked_mul(SECTOR).ok_or_else(|| unreadable("capacity: more than any disk has"))?;
        let sectors = field64(20);
        if sectors == 0 || sectors > MAX_UNIT / SECTOR {
            let most = MAX_UNIT / SECTOR;
            return Err(unreadable(format!("grain size: {sectors} sectors is not between 1 and {most}")));
        }
        let entries = u64::from(header.le32(44).unwrap_or_default());
        if entries == 0 || entries > MAX_ENTRIES {
            return Err(unreadable(format!(
                "entries of a grain table: {entries} is not between 1 and {MAX_ENTRIES}"
            )));
        }
        let directory = field64(56).checked_mul(SECTOR);
        let directory = directory.ok_or_else(|| unreadable("grain directory: it lies beyond any data"))?;
        let packed = match header.le16(77).unwrap_or_default() {
            0 => false,
            DEFLATE => true,
            other => return Err(unreadable(format!("compression: {other} is neither 0 nor 1"))),
        };
        let flags = header.le32(8).unwrap_or_default();
        Ok((
            disk,
            Self {
                directory,
                grain: sectors * SECTOR,
                entries,
                packed,
                markers: flags & MARKERS != 0,
                zero_grains: flags & ZERO_GRAINS != 0,
            },
        ))
    }

    pub(super) async fn extent(&self, pages: &mut Pages, offset: u64) -> Result<Extent> {
        let (number, within) = (offset / self.grain, offset % self.grain);
        let (table, entry) = (number / self.entries, number % self.entries);
        let place = self.directory.saturating_add(table.saturating_mul(4));
        let table = pages.le32(place, "an entry of the grain directory").await?;
        if table == 0 {
            let of_table = self.grain * self.entries;
            return Ok(Extent { len: of_table - offset % of_table, run: Run::Zero });
        }
        let len = self.grain - within;
        let place = u64::from(table) * SECTOR + entry * 4;
        let at = match pages.le32(place, "an entry of a grain table").await? {
            0 => return Ok(Extent { len, run: Run::Zero }),
            ZERO_GRAIN if self.zero_grains => return Ok(Extent { len, run: Run::Zero }),
            sector => u64::from(sector) * SECTOR,
        };
        let run = match (self.packed, self.markers) {
            (false, _) => Run::Stored { at: at + within },
            (true, false) => self.run(at, self.grain, within, Codec::Zlib),
            (true, true) => {
                let most = MARKER + most_of_grain(self.grain);
                // How long it is stands before it, and would be a read for every grain. The next one tells that nearly.
                let next = if entry + 1 < self.entries {
                    pages.le32(place + 4, "an entry of a grain table").await?
                } else {
                    0
                };
                let next = (u64::from(next) * SECTOR).checked_sub(at).filter(|len| *len > MARKER);
                self.run(at, next.map_or(most, |len| len.min(most)), within, Codec::Grain)
            }
        };
        Ok(Extent { len, run })
    }

    fn run(&self, at: u64, len: u64, skip: u64, codec: Codec) -> Run {
        Run::Packed(Packed { at, len, unit: self.grain, skip, codec })
    }
}

/// What a grain may be packed to: what deflate cannot make smaller grows by a few bytes.
const fn most_of_grain(grain: u64) -> u64 {
    2 * grain + 1024
}

/// What is packed behind a marker, which says how long it is.
pub(super) fn marked<'a>(packed: &Packed, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let told = bytes.le32(8).map(u64::from);
    let len = told.filter(|len| (1..=most_of_grain(packed.unit)).contains(len));
    let within = len.and_then(|len| bytes.run(12, usize::try_from(len).ok()?));
    within.ok_or_else(|| {
        let len = told.map_or_else(|| "no".to_owned(), |len| len.to_string());
        unreadable(format!("length of a grain: {len} bytes at {}, of a grain of {}", packed.at, packed.unit))
    })
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::unreadable(Format::Vmdk, why)
}
