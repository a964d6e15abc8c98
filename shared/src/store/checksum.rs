//! Checksums that a client declares of a part, and the store holds it to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How a part's checksum is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumKind {
    /// CRC-64 as NVM Express has it: what S3 makes of its own accord.
    Crc64Nvme,
    /// SHA-256.
    Sha256,
}

impl ChecksumKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Crc64Nvme, Self::Sha256];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "crc64nvme",
            Self::Sha256 => "sha256",
        }
    }

    /// The kind of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its number of bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Crc64Nvme => 8,
            Self::Sha256 => 32,
        }
    }
}

/// A checksum of a part, in base 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it is made.
    pub kind: ChecksumKind,
    value: String,
}

impl Checksum {
    /// A checksum as a client writes it: base 64, with padding. `None` when it is not, or of another length.
    pub fn parse(kind: ChecksumKind, text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        (bytes.len() == kind.bytes()).then(|| Self { kind, value: text.to_owned() })
    }

    /// In base 64.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.value)
    }
}

/// A checksum under way.
#[derive(Clone, Debug)]
pub struct Summing(State);

#[derive(Clone, Debug)]
enum State {
    Crc64Nvme(Box<crc_fast::Digest>),
    Sha256(Box<Sha256>),
}

impl Summing {
    /// Of no bytes yet.
    pub fn new(kind: ChecksumKind) -> Self {
        Self(match kind {
            ChecksumKind::Crc64Nvme => {
                State::Crc64Nvme(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)))
            }
            ChecksumKind::Sha256 => State::Sha256(Box::default()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc64Nvme(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// The checksum of all bytes taken.
    pub fn finish(self) -> Checksum {
        match self.0 {
            State::Crc64Nvme(state) => Checksum {
                kind: ChecksumKind::Crc64Nvme,
                value: STANDARD.encode(state.finalize().to_be_bytes()),
            },
            State::Sha256(state) => {
                Checksum { kind: ChecksumKind::Sha256, value: STANDARD.encode(state.finalize()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ChecksumKind, bytes: &[u8]) -> String {
        let mut summing = Summing::new(kind);
        for piece in bytes.chunks(3) {
            summing.update(piece);
        }
        summing.finish().value().to_owned()
    }

    #[test]
    fn checksums_are_the_published_ones() {
        // CRC-64/NVME of "123456789" is AE8B14860A799888.
        assert_eq!(of(ChecksumKind::Crc64Nvme, b"123456789"), "rosUhgp5mIg=");
        assert_eq!(of(ChecksumKind::Sha256, b"abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn a_checksum_is_base_64_of_its_length() {
        assert!(Checksum::parse(ChecksumKind::Crc64Nvme, "rosUhgp5mIg=").is_some());
        for wrong in [
            "",
            "rosUhgp5mIg",
            "rosUhgp5mI==",
            "not base 64!",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ] {
            assert_eq!(Checksum::parse(ChecksumKind::Crc64Nvme, wrong), None, "{wrong}");
        }
    }
}
