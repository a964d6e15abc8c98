//! URLs by which anybody reads an object (TempURL).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use super::account::Account;
use super::names::Names;
use crate::hexadecimal;
use crate::ports::StoreError;
use crate::store::ReadGrant;

/// What URLs are signed by: a key of the container or of its account. It is not shown.
#[derive(Clone)]
pub struct TempUrlKey {
    key: String,
    digest: TempUrlDigest,
}

/// How URLs are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TempUrlDigest {
    /// What Swift wants.
    #[default]
    Sha256,
    /// All that Ceph knew before 17.
    Sha1,
}

impl TempUrlKey {
    /// Takes it.
    pub fn new(key: impl Into<String>, digest: TempUrlDigest) -> Self {
        Self { key: key.into(), digest }
    }

    /// The key, for the server alone.
    pub(super) fn reveal(&self) -> &str {
        &self.key
    }

    fn sign(&self, said: &str) -> String {
        let key = self.key.as_bytes();
        let signed = match self.digest {
            TempUrlDigest::Sha256 => Hmac::<Sha256>::new_from_slice(key).map(|mut mac| {
                mac.update(said.as_bytes());
                hexadecimal::encode(&mac.finalize().into_bytes())
            }),
            TempUrlDigest::Sha1 => Hmac::<Sha1>::new_from_slice(key).map(|mut mac| {
                mac.update(said.as_bytes());
                hexadecimal::encode(&mac.finalize().into_bytes())
            }),
        };
        // A key of HMAC may have any length.
        signed.unwrap_or_default()
    }
}

impl fmt::Debug for TempUrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TempUrlKey").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// Signs the reading of an object.
pub(super) async fn sign(
    account: &Account,
    names: &Names,
    key: &TempUrlKey,
    grant: &ReadGrant,
) -> Result<String, StoreError> {
    let (origin, path) = account.public().await?;
    let until = grant.until.microseconds().div_euclid(1_000_000);
    let signature = key.sign(&format!("GET\n{until}\n{path}{}", names.plain(&grant.key)));
    let (object, name) = (names.object(&grant.key), grant.file_name.in_query());
    Ok(format!("{origin}{path}{object}?temp_url_sig={signature}&temp_url_expires={until}&filename={name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn signatures_are_hmacs() {
        let said = "what do ya want for nothing?";
        for (digest, signed) in [
            (TempUrlDigest::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (TempUrlDigest::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ] {
            assert_eq!(TempUrlKey::new("Jefe", digest).sign(said), signed);
        }
        assert!(!format!("{:?}", TempUrlKey::new("Jefe", TempUrlDigest::Sha1)).contains("Jefe"));
    }
}
