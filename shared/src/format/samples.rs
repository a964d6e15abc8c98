//! Images made by hand, as small as a format lets them be, for tests and fuzzing; attacks are made by writing over them.

#![expect(clippy::indexing_slicing, reason = "a sample that is made wrongly fails its test by panicking")]

/// Size of the disk in every sample that has one, in bytes.
pub const DISK: u64 = 10 << 20;

/// Writes bytes at an offset, over what is there or behind it.
#[must_use]
pub fn at(mut image: Vec<u8>, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
    image
}

/// A qcow2 of a version.
pub fn qcow2(version: u32) -> Vec<u8> {
    let image = at(vec![0; 1024], 0, b"QFI\xfb");
    let image = at(image, 4, &version.to_be_bytes());
    let image = at(image, 20, &16_u32.to_be_bytes());
    let image = at(image, 24, &DISK.to_be_bytes());
    at(image, 100, &104_u32.to_be_bytes())
}

/// A qcow2 that stands on a file of the host.
pub fn qcow2_on(backing_file: &str) -> Vec<u8> {
    let image = at(qcow2(3), 8, &512_u64.to_be_bytes());
    let len = u32::try_from(backing_file.len()).unwrap_or(u32::MAX);
    at(at(image, 16, &len.to_be_bytes()), 512, backing_file.as_bytes())
}

/// A qcow2 whose data lies in a file of the host.
pub fn qcow2_with_data_in(file: &str) -> Vec<u8> {
    let image = at(qcow2(3), 72, &(1_u64 << 2).to_be_bytes());
    let image = at(image, 104, &[0x44, 0x41, 0x54, 0x41]);
    let len = u32::try_from(file.len()).unwrap_or(u32::MAX);
    at(at(image, 108, &len.to_be_bytes()), 112, file.as_bytes())
}

/// A qed.
pub fn qed() -> Vec<u8> {
    at(at(vec![0; 1024], 0, b"QED\0"), 48, &DISK.to_le_bytes())
}

/// A vdi.
pub fn vdi() -> Vec<u8> {
    let image = at(vec![0; 1024], 0x40, &0xbeda_107f_u32.to_le_bytes());
    let image = at(image, 0x4c, &1_u32.to_le_bytes());
    at(image, 0x170, &DISK.to_le_bytes())
}

/// The footer of a vhd of a type: 2 is fixed, 3 dynamic, 4 differencing.
pub fn vhd_footer(kind: u32) -> Vec<u8> {
    let footer = at(vec![0; 512], 0, b"conectix");
    let footer = at(footer, 40, &DISK.to_be_bytes());
    let footer = at(footer, 48, &DISK.to_be_bytes());
    at(footer, 60, &kind.to_be_bytes())
}

/// A dynamic vhd.
pub fn vhd() -> Vec<u8> {
    let footer = vhd_footer(3);
    at(at(vec![0; 4096], 0, &footer), 4096, &footer)
}

/// A disk, then the footer of a fixed vhd.
pub fn vhd_fixed(disk: Vec<u8>) -> Vec<u8> {
    let end = disk.len();
    at(disk, end, &vhd_footer(2))
}

/// Where a vhdx has its metadata.
pub const VHDX_METADATA: usize = 0x0020_0000;

/// A vhdx.
pub fn vhdx() -> Vec<u8> {
    const METADATA: &str = "06a27c8b90479a4bb8fe575f050f886e";
    const DISK_SIZE: &str = "2442a52f1bcd7648b2115dbed83bf4b8";
    const PARAMETERS: &str = "3767a1ca36fa434db3b633f0aa44e76b";
    let image = at(Vec::new(), 0, b"vhdxfile");
    let image = at(image, 0x30000, b"regi");
    let image = at(image, 0x30008, &1_u32.to_le_bytes());
    let image = at(image, 0x30010, &guid(METADATA));
    let image = at(image, 0x30020, &(VHDX_METADATA as u64).to_le_bytes());
    let image = at(image, 0x30028, &0x10_0000_u32.to_le_bytes());
    let image = at(image, VHDX_METADATA, b"metadata");
    let image = at(image, VHDX_METADATA + 10, &2_u16.to_le_bytes());
    let image = at(image, VHDX_METADATA + 32, &guid(PARAMETERS));
    let image = at(image, VHDX_METADATA + 48, &0x1_0000_u32.to_le_bytes());
    let image = at(image, VHDX_METADATA + 64, &guid(DISK_SIZE));
    let image = at(image, VHDX_METADATA + 80, &0x1_0008_u32.to_le_bytes());
    let image = at(image, VHDX_METADATA + 0x1_0000, &0x20_0000_u32.to_le_bytes());
    at(image, VHDX_METADATA + 0x1_0008, &DISK.to_le_bytes())
}

