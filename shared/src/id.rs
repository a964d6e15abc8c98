//! Identifiers, parsed once at the door: who holds one holds a well-formed one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected}")]
pub struct InvalidId {
    what: &'static str,
    expected: &'static str,
}

/// An image's id: a UUID, kept in the letters it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageId(String);

/// A task's id: a UUID, kept in the letters it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

/// The id a key manager knows a certificate by: a UUID, kept in the letters it came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateId(String);

/// A project's id: 1 to 255 characters, never checked against Keystone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// A store's id, as configured: 1 to 64 letters, digits, `_`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(String);

/// An id that sorts by the time it was made at: 26 characters of Crockford's base 32 (the ULID specification).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ulid(String);

/// A request's id: `req-` and a UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

macro_rules! text_id {
    ($name:ident, $what:literal, $expected:literal, $valid:expr) => {
        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { what: $what, expected: $expected })
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(ImageId, "image id", "a UUID (8-4-4-4-12 hexadecimal digits)", is_uuid);
text_id!(TaskId, "task id", "a UUID (8-4-4-4-12 hexadecimal digits)", is_uuid);
text_id!(CertificateId, "certificate id", "a UUID (8-4-4-4-12 hexadecimal digits)", is_uuid);
text_id!(ProjectId, "project id", "1 to 255 characters", |text| {
    !text.is_empty() && text.chars().count() <= 255
});
text_id!(StoreId, "store id", "1 to 64 letters, digits, '_' or '-'", |text| {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
});
text_id!(Ulid, "ULID", "26 characters of Crockford's base 32", |text| {
    text.len() == 26 && text.bytes().all(|b| CROCKFORD.contains(&b))
});
text_id!(RequestId, "request id", "'req-' and a UUID", |text| {
    text.strip_prefix("req-").is_some_and(is_uuid)
});

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Writes 16 random bytes as a UUID of version 4.
fn uuid_v4(random: u128) -> String {
    let bits = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let mut digits = hex.chars();
    let mut group = |length| digits.by_ref().take(length).collect::<String>();
    [group(8), group(4), group(4), group(4), group(12)].join("-")
}

impl ImageId {
    /// A UUID of version 4 from 128 random bits.
    pub fn from_random(random: u128) -> Self {
        Self(uuid_v4(random))
    }
}

impl TaskId {
    /// A UUID of version 4 from 128 random bits.
    pub fn from_random(random: u128) -> Self {
        Self(uuid_v4(random))
    }
}

impl RequestId {
    /// A request id from 128 random bits.
    pub fn from_random(random: u128) -> Self {
        Self(format!("req-{}", uuid_v4(random)))
    }
}

impl Ulid {
    /// A ULID from milliseconds since 1970 (48 bits count) and randomness (80 bits count).
    pub fn from_parts(milliseconds: u64, random: u128) -> Self {
        let bits = u128::from(milliseconds & 0xffff_ffff_ffff) << 80 | random & ((1 << 80) - 1);
        let digit = |at: u32| CROCKFORD.get((bits >> (5 * at) & 31) as usize).copied().unwrap_or(b'0');
        Self((0..26).rev().map(|at| char::from(digit(at))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_id_is_a_uuid_in_its_own_letters() {
        let id: ImageId = "0F1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        assert_eq!(id.as_str(), "0F1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11");
        for bad in
            ["", "web-base", "0f1c2a9e5a534c529c363f8f0a6f7c11", "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c1g"]
        {
            assert!(bad.parse::<ImageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_random_id_says_its_version_and_variant() {
        assert_eq!(ImageId::from_random(0).as_str(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(ImageId::from_random(u128::MAX).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(is_uuid(ImageId::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef).as_str()));
    }

    #[test]
    fn ulids_sort_by_time() {
        // The example of the specification: 01ARYZ6S41 is 1469918176385 ms.
        let early = Ulid::from_parts(1_469_918_176_385, u128::MAX);
        assert_eq!(early.as_str(), "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
        assert!(early < Ulid::from_parts(1_469_918_176_386, 0));
        assert_eq!(early.as_str().parse(), Ok(early));
    }
}
