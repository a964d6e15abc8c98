//! `VirtualBox` disk. Numbers are little-endian.

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

const MAGIC: u32 = 0xbeda_107f;
const HEADER: usize = 512;
/// Kinds of images that hold what differs from another: since it was made, and until it is thrown away.
const DIFFERENCES: [u32; 2] = [3, 4];

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    if head.le32(0x40) != Some(MAGIC) {
        return None;
    }
    let mut seen = Sighting::new(Format::Vdi, Disk::Unknown);
    let Some(header) = head.get(..HEADER) else { return Some(seen.truncated(head.len(), HEADER)) };
    seen.disk(header.le64(0x170));
    if let Some(kind) = header.le32(0x4c).filter(|kind| DIFFERENCES.contains(kind)) {
        seen.fail(Check::Parent, format!("an image of type {kind} holds what differs from another"));
    } else if header.run(0x1a8, 16).is_some_and(|link| link.iter().any(|byte| *byte != 0)) {
        seen.fail(Check::Parent, "the image is linked to another");
    }
    Some(seen)
}