fn guid(digits: &str) -> Vec<u8> {
    let digit = |letter: char| letter.to_digit(16).unwrap_or_default();
    let digits: Vec<_> = digits.chars().map(digit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).unwrap_or(0))
        .collect()
}

/// The descriptor of a sparse vmdk, as `VMware`'s tools write one.
pub const DESCRIPTOR: &str = r#"# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 20480 SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "20"
"#;

/// A sparse vmdk of a descriptor.
pub fn vmdk(descriptor: &str) -> Vec<u8> {
    let image = at(vec![0; 512 * 41], 0, &vmdk_header(0));
    at(image, 512, descriptor.as_bytes())
}

/// A header, or footer, with the place of the grain directory.
pub fn vmdk_header(grains: u64) -> Vec<u8> {
    let header = at(vec![0; 512], 0, b"KDMV");
    let header = at(header, 4, &1_u32.to_le_bytes());
    let header = at(header, 12, &(DISK / 512).to_le_bytes());
    let header = at(header, 28, &1_u64.to_le_bytes());
    let header = at(header, 36, &20_u64.to_le_bytes());
    at(header, 56, &grains.to_le_bytes())
}

/// A streamed vmdk with its footer.
pub fn vmdk_streamed() -> Vec<u8> {
    let image =
        at(vmdk(&DESCRIPTOR.replace("monolithicSparse", "streamOptimized")), 0, &vmdk_header(u64::MAX));
    let end = image.len();
    let image = at(image, end + 12, &3_u32.to_le_bytes());
    let image = at(image, end + 512, &vmdk_header(7));
    at(image, end + 1024, &[0; 512])
}

/// An optical disc.
pub fn iso() -> Vec<u8> {
    let image = at(vec![0; 36 << 10], 32 << 10, b"\x01CD001\x01");
    let image = at(image, (32 << 10) + 80, &u32::try_from(DISK / 2048).unwrap_or_default().to_le_bytes());
    at(image, (32 << 10) + 128, &2048_u16.to_le_bytes())
}

/// A boot sector over a disk, with one partition of a kind.
pub fn with_mbr(disk: Vec<u8>, kind: u8) -> Vec<u8> {
    let disk = at(disk, 446, &[0, 0, 2, 0, kind, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    at(disk, 510, &[0x55, 0xaa])
}

/// A disk with a partition table.
pub fn gpt() -> Vec<u8> {
    with_mbr(vec![0; 4096], 0xee)
}

/// An encrypted disk, of the older kind: 2 MiB of header.
pub fn luks() -> Vec<u8> {
    let image = at(vec![0; (2 << 20) + 4096], 0, b"LUKS\xba\xbe\0\x01");
    at(image, 104, &4096_u32.to_be_bytes())
}

/// An encrypted disk, of the newer kind: 16 MiB of header, of which the beginning is here.
pub fn luks2() -> Vec<u8> {
    let image = at(vec![0; 16 << 10], 0, b"LUKS\xba\xbe\0\x02");
    let image = at(image, 8, &(16_u64 << 10).to_be_bytes());
    at(image, 4096, br#"{"segments": {"0": {"type": "crypt", "offset": "16777216", "size": "dynamic"}}}"#)
}

/// A ploop.
pub fn ploop() -> Vec<u8> {
    let image = at(vec![0; 1024], 0, b"WithouFreSpacExt");
    at(image, 36, &(DISK / 512).to_le_bytes())
}

/// Every sample, with what it is; the first is raw.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("raw", vec![0; 70_000]),
        ("qcow2", qcow2(2)),
        ("qcow2", qcow2(3)),
        ("qcow2", qcow2_on("/etc/passwd")),
        ("qcow2", qcow2_with_data_in("/etc/shadow")),
        ("qed", qed()),
        ("vdi", vdi()),
        ("vhd", vhd()),
        ("vhd", vhd_fixed(vec![0; 70_000])),
        ("vhdx", vhdx()),
        ("vmdk", vmdk(DESCRIPTOR)),
        ("vmdk", vmdk_streamed()),
        ("vmdk", DESCRIPTOR.as_bytes().to_vec()),
        ("iso", iso()),
        ("gpt", gpt()),
        ("luks", luks()),
        ("luks", luks2()),
        ("ploop", ploop()),
    ]
}
