//! QEMU copy-on-write, versions 2 and 3 (QEMU, `docs/interop/qcow2.txt`). Numbers are big-endian.

use super::fields::{Fields, shown};
use super::{Check, Disk, Format, Sighting};

const MAGIC: &[u8] = b"QFI\xfb";
const HEADER_V2: usize = 72;
const HEADER_V3: usize = 104;

const DATA_FILE: u64 = 1 << 2;
/// Dirty, corrupt, external data file, compression type, extended L2 entries.
const KNOWN: u64 = 0b1_1111;

/// Header extension that names the external data file.
const DATA_FILE_NAME: u32 = 0x4441_5441;
/// As many extensions as QEMU knows, several times over.
const MAX_EXTENSIONS: usize = 64;

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let mut seen = Sighting::new(Format::Qcow2, Disk::Unknown);
    let version = head.be32(4);
    let needs = if version == Some(2) { HEADER_V2 } else { HEADER_V3 };
    let (Some(version), Some(header)) = (version, head.get(..needs)) else {
        return Some(seen.truncated(head.len(), needs));
    };
    seen.disk(header.be64(24));
    if let Some(offset) = header.be64(8).filter(|offset| *offset != 0) {
        let name =
            header.be32(16).and_then(|len| head.run(usize::try_from(offset).ok()?, len.try_into().ok()?));
        let name = name.map_or_else(|| format!("at {offset}"), shown);
        seen.fail(Check::BackingFile, format!("the image has a backing file, {name}"));
    }
    match version {
        2 => {}
        3 => features(&mut seen, head, header.be64(72).unwrap_or(u64::MAX)),
        _ => seen.fail(Check::UnknownFeatures, format!("version {version} is neither 2 nor 3")),
    }
    Some(seen)
}

fn features(seen: &mut Sighting, head: &[u8], bits: u64) {
    if bits & DATA_FILE != 0 {
        let name = data_file(head).map_or_else(|| "without a name".to_owned(), shown);
        seen.fail(Check::DataFile, format!("the image has an external data file, {name}"));
    }
    let unknown = bits & !KNOWN;
    if unknown != 0 {
        seen.fail(Check::UnknownFeatures, format!("the incompatible features {unknown:#x} are not known"));
    }
}

/// The name of the external data file, from the extensions after the header.
fn data_file(head: &[u8]) -> Option<&[u8]> {
    let mut at = usize::try_from(head.be32(100)?).ok()?;
    for _ in 0..MAX_EXTENSIONS {
        let (kind, len) = (head.be32(at)?, usize::try_from(head.be32(at.checked_add(4)?)?).ok()?);
        let data = at.checked_add(8)?;
        match kind {
            0 => return None,
            DATA_FILE_NAME => return head.run(data, len),
            _ => at = data.checked_add(len.checked_next_multiple_of(8)?)?,
        }
    }
    None
}
