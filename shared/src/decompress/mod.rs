//! Data that comes packed, unpacked as it flows: gzip, zstd, xz, and archives of one file by zip or lha.
//!
//! ```text
//! stream ─ Feed ─ thread: decoder ─ Bounded ─ stream
//! ```
//! A packed file may be made to unpack to anything, so what comes out is bounded, absolutely and by what went in, and so is the
//! memory that it asks for. What is cut off, has something behind it or fails its checksum ends with an error that says
//! where, never short.

mod feed;
mod lha;
mod packing;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
mod run;
mod streams;
mod zip;

pub use packing::Packing;
pub use run::{Output, decompress};

use crate::ports::Cause;

/// What may come out of packed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most, in bytes.
    pub max_bytes: u64,
    /// The most that a byte that went in may become.
    pub max_ratio: u64,
    /// Bytes that may come out before the ratio counts.
    pub floor: u64,
}

/// Why data does not unpack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is damaged, cut off, or something is behind it.
    #[error("the {} data is not whole: {why}, at byte {at}", .packing.name())]
    Damaged {
        /// What it is packed by.
        packing: Packing,
        /// Bytes that had been read.
        at: u64,
        /// What was found.
        why: String,
    },
    /// It is whole, perhaps, but of a kind that is not taken.
    #[error("the {} data is not taken: {why}", .packing.name())]
    Unsupported {
        /// What it is packed by.
        packing: Packing,
        /// What it is or asks for.
        why: String,
    },
    /// It unpacks to more than may be.
    #[error("the {} data unpacks to more than the limit of {limit} bytes", .packing.name())]
    TooLarge {
        /// What it is packed by.
        packing: Packing,
        /// The limit.
        limit: u64,
    },
    /// It unpacks to more than the ratio allows.
    #[error("the {} data unpacks to {made} bytes from {read}, more than {limit} times as many", .packing.name())]
    TooDense {
        /// What it is packed by.
        packing: Packing,
        /// Bytes that came out.
        made: u64,
        /// Bytes that went in.
        read: u64,
        /// The limit.
        limit: u64,
    },
    /// The packed data did not come.
    #[error("the packed data did not come")]
    Source(#[source] Cause),
}

#[cfg(test)]
mod tests;
