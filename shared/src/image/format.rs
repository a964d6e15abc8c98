//! The formats an image may declare (Glance's defaults for `disk_formats` and `container_formats`).

use serde::{Deserialize, Serialize};

macro_rules! formats {
    ($(#[$doc:meta])* $name:ident: $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every format, in the order the schema lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the API says it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the API's word.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

formats! {
    /// The format of an image's bytes.
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

formats! {
    /// What an image's bytes are wrapped in.
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
