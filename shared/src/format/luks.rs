//! Encrypted disk: LUKS 1 (its on-disk format 1.2.3) and LUKS 2 (1.1.1). Numbers are big-endian.

use serde_json::Value;

use super::fields::Fields;
use super::{Check, Disk, Format, Sighting};

const MAGIC: &[u8] = b"LUKS\xba\xbe";
const HEADER_V1: usize = 592;
/// What lies before the JSON of version 2.
const BINARY_V2: usize = 4096;

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    if !head.starts_with(MAGIC) {
        return None;
    }
    let mut seen = Sighting::new(Format::Luks, Disk::Unknown);
    let version = head.be16(6);
    let needs = if version == Some(2) { BINARY_V2 } else { HEADER_V1 };
    let (Some(version), Some(header)) = (version, head.get(..needs)) else {
        return Some(seen.truncated(head.len(), needs));
    };
    match version {
        1 => seen.disk = Disk::After(u64::from(header.be32(104).unwrap_or_default()) * 512),
        2 => seen.disk = disk_v2(head).unwrap_or(Disk::Unknown),
        _ => {}
    }
    if version != 1 {
        seen.fail(Check::Version, format!("LUKS version {version} is not 1"));
    }
    Some(seen)
}

/// The disk of version 2: from where the first of its segments begins.
fn disk_v2(head: &[u8]) -> Option<Disk> {
    let area = head.get(BINARY_V2..head.be64(8)?.try_into().ok()?)?;
    let text = area.split(|byte| *byte == 0).next()?;
    let metadata: Value = serde_json::from_slice(text).ok()?;
    let segments = metadata.get("segments")?.as_object()?.values();
    let offset = |segment: &Value| segment.get("offset")?.as_str()?.parse::<u64>().ok();
    segments.filter_map(offset).min().map(Disk::After)
}
