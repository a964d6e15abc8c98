//! Where an image's bytes lie: objects, their keys, and the way in and out.

mod address;
mod checksum;
mod file_name;
mod key;
mod part;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
mod reading;
mod registration;
mod request;
mod seal;
mod session;
mod trust;

pub(crate) use address::is_web;
pub use address::{Address, MAX_NAME_BYTES, Refused as RefusedLocation, Takes};
pub use checksum::{Checksum, ChecksumKind, Summing};
pub use file_name::FileName;
pub use key::ObjectKey;
pub use part::{ArrivedPart, PartGrant, PartLayout};
pub use reading::ReadGrant;
pub use registration::Registration;
pub use request::{MOST_AT_A_TIME, SessionRequest, read_parts};
pub use seal::{SEAL_KEY_BYTES, Sealer, Unsealed};
pub use session::{Expected, Filling, HashState, Phase, Session};
pub use trust::TrustedHosts;
