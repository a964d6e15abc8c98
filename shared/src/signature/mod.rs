//! Signed images: whether an image says that it is signed, and whether its data is what was signed.
//!
//! Four properties say it, as Glance has them; with fewer there is nothing to verify. The feature `signatures` brings what
//! verifies: keys, certificates, and the authorities that vouch for them. Nothing here reads, writes or asks anybody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

#[cfg(feature = "signatures")]
mod certificate;
#[cfg(feature = "signatures")]
mod chain;
#[cfg(feature = "signatures")]
mod declared;
#[cfg(feature = "signatures")]
mod hash;
#[cfg(feature = "signatures")]
mod key;
#[cfg(all(feature = "signatures", any(test, feature = "contract")))]
pub mod properties;
#[cfg(feature = "signatures")]
mod verifier;

#[cfg(feature = "signatures")]
pub use certificate::Certificate;
#[cfg(feature = "signatures")]
pub use chain::Authorities;
#[cfg(feature = "signatures")]
pub use declared::{Declared, HashMethod, KeyType};
#[cfg(feature = "signatures")]
pub use hash::Hashing;
#[cfg(feature = "signatures")]
pub use verifier::Verifier;

use crate::error::Result;
use crate::image::Digests;

/// Property: the signature, in base64.
pub const SIGNATURE: &str = "img_signature";
/// Property: how the data is hashed before it is signed.
pub const HASH_METHOD: &str = "img_signature_hash_method";
/// Property: what kind of key has signed it.
pub const KEY_TYPE: &str = "img_signature_key_type";
/// Property: the id that the key manager knows the signer's certificate by.
pub const CERTIFICATE: &str = "img_signature_certificate_uuid";

/// What an image's properties say of its signature, when they say all of it.
pub fn said(properties: &BTreeMap<String, String>) -> Option<Said<'_>> {
    let of = |name| properties.get(name).map(String::as_str);
    Some(Said {
        signature: of(SIGNATURE)?,
        hash_method: of(HASH_METHOD)?,
        key_type: of(KEY_TYPE)?,
        certificate: of(CERTIFICATE)?,
    })
}

/// The four properties, as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// [`SIGNATURE`].
    pub signature: &'a str,
    /// [`HASH_METHOD`].
    pub hash_method: &'a str,
    /// [`KEY_TYPE`].
    pub key_type: &'a str,
    /// [`CERTIFICATE`].
    pub certificate: &'a str,
}

/// Why a signature is not taken: the property at fault, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature verification failed: {property}: {why}")]
pub struct SignatureError {
    property: &'static str,
    why: String,
}

impl SignatureError {
    /// Blames a property.
    pub fn new(property: &'static str, why: impl fmt::Display) -> Self {
        Self { property, why: why.to_string() }
    }
}

impl From<SignatureError> for crate::Error {
    fn from(error: SignatureError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Takes data in, in order, for a digest of it.
pub trait Digesting: fmt::Debug + Send {
    /// Takes the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// What another process goes on from ([`Verify::resume`]), in some hundred bytes.
    fn save(&self) -> Vec<u8>;

    /// The digest of all bytes taken.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// Decides, once all data is there, whether it is what was signed.
pub trait Verify: fmt::Debug + Send + Sync {
    /// What has to see the data, when the digests that every image gets are not enough.
    fn digesting(&self) -> Option<Box<dyn Digesting>>;

    /// Goes on from what [`Digesting::save`] gave; nothing when it is anything else.
    fn resume(&self, saved: &[u8]) -> Option<Box<dyn Digesting>>;

    /// What another process makes the same of ([`resume`]), in some kilobytes of text: the signature that is verified is then
    /// the one that was there, and its certificate the one that was good, when the first byte came.
    fn save(&self) -> String;

    /// Takes the data, by the digests that every image gets and the one of [`Self::digesting`], or says why not. Takes some
    /// milliseconds.
    ///
    /// # Errors
    /// `Invalid` when the data is not what was signed; `Internal` without the digest it needs.
    fn verify(&self, digests: &Digests, digest: Option<&[u8]>) -> Result<()>;
}

/// Makes of what [`Verify::save`] gave the same again; nothing when it is anything else.
#[cfg(feature = "signatures")]
pub fn resume(saved: &str) -> Option<Arc<dyn Verify>> {
    Some(Arc::new(Verifier::resume(saved)?))
}

/// Nothing: what verifies is not built in.
#[cfg(not(feature = "signatures"))]
pub fn resume(_: &str) -> Option<Arc<dyn Verify>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_signed_when_all_four_properties_say_so() {
        let all = [SIGNATURE, HASH_METHOD, KEY_TYPE, CERTIFICATE];
        let of = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        let properties: BTreeMap<_, _> = of(&all);
        let said_of_all = said(&properties).unwrap();
        assert_eq!(
            [said_of_all.signature, said_of_all.hash_method, said_of_all.key_type, said_of_all.certificate],
            all
        );
        for missing in all {
            let three: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
            assert_eq!(said(&of(&three)), None, "{missing}");
        }
    }
}
