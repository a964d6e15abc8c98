//! Leave: requests signed by a key of the account (Shared Key), signatures that others made, and URLs by which anybody reads one
//! object (service SAS).

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH, RANGE};
use http::{HeaderMap, HeaderName, Method};
use sha2::Sha256;

use super::Inner;
use super::account::VERSION;
use crate::adapters::objects::asking::told;
use crate::error::Cause;
use crate::ports::StoreError;
use crate::store::ReadGrant;
use crate::text::escaped;
use crate::time::Timestamp;

/// What may stand in a query as it is.
pub(super) const IN_A_QUERY: &[u8] = b"-._~";

/// A key of the account. It is not shown.
#[derive(Clone)]
pub struct AccountKey(Vec<u8>);

impl AccountKey {
    /// Reads it, as Azure shows it: base 64.
    ///
    /// # Errors
    /// When it is not; the text does not tell it.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "the key of the account is not base 64")?;
        Ok(Self(bytes))
    }

    /// The signature of a text, in base 64.
    fn sign(&self, said: &str) -> Result<String, Cause> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|error| error.to_string())?;
        mac.update(said.as_bytes());
        Ok(STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The header that says who asks. `path` is the whole path of the URL, `query` its pairs, sorted by name and not escaped.
    pub(super) fn authorization(
        &self,
        account: &str,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        headers: &HeaderMap,
    ) -> Result<String, Cause> {
        let header = |name: &HeaderName| told(headers, name).unwrap_or_default();
        // Without a body the length is left out, whatever the header says.
        let length = Some(header(&CONTENT_LENGTH)).filter(|length| *length != "0").unwrap_or_default();
        let (content_type, none_match, range) =
            (header(&CONTENT_TYPE), header(&IF_NONE_MATCH), header(&RANGE));
        let mut own: Vec<_> = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-")).collect();
        own.sort_by_key(|(name, _)| name.as_str());
        let mut said = format!("{method}\n\n\n{length}\n\n{content_type}\n\n\n\n{none_match}\n\n{range}\n");
        for (name, value) in own {
            writeln!(said, "{name}:{}", value.to_str()?)?;
        }
        write!(said, "/{account}{path}")?;
        for (name, value) in query {
            write!(said, "\n{name}:{value}")?;
        }
        Ok(format!("SharedKey {account}:{}", self.sign(&said)?))
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A shared access signature, as Azure gives it out: the query of a URL. It is not shown.
#[derive(Clone)]
pub struct SasToken(String);

impl SasToken {
    /// Takes it, with or without `?` before it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().trim_start_matches('?').to_owned())
    }

    /// As it stands in a URL.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Inner {
    /// The URL by which anybody reads an object until the grant ends; `None` without a key.
    pub(super) fn signed_read(&self, grant: &ReadGrant) -> Result<Option<String>, StoreError> {
        let Some((account, key)) = self.account.key() else { return Ok(None) };
        let (until, plain) = (seconds(grant.until), self.names.plain(&grant.key));
        let disposition = grant.file_name.disposition();
        let content_type = "application/octet-stream";
        // Leave, begin, end, what, policy, addresses, protocol, version, kind, snapshot, scope of encryption, and five headers.
        let said = format!(
            "r\n\n{until}\n/blob/{account}{plain}\n\n\n\n{VERSION}\nb\n\n\n\n{disposition}\n\n\n{content_type}"
        );
        let signature = key.sign(&said).map_err(StoreError::Failed)?;
        let value = |text: &str| escaped(text, IN_A_QUERY);
        Ok(Some(format!(
            "{}{}?sv={VERSION}&sr=b&sp=r&se={}&rscd={}&rsct={}&sig={}",
            self.public_endpoint,
            self.names.object(&grant.key),
            value(&until),
            value(&disposition),
            value(content_type),
            value(&signature),
        )))
    }
}

/// Whole seconds are what a URL can say.
fn seconds(time: Timestamp) -> String {
    time.to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_request_is_signed_as_azure_reads_it() {
        // The account and key that every emulator has.
        let key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
        let key = AccountKey::parse(key).unwrap();
        assert_eq!(format!("{key:?}{:?}", SasToken::new("?sig=x")), "……");
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-ms-version"), HeaderValue::from_static("2021-12-02")),
            (HeaderName::from_static("x-ms-date"), HeaderValue::from_static("Thu, 01 Oct 2026 08:00:00 GMT")),
            (CONTENT_LENGTH, HeaderValue::from_static("0")),
            (RANGE, HeaderValue::from_static("bytes=0-1")),
        ]);
        let query = [("blocklisttype", "all"), ("comp", "blocklist")];
        let signed =
            |path| key.authorization("devstoreaccount1", &Method::GET, path, &query, &headers).unwrap();
        let said = "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-1\nx-ms-date:Thu, 01 Oct 2026 08:00:00 GMT\nx-ms-version:2021-12-02\n\
                    /devstoreaccount1/devstoreaccount1/c/b\nblocklisttype:all\ncomp:blocklist";
        assert_eq!(
            signed("/devstoreaccount1/c/b"),
            format!("SharedKey devstoreaccount1:{}", key.sign(said).unwrap())
        );
        assert_ne!(signed("/devstoreaccount1/c/b"), signed("/devstoreaccount1/c/d"));
        assert!(AccountKey::parse("not base 64").is_err());
    }
}
