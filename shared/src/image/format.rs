//! The formats an image may declare (Glance's defaults for `disk_formats` and `container_formats`).

use serde::{Deserialize, Serialize};

words! {
    /// The format of an image's bytes.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    DiskFormat:
    /// Amazon machine image.
    Ami = "ami",
    /// Amazon ramdisk.
    Ari = "ari",
    /// Amazon kernel.
    Aki = "aki",
    /// Microsoft virtual hard disk.
    Vhd = "vhd",
    /// Microsoft virtual hard disk, version 2.
    Vhdx = "vhdx",
    /// `VMware` disk.
    Vmdk = "vmdk",
    /// A disk, byte for byte.
    Raw = "raw",
    /// QEMU copy-on-write, version 2 or 3.
    Qcow2 = "qcow2",
    /// `VirtualBox` disk.
    Vdi = "vdi",
    /// Optical disc.
    Iso = "iso",
    /// Virtuozzo disk.
    Ploop = "ploop",
}

words! {
    /// What disks are made into when they are converted.
    OutputFormat:
    /// A disk, byte for byte.
    Raw = "raw",
    /// QEMU copy-on-write, version 3: what is zero takes no room.
    Qcow2 = "qcow2",
}

impl OutputFormat {
    /// What an image of it says.
    pub const fn disk_format(self) -> DiskFormat {
        match self {
            Self::Raw => DiskFormat::Raw,
            Self::Qcow2 => DiskFormat::Qcow2,
        }
    }
}

words! {
    /// What an image's bytes are wrapped in.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    ContainerFormat:
    /// Amazon machine image.
    Ami = "ami",
    /// Amazon ramdisk.
    Ari = "ari",
    /// Amazon kernel.
    Aki = "aki",
    /// Nothing.
    Bare = "bare",
    /// OVF package.
    Ovf = "ovf",
    /// OVA archive.
    Ova = "ova",
    /// Docker archive.
    Docker = "docker",
    /// A compressed disk.
    Compressed = "compressed",
}
