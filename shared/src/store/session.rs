//! Upload sessions: an object whose bytes clients bring part by part, and what is known of it until it is an image's.

use super::{ChecksumKind, PartLayout};
use crate::image::DiskFormat;
use crate::time::Timestamp;

/// An upload session. Its id is that of the attempt in the object's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who has to do the next step.
    pub phase: Phase,
    /// What was announced, and how it is cut.
    pub layout: PartLayout,
    /// Whether every part comes with a checksum, and how that is made.
    pub checksum: Option<ChecksumKind>,
    /// What the client says the bytes hash to.
    pub expected: Expected,
    /// The format that the bytes must have; `None` when they are not looked into.
    pub declared: Option<DiskFormat>,
    /// What verifies the signature of a signed image ([`crate::signature::Verify::save`]).
    pub verifier: Option<String>,
    /// What the store calls the upload; `None` before it has begun one, and for an empty object.
    pub upload: Option<String>,
    /// When it is looked at: while it is open, its end; after that, the end of the lease of whoever works on it.
    pub due: Timestamp,
    /// When it is given up, whoever works on it; `None` while it is open.
    pub ends: Option<Timestamp>,
    /// How far it is hashed.
    pub hashed: Option<HashState>,
    /// What is known of the source that an import fills it from.
    pub filling: Filling,
}

/// How an import comes on with its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filling {
    /// What the source was known by when its first bytes were read ([`crate::ports::Validator`]).
    pub validator: Option<String>,
    /// How often it was tried since the last part arrived.
    pub tries: u32,
    /// How many bytes had arrived when the lease was renewed last.
    pub bytes: u64,
    /// The token of who asked for it, where the source needs one, as it was sealed ([`crate::ports::TokenSeals`]).
    pub token: Option<String>,
}

/// Who has to do the next step of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The client: parts are coming.
    Open,
    /// The service: all parts are there.
    Completing,
    /// An import: it brings the parts itself.
    Filling,
    /// An import, from a source that does not say how long it is: in one go, by whoever began it. Another begins anew.
    Streaming,
    /// An import: all parts are there.
    Filled,
}

impl Phase {
    /// Whether it is an import's to go on with.
    pub const fn is_import(self) -> bool {
        matches!(self, Self::Filling | Self::Streaming | Self::Filled)
    }
}

/// What a client says that its bytes hash to, in lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// MD5.
    pub md5: Option<String>,
    /// SHA-512.
    pub sha512: Option<String>,
}

/// The hashes of the first bytes of an object, as they can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashState {
    /// How many bytes.
    pub bytes: u64,
    /// The state of MD5.
    pub md5: Vec<u8>,
    /// The state of SHA-512.
    pub sha512: Vec<u8>,
    /// The state of the digest that was signed, when it is another.
    pub signed: Option<Vec<u8>>,
}
