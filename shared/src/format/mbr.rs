//! A disk with a partition table: MBR, and the MBR that protects a GPT (UEFI 2.10, section 5.2).

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

const SECTOR: usize = 512;
const TABLE: usize = 446;
const ENTRY: usize = 16;
const PROTECTIVE: u8 = 0xee;
/// Cylinder, head and sector that a protective partition begins at.
const PROTECTIVE_START: [u8; 3] = [0x00, 0x02, 0x00];

/// An entry of the table.
struct Partition {
    number: usize,
    boot: u8,
    start: [u8; 3],
    kind: u8,
    first: u32,
}

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    let sector = head.get(..SECTOR)?;
    if sector.le16(510) != Some(0xaa55) || is_fat(sector) {
        return None;
    }
    let mut seen = Sighting::new(Format::Gpt, Disk::After(0));
    let entries: Vec<_> = (0..4).filter_map(|number| partition(sector, number)).collect();
    for Partition { number, boot, .. } in entries.iter().filter(|entry| !matches!(entry.boot, 0 | 0x80)) {
        seen.fail(Check::Mbr, format!("partition {number} has boot flag {boot:#04x}, neither 0x00 nor 0x80"));
    }
    let used: Vec<_> = entries.iter().filter(|entry| entry.kind != 0).map(|entry| entry.number).collect();
    if used.is_empty() {
        seen.fail(Check::Mbr, "there is no partition");
    }
    let protective: Vec<_> = entries.iter().filter(|entry| entry.kind == PROTECTIVE).collect();
    for Partition { number, start, first, .. } in &protective {
        if *start != PROTECTIVE_START {
            let [head, sector, cylinder] = start;
            let start = format!("{head:#04x} {sector:#04x} {cylinder:#04x}");
            seen.fail(
                Check::GptMbr,
                format!("the protective partition {number} starts at CHS {start}, not 0x00 0x02 0x00"),
            );
        }
        if *first != 1 {
            seen.fail(
                Check::GptMbr,
                format!("the protective partition {number} starts at LBA {first}, not 1"),
            );
        }
    }
    if !protective.is_empty() && used != [0] {
        let used: Vec<_> = used.iter().map(ToString::to_string).collect();
        let used = used.join(", ");
        seen.fail(Check::GptMbr, format!("the protective partition is not the first and only one of {used}"));
    }
    Some(seen)
}

fn partition(sector: &[u8], number: usize) -> Option<Partition> {
    let entry = sector.run(TABLE + number * ENTRY, ENTRY)?;
    Some(Partition {
        number,
        boot: entry.u8(0)?,
        start: entry.bytes(1)?,
        kind: entry.u8(4)?,
        first: entry.le32(8)?,
    })
}

/// A FAT file system begins with a boot sector of the same signature: two tables, on a fixed disk.
fn is_fat(sector: &[u8]) -> bool {
    sector.u8(0x10) == Some(2) && sector.u8(0x15) == Some(0xf8)
}
