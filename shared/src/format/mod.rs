//! What image data really is, told from its bytes as they flow: format, size of the disk, and what is unsafe about it.
//!
//! Clients say what format their data has; whoever opens it later may believe the bytes instead, and follow them to files of
//! the host (OSSA-2015-014, OSSA-2023-002, OSSA-2024-001). So the bytes are looked at before they are an image's. Nothing here
//! does I/O or believes a number it read: an inspection asks for runs of bytes (`probe`), which come from a stream
//! ([`Inspector`]) or by ranged reads ([`Ranged`]), with the same answer. It holds a mebibyte at most, whatever the data says.
//!
//! Names of checks are those of Glance (`oslo.utils`' `format_inspector`); `header` and `parent` are Glint's own.

mod descriptor;
pub(crate) mod fields;
mod iso;
mod luks;
mod mbr;
mod ploop;
mod probe;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
mod qcow2;
mod qed;
mod ranged;
mod rules;
#[cfg(any(test, feature = "contract"))]
pub mod samples;
mod stream;
mod vdi;
mod vhd;
pub(crate) mod vhdx;
mod vmdk;

pub use ranged::Ranged;
pub use rules::{Refusal, Rules, Verdict};
pub use stream::{Examination, Inspector};

use fields::MAX_DISK_BYTES;

words! {
    /// A format that data can be told to have. Data of none of them is raw.
    Format:
    /// A disk with a partition table, MBR or GPT.
    Gpt = "gpt",
    /// Optical disc: ISO 9660 or UDF.
    Iso = "iso",
    /// Encrypted disk.
    Luks = "luks",
    /// Virtuozzo disk.
    Ploop = "ploop",
    /// QEMU copy-on-write.
    Qcow2 = "qcow2",
    /// QEMU enhanced disk.
    Qed = "qed",
    /// `VirtualBox` disk.
    Vdi = "vdi",
    /// Microsoft virtual hard disk.
    Vhd = "vhd",
    /// Microsoft virtual hard disk, version 2.
    Vhdx = "vhdx",
    /// `VMware` disk.
    Vmdk = "vmdk",
}

words! {
    /// Something that data of a format is held to.
    Check:
    /// A qcow2 image stands by itself, on no backing file.
    BackingFile = "backing_file",
    /// A qcow2 image holds its data itself.
    DataFile = "data_file",
    /// A qcow2 image is of version 2 or 3 and needs no feature that is not known.
    UnknownFeatures = "unknown_features",
    /// The format is one that is taken at all; qed is not.
    Banned = "banned",
    /// A vmdk is one sparse file that names no other.
    Descriptor = "descriptor",
    /// The footer of a streamed vmdk says what its header says.
    Footer = "footer",
    /// An MBR has partitions, and its boot flags are such.
    Mbr = "mbr",
    /// The protective MBR of a GPT is as UEFI has it.
    GptMbr = "gptmbr",
    /// A LUKS header is of version 1.
    Version = "version",
    /// Headers are whole and in bounds.
    Header = "header",
    /// A vhd, vhdx or vdi stands by itself, on no parent.
    Parent = "parent",
}

/// A check that data failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The check.
    pub check: Check,
    /// What was found, with its value.
    pub why: String,
}

/// A format the data has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// Size of the disk inside, in bytes, where the format tells it.
    pub virtual_size: Option<u64>,
    /// Whether the data tells it by its end alone, as a fixed vhd does: any disk, with a footer.
    pub trailing: bool,
    /// What is unsafe about it.
    pub failures: Vec<Failure>,
}

/// What was found in data: its formats, none for raw, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Bytes of the data.
    pub size: u64,
    /// Formats it has.
    pub formats: Vec<Detected>,
}

/// A format as it is being read.
#[derive(Clone, Debug)]
struct Sighting {
    format: Format,
    disk: Disk,
    trailing: bool,
    failures: Vec<Failure>,
}

/// Size of the disk in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    /// The format tells none.
    Unknown,
    /// Bytes.
    Bytes(u64),
    /// What follows this many bytes of the data.
    After(u64),
}

impl Sighting {
    fn new(format: Format, disk: Disk) -> Self {
        Self { format, disk, trailing: false, failures: Vec::new() }
    }

    fn fail(&mut self, check: Check, why: impl Into<String>) {
        self.failures.push(Failure { check, why: why.into() });
    }

    /// A size of the disk as the data says it: more than any disk has is a failure.
    fn disk(&mut self, bytes: Option<u64>) {
        match bytes.filter(|bytes| *bytes <= MAX_DISK_BYTES) {
            Some(bytes) => self.disk = Disk::Bytes(bytes),
            None => self.fail(
                Check::Header,
                match bytes {
                    Some(bytes) => {
                        format!("a disk of {bytes} bytes is over the limit of {MAX_DISK_BYTES} bytes")
                    }
                    None => format!("the size of the disk is over the limit of {MAX_DISK_BYTES} bytes"),
                },
            ),
        }
    }

    /// A header that ends before it is whole.
    fn truncated(mut self, has: usize, needs: usize) -> Self {
        self.fail(Check::Header, format!("the header is cut off: {has} of {needs} bytes"));
        self
    }

    fn detected(self, size: u64) -> Detected {
        let virtual_size = match self.disk {
            Disk::Unknown => None,
            Disk::Bytes(bytes) => Some(bytes),
            Disk::After(offset) => size.checked_sub(offset),
        };
        let Self { format, trailing, failures, .. } = self;
        Detected { format, virtual_size, trailing, failures }
    }
}

#[cfg(test)]
mod tests;
