//! What data is packed by, told from its first bytes.

use crate::image::ContainerFormat;

words! {
    /// A way of packing data.
    Packing:
    /// RFC 1952, of one member or several.
    Gzip = "gzip",
    /// An archive of LHA or LZH, of one file.
    Lha = "lha",
    /// The `.xz` format, of one stream or several.
    Xz = "xz",
    /// An archive of zip, of one file.
    Zip = "zip",
    /// RFC 8878, of one frame or several.
    Zstd = "zstd",
}

/// What lha says of its methods, behind two bytes: the whole of it but a letter.
const LHA: [&[u8]; 3] = [b"-lh", b"-lz", b"-pm"];

impl Packing {
    /// Bytes from the beginning that tell it.
    pub const HEAD: usize = 8;

    /// Tells it from the first bytes of data, [`Self::HEAD`] of them where there are as many; `None` for what is not packed.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let magic = |bytes: &[u8]| head.starts_with(bytes);
        if magic(&[0x1f, 0x8b, 8]) {
            Some(Self::Gzip)
        } else if magic(b"\xfd7zXZ\0") {
            Some(Self::Xz)
        } else if magic(b"PK\x03\x04") || magic(b"PK\x05\x06") {
            Some(Self::Zip)
        } else if magic(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable(head) {
            Some(Self::Zstd)
        } else {
            let method = head.get(2..7)?;
            (LHA.iter().any(|way| method.starts_with(way)) && method.ends_with(b"-")).then_some(Self::Lha)
        }
    }

    /// Whether an image's data is unpacked: not where it is meant to be packed.
    pub fn is_unpacked(container: Option<ContainerFormat>) -> bool {
        container != Some(ContainerFormat::Compressed)
    }
}

/// A frame of zstd that says nothing of the data.
fn is_skippable(head: &[u8]) -> bool {
    head.first_chunk::<4>().is_some_and(|magic| u32::from_le_bytes(*magic) & 0xffff_fff0 == 0x184d_2a50)
}
