//! A signature to be verified: what an image declares, and the key of its signer.

use base64ct::{Base64, Encoding as _};
use serde::{Deserialize, Serialize};

use super::key::PublicKey;
use super::{
    Authorities, CERTIFICATE, Certificate, Declared, Digesting, HashMethod, Hashing, KEY_TYPE, SIGNATURE,
    Said, SignatureError, Verify,
};
use crate::error::{Error, Result};
use crate::hexadecimal;
use crate::image::Digests;
use crate::time::Timestamp;

/// Verifies one image.
#[derive(Clone, Debug)]
pub struct Verifier {
    declared: Declared,
    certificate: Certificate,
    key: PublicKey,
}

/// A verifier as text: the properties that were read, and the certificate that was found.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    signature: String,
    hash_method: String,
    key_type: String,
    certificate_uuid: String,
    certificate: String,
}

impl Verifier {
    /// Takes the signer's certificate, in DER or PEM, if it is good now, is vouched for by the authorities, where there are
    /// some, and is of the key that the image names. Takes some milliseconds.
    ///
    /// # Errors
    /// What is wrong with the certificate.
    pub fn new(
        declared: Declared,
        certificate: &[u8],
        authorities: Option<&Authorities>,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        let id = declared.certificate.clone();
        let of = |why: String| SignatureError::new(CERTIFICATE, format!("certificate {id} {why}"));
        let certificate = Certificate::read(certificate).map_err(of)?;
        certificate.is_valid_at(now).map_err(of)?;
        if let Some(authorities) = authorities {
            authorities.vouch(&certificate, now).map_err(of)?;
        }
        Self::of(declared, certificate)
    }

    fn of(declared: Declared, certificate: Certificate) -> Result<Self, SignatureError> {
        let id = &declared.certificate;
        let key = certificate.key();
        let key = key.map_err(|why| SignatureError::new(CERTIFICATE, format!("certificate {id} {why}")))?;
        if !key.is(declared.key_type) {
            let why = format!("certificate {id} is of no {} key", declared.key_type.name());
            return Err(SignatureError::new(KEY_TYPE, why));
        }
        Ok(Self { declared, certificate, key })
    }

    /// How the data is hashed.
    pub fn hash_method(&self) -> HashMethod {
        self.declared.hash_method
    }

    /// Takes data by its digest. Takes some milliseconds.
    ///
    /// # Errors
    /// That it is not what was signed.
    pub fn verify_digest(&self, digest: &[u8]) -> Result<(), SignatureError> {
        let Declared { signature, hash_method, certificate, .. } = &self.declared;
        if self.key.has_signed(*hash_method, digest, signature) {
            return Ok(());
        }
        let why = format!("the data is not what the key of certificate {certificate} has signed");
        Err(SignatureError::new(SIGNATURE, why))
    }

    /// As [`Verify::save`].
    pub fn save(&self) -> String {
        let saved = Saved {
            signature: Base64::encode_string(&self.declared.signature),
            hash_method: self.declared.hash_method.name().to_owned(),
            key_type: self.declared.key_type.name().to_owned(),
            certificate_uuid: self.declared.certificate.to_string(),
            certificate: Base64::encode_string(self.certificate.der()),
        };
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Goes on from what [`Self::save`] gave; nothing when it is anything else.
    pub fn resume(saved: &str) -> Option<Self> {
        let saved: Saved = serde_json::from_str(saved).ok()?;
        let declared = Declared::read(&Said {
            signature: &saved.signature,
            hash_method: &saved.hash_method,
            key_type: &saved.key_type,
            certificate: &saved.certificate_uuid,
        });
        let certificate = Certificate::read(&Base64::decode_vec(&saved.certificate).ok()?).ok()?;
        Self::of(declared.ok()?, certificate).ok()
    }
}

impl Verify for Verifier {
    /// SHA-512 every image gets anyway.
    fn digesting(&self) -> Option<Box<dyn Digesting>> {
        let method = self.hash_method();
        (method != HashMethod::Sha512).then(|| Box::new(Hashing::new(method)) as Box<dyn Digesting>)
    }

    fn resume(&self, saved: &[u8]) -> Option<Box<dyn Digesting>> {
        Some(Box::new(Hashing::resume(self.hash_method(), saved)?))
    }

    fn save(&self) -> String {
        Self::save(self)
    }

    fn verify(&self, digests: &Digests, digest: Option<&[u8]>) -> Result<()> {
        let sha512 = match self.hash_method() {
            HashMethod::Sha512 => hexadecimal::decode(&digests.sha512),
            _ => None,
        };
        let digest = sha512.as_deref().or(digest);
        Ok(self.verify_digest(digest.ok_or_else(|| Error::internal("a signed image without its digest"))?)?)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
