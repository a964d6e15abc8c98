//! Disks of one format made anew in another, as a stream.
//!
//! ```text
//! source ─ by ranges ─ Disk (which bytes of the source are which of the disk) ─ pieces, side by side ─ target, in order
//! ```
//! Nothing is written but the stream, and of a disk no more is held than pieces in flight. What a source says of itself is judged
//! by `format` first, and then no number of it is believed: each offset lies in the source or is an error that names its field, and
//! what is allocated is bounded by constants of this room. What comes out is the same bytes at every run, so one that was cut off
//! goes on at any offset ([`Conversion::stream`]).

mod blocks;
mod disk;
mod pages;
mod pieces;
mod plan;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
mod qcow2;
#[cfg(any(test, feature = "contract"))]
pub mod samples;
mod source;
mod target;
mod unpack;
mod vhd;
mod vhdx;
mod vmdk;

pub use disk::Disk;
#[cfg(feature = "plugins")]
pub(crate) use source::joined;
pub use source::{ReadAt, Stored};
pub use target::{Conversion, Output};

pub use crate::image::OutputFormat as Target;

use crate::format::{Format, Refusal};
use crate::image::DiskFormat;
use crate::ports::StoreError;

/// How a conversion works. Memory is about twice `piece_bytes` × `pieces_in_flight`, and 4 MiB of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much of a disk is read at a time, in bytes: 64 KiB at least.
    pub piece_bytes: u64,
    /// How many pieces are read and unpacked side by side, at least 1.
    pub pieces_in_flight: u32,
    /// The largest disk that is taken, in bytes.
    pub max_disk_bytes: u64,
}

impl Default for Settings {
    /// Pieces of 2 MiB, four in flight, disks of 16 TiB.
    fn default() -> Self {
        Self { piece_bytes: 2 << 20, pieces_in_flight: 4, max_disk_bytes: 16 << 40 }
    }
}

/// Why a disk is not converted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data is not what the image says, or not safe.
    #[error("{0}")]
    Refused(Refusal),
    /// Images of this format are no disks that can be read here.
    #[error("disk_format: '{}' is not converted", .0.name())]
    NotADisk(DiskFormat),
    /// A header or table contradicts itself or the data, or asks for what is not read here.
    #[error("the data is '{}' and cannot be read: {why}", .format.name())]
    Unreadable {
        /// What the data is.
        format: Format,
        /// The field, its value, and what it must be.
        why: String,
    },
    /// The disk is larger than may be.
    #[error("the disk has {bytes} bytes, over the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Where the source lies did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    fn unreadable(format: Format, why: impl Into<String>) -> Self {
        Self::Unreadable { format, why: why.into() }
    }
}

/// The result of a step of a conversion.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests;
