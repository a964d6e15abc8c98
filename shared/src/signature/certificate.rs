//! X.509 certificates, as far as signatures of images ask for them.

use base64ct::{Base64, Encoding as _};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use super::key::PublicKey;
use super::{HashMethod, Hashing};
use crate::time::Timestamp;

/// A certificate that was read.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    /// The part that is signed, to the byte.
    signed: Vec<u8>,
    content: x509_cert::Certificate,
}

/// What a certificate may do for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// How many authorities there may be between it and who it vouches for in the end.
    pub(super) path_length: Option<u8>,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

impl Certificate {
    /// Reads one in DER, or the first of a text in PEM.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        match str::from_utf8(bytes).ok().filter(|text| text.contains(BEGIN)) {
            Some(text) => Self::from_pem(text.split_once(BEGIN).map_or("", |(_, rest)| rest)),
            None => Self::from_der(bytes.to_vec()),
        }
    }

    /// Reads every certificate of a text in PEM; what stands between them counts for nothing.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be read.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let each = text.split(BEGIN).skip(1).enumerate();
        each.map(|(at, rest)| Self::from_pem(rest).map_err(|why| format!("certificate {} {why}", at + 1)))
            .collect()
    }

    /// What follows the first line.
    fn from_pem(rest: &str) -> Result<Self, String> {
        let (body, _) = rest.split_once(END).ok_or("has no end")?;
        let body: String = body.split_ascii_whitespace().collect();
        Self::from_der(Base64::decode_vec(&body).map_err(|_| "is no base64")?)
    }

    fn from_der(der: Vec<u8>) -> Result<Self, String> {
        let malformed = |_| "is no X.509 certificate".to_owned();
        let content = x509_cert::Certificate::from_der(&der).map_err(malformed)?;
        let outer = AnyRef::from_der(&der).map_err(malformed)?;
        let signed = SliceReader::new(outer.value()).and_then(|mut reader| reader.tlv_bytes());
        let signed = signed.map_err(malformed)?.to_vec();
        Ok(Self { der, signed, content })
    }

    /// It, in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it is good at a time; if not, why.
    ///
    /// # Errors
    /// That it is not yet or no longer.
    pub(super) fn is_valid_at(&self, now: Timestamp) -> Result<(), String> {
        let validity = self.content.tbs_certificate().validity();
        let at = |time: x509_cert::time::Time| Timestamp::from_microseconds(0).plus(time.to_unix_duration());
        let (from, until) = (at(validity.not_before), at(validity.not_after));
        if now < from {
            return Err(format!("is not valid before {from}"));
        }
        // It is good for the whole of its last second.
        if now.whole_seconds() > until {
            return Err(format!("has expired at {until}"));
        }
        Ok(())
    }

    pub(super) fn key(&self) -> Result<PublicKey, String> {
        PublicKey::read(self.content.tbs_certificate().subject_public_key_info())
    }

    /// What it may do for others, if it may vouch for them at all.
    pub(super) fn authority(&self) -> Option<Authority> {
        let content = self.content.tbs_certificate();
        let (_, constraints) = content.get_extension::<BasicConstraints>().ok()??;
        let (_, usage) = content.get_extension::<KeyUsage>().ok()??;
        let is_one = constraints.ca && usage.key_cert_sign();
        is_one.then_some(Authority { path_length: constraints.path_len_constraint })
    }

    /// Whether another vouches for it: by name, and by its signature.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        let (own, others) = (self.content.tbs_certificate(), issuer.content.tbs_certificate());
        if own.issuer() != others.subject() {
            return false;
        }
        let (Some(method), Ok(key)) = (self.signed_with(), issuer.key()) else { return false };
        let mut hashing = Hashing::new(method);
        hashing.update(&self.signed);
        key.has_issued(method, &hashing.finish(), self.content.signature().raw_bytes())
    }

    /// How it was hashed to be signed: by SHA-2, whatever the key, or else by nothing that is taken.
    fn signed_with(&self) -> Option<HashMethod> {
        let methods = [
            // RFC 4055, RFC 5758, NIST's own arc for DSA.
            ("1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1", "2.16.840.1.101.3.4.3.1", HashMethod::Sha224),
            ("1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.3.2", HashMethod::Sha256),
            ("1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3", "2.16.840.1.101.3.4.3.3", HashMethod::Sha384),
            ("1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4", "2.16.840.1.101.3.4.3.4", HashMethod::Sha512),
        ];
        let said = self.content.signature_algorithm().oid;
        let is = |oid: &str| ObjectIdentifier::new(oid).is_ok_and(|oid| oid == said);
        methods.into_iter().find(|(rsa, ecdsa, dsa, _)| is(rsa) || is(ecdsa) || is(dsa)).map(|found| found.3)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}
