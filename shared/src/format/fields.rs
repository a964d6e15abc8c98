//! Numbers in a header that may end anywhere.

/// The largest disk that records and hosts can count: 2^63 - 1 bytes.
pub(crate) const MAX_DISK_BYTES: u64 = i64::MAX as u64;

/// Letters of a value that an error repeats.
const SHOWN: usize = 64;

/// Reads numbers and texts at offsets; `None` where the bytes end before.
pub(crate) trait Fields {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]>;
    fn run(&self, at: usize, len: usize) -> Option<&[u8]>;

    fn u8(&self, at: usize) -> Option<u8> {
        self.bytes(at).map(u8::from_be_bytes)
    }

    fn be16(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_be_bytes)
    }

    fn be32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_be_bytes)
    }

    fn be64(&self, at: usize) -> Option<u64> {
        self.bytes(at).map(u64::from_be_bytes)
    }

    fn le16(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn le32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn le64(&self, at: usize) -> Option<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }
}

impl Fields for [u8] {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.get(at..)?.first_chunk().copied()
    }

    fn run(&self, at: usize, len: usize) -> Option<&[u8]> {
        self.get(at..at.checked_add(len)?)
    }
}

/// A value as an error shows it: quoted, bounded, and nothing in it that a log or a terminal would obey.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(SHOWN).flat_map(char::escape_default).collect();
    let more = if letters.next().is_some() { "…" } else { "" };
    format!("'{start}{more}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_end_is_absent() {
        let bytes = [1, 2, 3, 4].as_slice();
        assert_eq!((bytes.be32(0), bytes.le16(2), bytes.be32(1)), (Some(0x0102_0304), Some(0x0403), None));
        assert_eq!(
            (bytes.u8(usize::MAX), bytes.run(1, usize::MAX), bytes.run(4, 0)),
            (None, None, Some([].as_slice()))
        );
    }

    #[test]
    fn a_value_is_shown_without_harm() {
        assert_eq!(shown(b"/etc/passwd"), "'/etc/passwd'");
        assert_eq!(shown(b"a'\n\x1b[2J\xff"), "'a\\'\\n\\u{1b}[2J\\u{fffd}'");
        assert_eq!(shown(&[b'a'; 65]), format!("'{}…'", "a".repeat(64)));
    }
}
