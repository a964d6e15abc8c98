//! Virtuozzo disk, as Parallels has it (QEMU, `docs/interop/parallels.txt`). Numbers are little-endian.

use super::fields::Fields;
use super::{Disk, Format, Sighting};

const HEADER: usize = 64;

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    let old = head.starts_with(b"WithoutFreeSpace");
    if !old && !head.starts_with(b"WithouFreSpacExt") {
        return None;
    }
    let mut seen = Sighting::new(Format::Ploop, Disk::Unknown);
    let Some(header) = head.get(..HEADER) else { return Some(seen.truncated(head.len(), HEADER)) };
    // The older kind counts sectors in 32 bits.
    let sectors = if old { header.le32(36).map(u64::from) } else { header.le64(36) };
    seen.disk(sectors.and_then(|sectors| sectors.checked_mul(512)));
    Some(seen)
}
