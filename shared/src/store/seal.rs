//! Seals: the signature in a URL by which the gateway itself takes a part, or gives an object, without a token.
//!
//! A seal is HMAC-SHA256 over everything a grant says, so a URL is good for one part, its length, its checksum and its time.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Checksum, ChecksumKind, ObjectKey, PartGrant};
use crate::hexadecimal;
use crate::time::Timestamp;

/// The length of a key, in bytes.
pub const SEAL_KEY_BYTES: usize = 64;

/// Seals grants, and knows its seals again.
#[derive(Clone)]
pub struct Sealer {
    key: [u8; SEAL_KEY_BYTES],
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

/// Why a URL gives no leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsealed {
    /// It is not one of ours, or was changed.
    #[error("the signature of the URL is not valid for what is asked")]
    Forged,
    /// Its time is over.
    #[error("the URL has expired: ask for a fresh one")]
    Expired,
}

impl Sealer {
    /// One that seals by a key nobody else knows.
    pub const fn new(key: [u8; SEAL_KEY_BYTES]) -> Self {
        Self { key }
    }

    /// The query of a URL that gives this leave. What the path says of it, key and number, is not repeated.
    pub fn query(&self, grant: &PartGrant) -> String {
        let checksum = grant
            .checksum
            .as_ref()
            .map(|sum| format!("&{}={}", sum.kind.name(), hexadecimal::encode(sum.value().as_bytes())));
        format!(
            "offset={}&length={}&expires={}{}&signature={}",
            grant.range.start,
            grant.len(),
            grant.until.microseconds(),
            checksum.unwrap_or_default(),
            hexadecimal::encode(&self.mac(&said(grant))),
        )
    }

    /// The leave that a path and a query give. `upload` is what the store calls the upload.
    ///
    /// # Errors
    /// [`Unsealed`] when they give none, or no more.
    pub fn open(
        &self,
        key: &ObjectKey,
        upload: &str,
        number: u32,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<PartGrant, Unsealed> {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let count = |name| value(name).and_then(|text| text.parse::<u64>().ok()).ok_or(Unsealed::Forged);
        let (start, len) = (count("offset")?, count("length")?);
        let until = i64::try_from(count("expires")?).map_err(|_| Unsealed::Forged)?;
        let mut checksum = None;
        for kind in ChecksumKind::ALL {
            if let Some(text) = value(kind.name()) {
                let text = String::from_utf8(bytes(text)?).map_err(|_| Unsealed::Forged)?;
                checksum = Some(Checksum::parse(kind, &text).ok_or(Unsealed::Forged)?);
            }
        }
        let grant = PartGrant {
            key: key.clone(),
            upload: upload.to_owned(),
            number,
            range: start..start.checked_add(len).ok_or(Unsealed::Forged)?,
            checksum,
            until: Timestamp::from_microseconds(until),
        };
        self.verify(&said(&grant), &bytes(value("signature").unwrap_or_default())?)?;
        if now >= grant.until { Err(Unsealed::Expired) } else { Ok(grant) }
    }

    /// The seal of a text. What texts say differs in their first line.
    pub(super) fn mac(&self, said: &str) -> Vec<u8> {
        self.begin(said).finalize().into_bytes().to_vec()
    }

    /// Looks at a seal, in constant time.
    pub(super) fn verify(&self, said: &str, seal: &[u8]) -> Result<(), Unsealed> {
        self.begin(said).verify_slice(seal).map_err(|_| Unsealed::Forged)
    }

    fn begin(&self, said: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(said.as_bytes());
        mac
    }
}

fn said(grant: &PartGrant) -> String {
    let PartGrant { key, upload, number, range, checksum, until } = grant;
    let checksum = checksum.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "glint part 1\n{key}\n{upload}\n{number}\n{}\n{}\n{checksum}\n{}",
        range.start,
        range.end,
        until.microseconds()
    )
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Unsealed> {
    hexadecimal::decode(text).ok_or(Unsealed::Forged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, Ulid};

    const NOON: Timestamp = Timestamp::from_microseconds(1_000_000);

    fn grant() -> PartGrant {
        PartGrant {
            key: ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1)),
            upload: "one".to_owned(),
            number: 2,
            range: 64..100,
            checksum: Checksum::parse(ChecksumKind::Crc64Nvme, "rosUhgp5mIg="),
            until: Timestamp::from_microseconds(2_000_000),
        }
    }

    fn pairs(query: &str) -> Vec<(String, String)> {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn a_seal_is_good_for_what_it_was_given_for_and_for_nothing_else() {
        let (sealer, grant) = (Sealer::new([7; SEAL_KEY_BYTES]), grant());
        let query = pairs(&sealer.query(&grant));
        assert_eq!(sealer.open(&grant.key, "one", 2, &query, NOON).unwrap(), grant);

        let other = ObjectKey::new(ImageId::from_random(2), Ulid::from_parts(1, 1));
        assert_eq!(sealer.open(&other, "one", 2, &query, NOON), Err(Unsealed::Forged));
        assert_eq!(sealer.open(&grant.key, "two", 2, &query, NOON), Err(Unsealed::Forged));
        assert_eq!(sealer.open(&grant.key, "one", 3, &query, NOON), Err(Unsealed::Forged));
        assert_eq!(sealer.open(&grant.key, "one", 2, &query, grant.until), Err(Unsealed::Expired));
        assert_eq!(
            Sealer::new([8; SEAL_KEY_BYTES]).open(&grant.key, "one", 2, &query, NOON),
            Err(Unsealed::Forged)
        );
        for at in 0..query.len() {
            let mut changed = query.clone();
            // Every digit of every value counts; so does each value's absence.
            let last = changed[at].1.pop().unwrap();
            changed[at].1.push(if last == '1' { '2' } else { '1' });
            assert_eq!(
                sealer.open(&grant.key, "one", 2, &changed, NOON),
                Err(Unsealed::Forged),
                "{:?}",
                changed[at]
            );
            changed.remove(at);
            assert_eq!(sealer.open(&grant.key, "one", 2, &changed, NOON), Err(Unsealed::Forged));
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert!(!format!("{:?}", Sealer::new([0xab; SEAL_KEY_BYTES])).contains("171"));
    }
}
