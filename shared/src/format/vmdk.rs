//! `VMware` disk (Virtual Disk Format 5.0): one sparse file that begins with a header, then its descriptor, a text. Numbers are
//! little-endian, sizes in sectors of 512 bytes.
//!
//! A descriptor alone, and whatever else is not one sparse file, says which files of the host hold the data: never taken.

use std::ops::Range;

use super::fields::{Fields, shown};
use super::probe::HEAD;
use super::{Check, Disk, Format, Sighting, descriptor};

const MAGIC: &[u8] = b"KDMV";
/// The sparse files of ESX 2, without a descriptor.
const MAGIC_ESX: &[u8] = b"COWD";
const SECTOR: u64 = 512;
const HEADER: usize = 512;
/// The most of a descriptor that QEMU reads.
const MAX_DESCRIPTOR: u64 = (1 << 20) - 1;
/// Where the grain directory lies when the footer says so.
const AT_END: u64 = u64::MAX;

/// A marker, the footer, and the marker of the stream's end.
pub(super) const FOOTER: usize = 3 * 512;
const MARKER_FOOTER: u32 = 3;

/// What header and footer both say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    version: u32,
    capacity: u64,
    descriptor: u64,
    descriptor_len: u64,
    grains: u64,
}

/// A sparse file whose rest is still to be seen.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    header: Header,
    /// The descriptor, as far as it has been seen.
    text: Vec<u8>,
    /// The rest of it.
    wanted: Option<Range<u64>>,
}

pub(super) fn begin(head: &[u8]) -> Option<(Sighting, Option<Reading>)> {
    let mut seen = Sighting::new(Format::Vmdk, Disk::Unknown);
    if head.starts_with(MAGIC) {
        return Some(sparse(head, seen));
    }
    if head.starts_with(MAGIC_ESX) {
        seen.fail(Check::Descriptor, "a sparse file of ESX has no descriptor");
    } else if descriptor::is_one(head) {
        seen.fail(Check::Descriptor, "a descriptor alone has its data in other files");
    } else {
        return None;
    }
    Some((seen, None))
}

fn sparse(head: &[u8], mut seen: Sighting) -> (Sighting, Option<Reading>) {
    let Some(header) = head.get(..HEADER).and_then(Header::read) else {
        return (seen.truncated(head.len(), HEADER), None);
    };
    seen.disk(header.capacity.checked_mul(SECTOR));
    if !(1..=3).contains(&header.version) {
        seen.fail(Check::Header, format!("version {} is none of 1, 2 and 3", header.version));
    }
    if header.capacity == 0 {
        // QEMU takes this for a descriptor with a header before it, and opens the files that it names.
        seen.fail(Check::Descriptor, "a disk of no sectors has its data in other files");
    }
    if header.descriptor != 1 || header.descriptor_len == 0 {
        let (at, len) = (header.descriptor, header.descriptor_len);
        seen.fail(
            Check::Descriptor,
            format!("a descriptor of {len} sectors at sector {at}, and not at sector 1"),
        );
        return (seen, None);
    }
    let end = SECTOR + header.descriptor_len.saturating_mul(SECTOR).min(MAX_DESCRIPTOR);
    let text = head.get(HEADER..).unwrap_or_default();
    let text = text.get(..usize::try_from(end - SECTOR).unwrap_or(usize::MAX)).unwrap_or(text).to_vec();
    let mut reading = Reading { header, text, wanted: (end > HEAD).then_some(HEAD..end) };
    if reading.wanted.is_none() || reading.ends_early() {
        reading.descriptor(&mut seen);
    }
    (seen, Some(reading))
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            version: bytes.le32(4)?,
            capacity: bytes.le64(12)?,
            descriptor: bytes.le64(28)?,
            descriptor_len: bytes.le64(36)?,
            grains: bytes.le64(56)?,
        })
    }
}

impl Reading {
    pub(super) fn wants(&self) -> Option<Range<u64>> {
        self.wanted.clone()
    }

    pub(super) fn see(&mut self, bytes: &[u8], seen: &mut Sighting) {
        self.text.extend_from_slice(bytes);
        self.wanted = None;
        self.descriptor(seen);
    }

    /// A descriptor that is written to its last byte ends with what is padded: nothing of it is missed here.
    fn ends_early(&self) -> bool {
        self.text.contains(&0)
    }

    fn descriptor(&mut self, seen: &mut Sighting) {
        self.wanted = None;
        if let Err(why) = descriptor::check(&self.text) {
            seen.fail(Check::Descriptor, why);
        }
        self.text = Vec::new();
    }

    /// The footer counts for more than the header, so it must say the same.
    pub(super) fn end(&self, tail: &[u8], seen: &mut Sighting) {
        if self.header.grains == AT_END
            && let Err(why) = self.footer(tail)
        {
            seen.fail(Check::Footer, why);
        }
    }

    fn footer(&self, tail: &[u8]) -> Result<(), String> {
        let footer = tail.last_chunk::<FOOTER>().ok_or("the data ends before its footer")?;
        let (Some(marker), Some(copy), Some(end)) =
            (footer.run(0, 512), footer.run(512, 512), footer.run(1024, 512))
        else {
            return Err("the data ends before its footer".to_owned());
        };
        let is_blank =
            |sector: &[u8]| sector.get(16..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        if marker.le32(8) != Some(0) || marker.le32(12) != Some(MARKER_FOOTER) || !is_blank(marker) {
            return Err("there is no marker of a footer where one belongs".to_owned());
        }
        if end.le64(0) != Some(0) || end.le64(8) != Some(0) || !is_blank(end) {
            return Err("the data does not end with the marker of its end".to_owned());
        }
        if !copy.starts_with(MAGIC) {
            let magic = shown(copy.get(..4).unwrap_or_default());
            return Err(format!("the footer begins with {magic}, not 'KDMV'"));
        }
        let Some(said) = Header::read(copy) else { return Err("the footer is cut off".to_owned()) };
        if said.grains == AT_END {
            return Err("the footer refers to another footer".to_owned());
        }
        let header = &self.header;
        for (what, here, there) in [
            ("version", u64::from(header.version), u64::from(said.version)),
            ("capacity", header.capacity, said.capacity),
            ("place of the descriptor", header.descriptor, said.descriptor),
            ("length of the descriptor", header.descriptor_len, said.descriptor_len),
        ] {
            if here != there {
                return Err(format!("{what}: {here} in the header, {there} in the footer"));
            }
        }
        Ok(())
    }
}
