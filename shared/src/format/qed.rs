//! QEMU enhanced disk (QEMU, `docs/interop/qed_spec.rst`): given up by QEMU itself, and taken nowhere.

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    if !head.starts_with(b"QED\0") {
        return None;
    }
    let mut seen = Sighting::new(Format::Qed, Disk::Unknown);
    if let size @ Some(_) = head.le64(48) {
        seen.disk(size);
    }
    seen.fail(Check::Banned, "this format is not taken");
    Some(seen)
}
