//! Leave to read an object without a token, and the seal by which the gateway itself gives it.

use super::seal::{Sealer, Unsealed, bytes};
use super::{FileName, ObjectKey};
use crate::hexadecimal;
use crate::time::Timestamp;

/// Leave to read one whole object, or ranges of it, until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadGrant {
    /// The object.
    pub key: ObjectKey,
    /// What it is saved as.
    pub file_name: FileName,
    /// MD5 of it, in hexadecimal, if it is known.
    pub md5: Option<String>,
    /// Not after this time.
    pub until: Timestamp,
}

impl Sealer {
    /// The query of a URL that gives this leave. What the path says of it, the key, is not repeated.
    pub fn read_query(&self, grant: &ReadGrant) -> String {
        let md5 = grant.md5.as_ref().map(|md5| format!("&md5={md5}")).unwrap_or_default();
        let signature = hexadecimal::encode(&self.mac(&said(grant)));
        let (until, name) = (grant.until.microseconds(), grant.file_name.in_query());
        format!("expires={until}&filename={name}{md5}&signature={signature}")
    }

    /// The leave to read that a path and a query give.
    ///
    /// # Errors
    /// [`Unsealed`] when they give none, or no more.
    pub fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, Unsealed> {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let until = value("expires").and_then(|text| text.parse().ok()).ok_or(Unsealed::Forged)?;
        let grant = ReadGrant {
            key: key.clone(),
            file_name: FileName::of(value("filename").unwrap_or_default(), key.image().as_str()),
            md5: value("md5").map(str::to_owned),
            until: Timestamp::from_microseconds(until),
        };
        self.verify(&said(&grant), &bytes(value("signature").unwrap_or_default())?)?;
        if now >= grant.until { Err(Unsealed::Expired) } else { Ok(grant) }
    }
}

/// A grant as it is sealed. No line of it can hold the end of a line but the last.
fn said(grant: &ReadGrant) -> String {
    let ReadGrant { key, file_name, md5, until } = grant;
    let md5 = md5.as_deref().unwrap_or_default().replace('\n', " ");
    format!("glint read 1\n{key}\n{}\n{md5}\n{}", until.microseconds(), file_name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, Ulid};
    use crate::store::SEAL_KEY_BYTES;

    const NOON: Timestamp = Timestamp::from_microseconds(1_000_000);

    fn pairs(query: &str) -> Vec<(String, String)> {
        let pair = |pair: &str| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        query.split('&').filter_map(pair).collect()
    }

    #[test]
    fn leave_to_read_is_good_for_what_it_was_given_for_and_for_nothing_else() {
        let sealer = Sealer::new([7; SEAL_KEY_BYTES]);
        let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
        let grant = ReadGrant {
            key: key.clone(),
            file_name: FileName::of("web.img", "id"),
            md5: Some("781e5e245d69b566979b86e28d23f2c7".to_owned()),
            until: Timestamp::from_microseconds(2_000_000),
        };
        let query = pairs(&sealer.read_query(&grant));
        assert_eq!(sealer.open_read(&key, &query, NOON).unwrap(), grant);
        let other = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 2));
        assert_eq!(sealer.open_read(&other, &query, NOON), Err(Unsealed::Forged));
        assert_eq!(sealer.open_read(&key, &query, grant.until), Err(Unsealed::Expired));
        let stranger = Sealer::new([8; SEAL_KEY_BYTES]);
        assert_eq!(stranger.open_read(&key, &query, NOON), Err(Unsealed::Forged));
        for at in 0..query.len() {
            let mut changed = query.clone();
            let last = changed[at].1.pop().unwrap();
            changed[at].1.push(if last == '1' { '2' } else { '1' });
            assert_eq!(sealer.open_read(&key, &changed, NOON), Err(Unsealed::Forged), "{:?}", changed[at]);
            changed.remove(at);
            assert_eq!(sealer.open_read(&key, &changed, NOON), Err(Unsealed::Forged));
        }
    }
}
