//! Disks, and images of them that `qemu-img` makes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use shared::convert::{Conversion, Disk, ReadAt, Settings, Target};
use shared::image::DiskFormat;
use shared::ports::StoreError;
use tempfile::TempDir;

/// A file, as an object that is read by ranges.
#[derive(Debug)]
pub(crate) struct OnDisk(File, u64);

impl OnDisk {
    pub(crate) fn open(path: &Path) -> Arc<Self> {
        let file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Arc::new(Self(file, size))
    }
}

#[async_trait]
impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.1
    }

    async fn read_at(&self, range: std::ops::Range<u64>) -> Result<Bytes, StoreError> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        self.0.read_exact_at(&mut bytes, range.start).map_err(|error| StoreError::Failed(error.into()))?;
        Ok(bytes.into())
    }
}

/// Glint's name of a format, `qemu-img`'s, and its options.
pub(crate) type Kind = (DiskFormat, &'static str, &'static str);

pub(crate) const KINDS: [Kind; 17] = [
    (DiskFormat::Raw, "raw", ""),
    (DiskFormat::Qcow2, "qcow2", "compat=0.10"),
    (DiskFormat::Qcow2, "qcow2", "compat=1.1"),
    (DiskFormat::Qcow2, "qcow2", "cluster_size=512"),
    (DiskFormat::Qcow2, "qcow2", "cluster_size=2M"),
    (DiskFormat::Qcow2, "qcow2", "extended_l2=on"),
    (DiskFormat::Qcow2, "qcow2", "preallocation=metadata"),
    (DiskFormat::Qcow2, "qcow2", "packed"),
    (DiskFormat::Qcow2, "qcow2", "packed,compression_type=zstd"),
    (DiskFormat::Vmdk, "vmdk", "subformat=monolithicSparse"),
    (DiskFormat::Vmdk, "vmdk", "subformat=streamOptimized"),
    (DiskFormat::Vhd, "vpc", "subformat=dynamic,force_size=on"),
    (DiskFormat::Vhd, "vpc", "subformat=fixed,force_size=on"),
    (DiskFormat::Vhdx, "vhdx", "subformat=dynamic,block_size=1M"),
    (DiskFormat::Vhdx, "vhdx", "subformat=fixed"),
    (DiskFormat::Vdi, "vdi", ""),
    (DiskFormat::Vdi, "vdi", "static=on"),
];

/// A folder of images; `None` where there is no `qemu-img`.
pub(crate) struct Images(TempDir);

impl Images {
    pub(crate) fn new() -> Option<Self> {
        if Command::new("qemu-img").arg("--version").output().is_err() {
            println!("left out: no qemu-img here");
            return None;
        }
        Some(Self(TempDir::new().unwrap()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The image of a disk.
    pub(crate) fn make(&self, disk: &Path, (_, format, options): Kind) -> PathBuf {
        let (image, packed) = (self.path("image"), options.starts_with("packed"));
        let options = options.trim_start_matches("packed").trim_start_matches(',');
        let mut command = Command::new("qemu-img");
        command.args(["convert", "-f", "raw", "-O", format]);
        command.args(packed.then_some("-c"));
        if !options.is_empty() {
            command.args(["-o", options]);
        }
        assert_done(&command.args([disk, &image]).output().unwrap(), format);
        image
    }

    /// The disk of an image, as QEMU has it.
    pub(crate) fn raw(&self, image: &Path, format: &str) -> Vec<u8> {
        let raw = self.path("raw");
        qemu(&["convert", "-f", format, "-O", "raw"], &[image, &raw]);
        std::fs::read(raw).unwrap()
    }
}

pub(crate) fn qemu(command: &[&str], paths: &[&Path]) {
    let output = Command::new("qemu-img").args(command).args(paths).output().unwrap();
    assert_done(&output, &format!("{command:?}"));
}

fn assert_done(output: &Output, what: &str) {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&said));
}

/// Small pieces, so that small disks have many.
pub(crate) const SETTINGS: Settings =
    Settings { piece_bytes: 256 << 10, pieces_in_flight: 3, max_disk_bytes: 64 << 30 };

pub(crate) async fn conversion(image: &Path, format: DiskFormat, target: Target) -> Conversion {
    let disk = Disk::open(OnDisk::open(image), format, &SETTINGS).await;
    let disk = disk.unwrap_or_else(|error| panic!("{format:?}: {error}"));
    Conversion::plan(disk, target, SETTINGS).await.unwrap_or_else(|error| panic!("{format:?}: {error}"))
}

/// What a stream from an offset on brings.
pub(crate) async fn all(conversion: &Conversion, from: u64) -> Vec<u8> {
    let pieces: Vec<Bytes> = conversion.stream(from).try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    pieces.concat()
}
