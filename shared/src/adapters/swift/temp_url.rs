//! URLs by which anybody reads an object (`TempURL`).

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::account::Account;
use super::names::Names;
use crate::hexadecimal;
use crate::ports::StoreError;
use crate::store::ReadGrant;

/// What URLs are signed by: a key of the container or of its account. It is not shown.
#[derive(Clone)]
pub struct TempUrlKey(String);

impl TempUrlKey {
    /// Takes it.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key, for the server alone.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn sign(&self, said: &str) -> Result<String, StoreError> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes());
        let mut mac = mac.map_err(|error| StoreError::Failed(error.to_string().into()))?;
        mac.update(said.as_bytes());
        Ok(hexadecimal::encode(&mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for TempUrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
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
    let signature = key.sign(&format!("GET\n{until}\n{path}{}", names.plain(&grant.key)))?;
    let (object, name) = (names.object(&grant.key), grant.file_name.in_query());
    Ok(format!("{origin}{path}{object}?temp_url_sig={signature}&temp_url_expires={until}&filename={name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_signature_is_an_hmac_of_sha_256() {
        let key = TempUrlKey::new("Jefe");
        let signed = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(key.sign("what do ya want for nothing?").unwrap(), signed);
        assert!(!format!("{key:?}").contains("Jefe"));
    }
}
