//! Microsoft virtual hard disk (VHD image format specification 1.0). Numbers are big-endian.
//!
//! A dynamic one begins with a copy of its footer; a fixed one is a disk, byte for byte, and then the footer.

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

const COOKIE: &[u8] = b"conectix";
const FOOTER: usize = 512;
const DIFFERENCING: u32 = 4;

/// By what the data begins with.
pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    head.starts_with(COOKIE).then(|| read(head))
}

/// By what the data ends with.
pub(super) fn detect_end(tail: &[u8]) -> Option<Sighting> {
    let footer = tail.last_chunk::<FOOTER>()?;
    footer.starts_with(COOKIE).then(|| Sighting { trailing: true, ..read(footer) })
}

fn read(footer: &[u8]) -> Sighting {
    let mut seen = Sighting::new(Format::Vhd, Disk::Unknown);
    let Some(footer) = footer.get(..FOOTER) else { return seen.truncated(footer.len(), FOOTER) };
    seen.disk(footer.be64(48));
    if footer.be32(60) == Some(DIFFERENCING) {
        seen.fail(Check::Parent, "the disk holds what differs from another");
    }
    seen
}
