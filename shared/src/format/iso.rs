//! Optical disc: ISO 9660 (ECMA-119) and UDF (ECMA-167). The first 16 sectors of 2 KiB are nobody's.

use super::fields::Fields;
use super::{Disk, Format, Sighting};

const DESCRIPTOR: usize = 32 * 1024;
/// ISO 9660; UDF, by its volume descriptors or by what opens their sequence.
const IDENTIFIERS: [&[u8]; 4] = [b"CD001", b"NSR02", b"NSR03", b"BEA01"];
const PRIMARY: u8 = 1;

pub(super) fn detect(head: &[u8]) -> Option<Sighting> {
    let descriptor = head.run(DESCRIPTOR, 2048)?;
    let identifier = descriptor.run(1, 5)?;
    IDENTIFIERS.contains(&identifier).then(|| {
        let primary = identifier == b"CD001" && descriptor.first() == Some(&PRIMARY);
        let (blocks, block_bytes) = (descriptor.le32(80), descriptor.le16(128));
        Sighting::new(
            Format::Iso,
            match (primary, blocks, block_bytes) {
                (true, Some(blocks), Some(bytes)) => Disk::Bytes(u64::from(blocks) * u64::from(bytes)),
                _ => Disk::After(0),
            },
        )
    })
}
