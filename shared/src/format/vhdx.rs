//! Microsoft virtual hard disk, version 2 ([MS-VHDX]). Numbers are little-endian.
//!
//! Its size stands where a table says that the table lies which says where it stands: each step is a run of bytes further on.

use std::ops::Range;

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

const MAGIC: &[u8] = b"vhdxfile";
const KIB: u64 = 1 << 10;
const REGIONS: Range<u64> = 192 * KIB..256 * KIB;
/// Header and 2,047 entries of 32 bytes, in the table of regions and in that of metadata alike.
const TABLE: u64 = 64 * KIB;
pub(crate) const MAX_ENTRIES: u16 = 2047;
pub(crate) const ENTRY: usize = 32;
/// An item: 8 bytes are all that is read of each.
const ITEM: u64 = 8;

/// `8B7CA206-4790-4B9A-B8FE-575F050F886E`, as GUIDs lie in memory.
pub(crate) const METADATA: [u8; 16] =
    [0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e];
/// `2FA54224-CD1B-4876-B211-5DBED83BF4B8`
pub(crate) const DISK_SIZE: [u8; 16] =
    [0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8];
/// `CAA16737-FA36-4D43-B3B6-33F0AA44E76B`
pub(crate) const FILE_PARAMETERS: [u8; 16] =
    [0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b];
const HAS_PARENT: u32 = 1 << 1;

/// What is to be seen next.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Regions,
    /// Of metadata, and where it begins.
    Table(u64),
    /// Where they begin, the next one last.
    Items(Vec<(u64, Item)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    DiskSize,
    FileParameters,
}

pub(super) fn begin(head: &[u8]) -> Option<(Sighting, Option<Reading>)> {
    let seen = Sighting::new(Format::Vhdx, Disk::Unknown);
    head.starts_with(MAGIC).then_some((seen, Some(Reading { step: Step::Regions })))
}

impl Reading {
    pub(super) fn wants(&self) -> Option<Range<u64>> {
        match &self.step {
            Step::Regions => Some(REGIONS),
            Step::Table(at) => Some(*at..at + TABLE),
            Step::Items(items) => items.last().map(|(at, _)| *at..at + ITEM),
        }
    }

    pub(super) fn see(&mut self, bytes: &[u8], seen: &mut Sighting) {
        let next = match &mut self.step {
            Step::Regions => regions(bytes).map(Step::Table),
            Step::Table(at) => items(bytes, *at).map(Step::Items),
            Step::Items(items) => match items.pop() {
                Some((_, item)) => item.read(bytes, seen).map(|()| Step::Items(std::mem::take(items))),
                None => Ok(Step::Items(Vec::new())),
            },
        };
        self.step = next.unwrap_or_else(|why| {
            seen.fail(Check::Header, why);
            Step::Items(Vec::new())
        });
    }
}

/// Where the metadata begins.
fn regions(table: &[u8]) -> Result<u64, String> {
    let at = table.starts_with(b"regi").then(|| find(table, 16, table.le32(8)?, &METADATA)).flatten();
    let at = at.ok_or("the table of regions is not readable")?;
    let at = table.le64(at + 16).filter(|at| *at >= REGIONS.end && *at <= u64::MAX / 4);
    at.ok_or_else(|| "the table of regions names no metadata after itself".to_owned())
}

/// Where the items are, the first one last.
fn items(table: &[u8], begin: u64) -> Result<Vec<(u64, Item)>, String> {
    let place = |guid| {
        let at = find(table, 32, table.le16(10)?.into(), guid)?;
        // An item lies after the table, and within 4 GiB.
        table.le32(at + 16).map(u64::from).filter(|at| *at >= TABLE)
    };
    let places = table
        .starts_with(b"metadata")
        .then(|| Some((place(&DISK_SIZE)?, place(&FILE_PARAMETERS)?)))
        .flatten();
    let (disk, parameters) = places.ok_or("the table of metadata is not readable")?;
    if disk.abs_diff(parameters) < ITEM {
        return Err("items of the metadata overlap".to_owned());
    }
    let mut items = vec![(begin + disk, Item::DiskSize), (begin + parameters, Item::FileParameters)];
    items.sort_unstable_by(|one, other| other.cmp(one));
    Ok(items)
}

/// The one entry of an id, in a table whose entries begin at an offset.
fn find(table: &[u8], first: usize, count: u32, id: &[u8]) -> Option<usize> {
    let count = usize::try_from(count).ok().filter(|count| *count <= MAX_ENTRIES.into())?;
    let mut places = (0..count).map(|entry| first + entry * ENTRY);
    let is_it = |at: &usize| table.run(*at, id.len()) == Some(id);
    let found = places.find(is_it)?;
    // Two of one id: who reads them may take the other.
    (!places.any(|at| is_it(&at))).then_some(found)
}

impl Item {
    fn read(self, bytes: &[u8], seen: &mut Sighting) -> Result<(), String> {
        match self {
            Self::DiskSize => {
                seen.disk(Some(bytes.le64(0).ok_or("the data ends before the size of its disk")?));
            }
            Self::FileParameters => {
                let flags = bytes.le32(4).ok_or("the data ends before its parameters")?;
                if flags & HAS_PARENT != 0 {
                    seen.fail(Check::Parent, "the disk holds what differs from another");
                }
            }
        }
        Ok(())
    }
}
