//! Images made by hand, with [`TEXT`] at [`PLACE`] of their disks and zeros elsewhere, for tests and fuzzing.

use std::io::Write as _;

use crc_fast::{CrcAlgorithm, checksum};

use crate::format::samples::{self, DESCRIPTOR, DISK, VHDX_METADATA, at};
use crate::image::DiskFormat;

/// What the disks hold.
pub const TEXT: &[u8] = b"This is all that there is on the disk.";
/// Where they hold it: in their second cluster or block.
pub const PLACE: usize = 64 << 10;

const CLUSTER: u32 = 64 << 10;

fn cluster() -> Vec<u8> {
    at(vec![0; CLUSTER as usize], 0, TEXT)
}

fn qcow2(version: u32) -> Vec<u8> {
    let image = at(samples::qcow2(version), 36, &1_u32.to_be_bytes());
    let image = at(image, 40, &u64::from(CLUSTER).to_be_bytes());
    let image = at(image, CLUSTER as usize, &(1 << 63 | u64::from(2 * CLUSTER)).to_be_bytes());
    at(image, 3 * CLUSTER as usize - 1, &[0])
}

/// A qcow2 of a version.
pub fn qcow2_stored(version: u32) -> Vec<u8> {
    let entry = 1 << 63 | u64::from(3 * CLUSTER);
    let image = at(qcow2(version), 2 * CLUSTER as usize + 8, &entry.to_be_bytes());
    at(image, 3 * CLUSTER as usize, &cluster())
}

/// A qcow2 whose cluster is packed.
pub fn qcow2_packed() -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = encoder.write_all(&cluster()).and_then(|()| encoder.finish()).unwrap_or_default();
    let sectors = packed.len() as u64 / 512;
    let entry = 1 << 62 | sectors << 54 | u64::from(3 * CLUSTER);
    at(at(qcow2(3), 2 * CLUSTER as usize + 8, &entry.to_be_bytes()), 3 * CLUSTER as usize, &packed)
}

/// A vdi.
pub fn vdi() -> Vec<u8> {
    let fields =
        [(0x44, 0x0001_0001_u32), (0x154, 512), (0x158, 2048), (0x168, 512), (0x178, CLUSTER), (0x180, 160)];
    let image =
        fields.iter().fold(samples::vdi(), |image, (place, value)| at(image, *place, &value.to_le_bytes()));
    at(at(at(image, 512, &[255; 640]), 516, &[0; 4]), 2048, &cluster())
}

/// A dynamic vhd.
pub fn vhd() -> Vec<u8> {
    let footer = at(samples::vhd_footer(3), 16, &512_u64.to_be_bytes());
    let image = at(at(footer.clone(), 512, b"cxsparse"), 528, &1536_u64.to_be_bytes());
    let image = at(at(image, 540, &160_u32.to_be_bytes()), 544, &CLUSTER.to_be_bytes());
    let image = at(at(image, 1536, &[255; 1024]), 1540, &5_u32.to_be_bytes());
    let image = at(image, 6 * 512, &cluster());
    let end = image.len();
    at(image, end, &footer)
}

/// A vhdx.
pub fn vhdx() -> Vec<u8> {
    const SECTOR_SIZE: [u8; 16] =
        [0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f];
    const TABLE: [u8; 16] =
        [0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08];
    let header = at(at(vec![0; 4096], 0, b"head"), 8, &1_u64.to_le_bytes());
    let crc = u32::try_from(checksum(CrcAlgorithm::Crc32Iscsi, &header)).unwrap_or_default();
    let image = at(samples::vhdx(), 64 << 10, &at(header, 4, &crc.to_le_bytes()));
    // A second region, which is the table of blocks.
    let image = at(at(image, 0x30008, &2_u32.to_le_bytes()), 0x30030, &TABLE);
    let image = at(at(image, 0x30040, &(1_u64 << 20).to_le_bytes()), 0x30048, &(1_u32 << 20).to_le_bytes());
    // A third item, which is the size of sectors.
    let image = at(at(image, VHDX_METADATA + 10, &3_u16.to_le_bytes()), VHDX_METADATA + 96, &SECTOR_SIZE);
    let image = at(image, VHDX_METADATA + 112, &0x1_0010_u32.to_le_bytes());
    let image = at(image, VHDX_METADATA + 0x1_0010, &512_u32.to_le_bytes());
    let image = at(image, VHDX_METADATA + 0x1_0000, &CLUSTER.to_le_bytes());
    let image = at(image, (1 << 20) + 8, &(3_u64 << 20 | 6).to_le_bytes());
    at(image, 3 << 20, &cluster())
}

/// A sparse vmdk, or a streamed one whose grain is packed.
pub fn vmdk(packed: bool) -> Vec<u8> {
    let text = if packed {
        DESCRIPTOR.replace("monolithicSparse", "streamOptimized")
    } else {
        DESCRIPTOR.to_owned()
    };
    let image = at(samples::vmdk(&text), 0, &samples::vmdk_header(21));
    let image = at(at(image, 20, &128_u64.to_le_bytes()), 44, &512_u32.to_le_bytes());
    let image = at(at(image, 21 * 512, &22_u32.to_le_bytes()), 22 * 512 + 4, &41_u32.to_le_bytes());
    if !packed {
        return at(image, 41 * 512, &cluster());
    }
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let grain = encoder.write_all(&cluster()).and_then(|()| encoder.finish()).unwrap_or_default();
    let len = u32::try_from(grain.len()).unwrap_or_default();
    let image = at(at(image, 8, &(3_u32 | 3 << 16).to_le_bytes()), 77, &1_u16.to_le_bytes());
    at(at(image, 41 * 512 + 8, &len.to_le_bytes()), 41 * 512 + 12, &grain)
}

/// Every sample, with its format and what it is; the disks have [`DISK`] bytes.
pub fn all() -> Vec<(&'static str, DiskFormat, Vec<u8>)> {
    let disk = at(vec![0; usize::try_from(DISK).unwrap_or_default()], PLACE, TEXT);
    vec![
        ("raw", DiskFormat::Raw, disk.clone()),
        ("qcow2, version 2", DiskFormat::Qcow2, qcow2_stored(2)),
        ("qcow2, version 3", DiskFormat::Qcow2, qcow2_stored(3)),
        ("qcow2, packed", DiskFormat::Qcow2, qcow2_packed()),
        ("vdi", DiskFormat::Vdi, vdi()),
        ("vhd, dynamic", DiskFormat::Vhd, vhd()),
        ("vhd, fixed", DiskFormat::Vhd, samples::vhd_fixed(disk)),
        ("vhdx", DiskFormat::Vhdx, vhdx()),
        ("vmdk, sparse", DiskFormat::Vmdk, vmdk(false)),
        ("vmdk, streamed", DiskFormat::Vmdk, vmdk(true)),
    ]
}
