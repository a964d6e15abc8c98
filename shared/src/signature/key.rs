//! Public keys, as certificates hold them, and what they say of a signature.

use dsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::signature::hazmat::PrehashVerifier;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Encode as _};

use super::{HashMethod, KeyType};

/// A key that verifies.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    Rsa(RsaPublicKey),
    Dsa(dsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Enough for RSA of 8192 bits and DSA of 4096. What a longer key costs is for its sender to decide, and so not allowed.
const MAX_KEY_BYTES: usize = 2048;

impl PublicKey {
    /// Reads a certificate's key.
    pub(super) fn read(info: &x509_cert::spki::SubjectPublicKeyInfoOwned) -> Result<Self, String> {
        let der = info.to_der().map_err(|_| "has a key that cannot be read")?;
        if der.len() > MAX_KEY_BYTES {
            return Err(format!("has a key of more than {MAX_KEY_BYTES} bytes"));
        }
        let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| "has a key that cannot be read")?;
        let curve = info.algorithm.parameters_oid().ok();
        let key = match (info.algorithm.oid, curve) {
            (RSA | RSA_PSS, _) => {
                let bits = info.subject_public_key.raw_bytes();
                RsaPublicKey::from_pkcs1_der(bits).ok().map(Self::Rsa)
            }
            (DSA, _) => dsa_key(info).map(Self::Dsa),
            (EC, Some(P256)) => p256::ecdsa::VerifyingKey::try_from(info).ok().map(Self::P256),
            (EC, Some(P384)) => p384::ecdsa::VerifyingKey::try_from(info).ok().map(Self::P384),
            (EC, Some(P521)) => p521::ecdsa::VerifyingKey::try_from(info).ok().map(Self::P521),
            (kind, curve) => {
                let curve = curve.map(|curve| format!(" on curve {curve}")).unwrap_or_default();
                return Err(format!("has a key of a kind that is not known here ({kind}{curve})"));
            }
        };
        // RSA of less than 1024 bits, a point that is on no curve.
        key.ok_or_else(|| "has a malformed key, or one of a size that is not taken".to_owned())
    }

    /// Whether it is of the kind that an image names.
    pub(super) fn is(&self, kind: KeyType) -> bool {
        match kind {
            KeyType::RsaPss => matches!(self, Self::Rsa(_)),
            KeyType::Dsa => matches!(self, Self::Dsa(_)),
            KeyType::EccSecp384r1 => matches!(self, Self::P384(_)),
            KeyType::EccSecp521r1 => matches!(self, Self::P521(_)),
        }
    }

    /// Whether it has signed an image whose data has this digest. RSA is PSS, with a salt of any length: signers take the
    /// longest, and OpenSSL, by which Glance verifies, any.
    pub(super) fn has_signed(&self, method: HashMethod, digest: &[u8], signature: &[u8]) -> bool {
        let Self::Rsa(key) = self else { return self.has_signed_digest(digest, signature) };
        macro_rules! pss {
            ($hash:ty) => {
                key.verify(Pss::<$hash> { salt_len: None, ..Pss::new() }, digest, signature).is_ok()
            };
        }
        match method {
            HashMethod::Sha224 => pss!(Sha224),
            HashMethod::Sha256 => pss!(Sha256),
            HashMethod::Sha384 => pss!(Sha384),
            HashMethod::Sha512 => pss!(Sha512),
        }
    }

    /// Whether it has signed a certificate whose signed part has this digest. RSA is PKCS #1 v1.5.
    pub(super) fn has_issued(&self, method: HashMethod, digest: &[u8], signature: &[u8]) -> bool {
        let Self::Rsa(key) = self else { return self.has_signed_digest(digest, signature) };
        let scheme = match method {
            HashMethod::Sha224 => Pkcs1v15Sign::new::<Sha224>(),
            HashMethod::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            HashMethod::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            HashMethod::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        };
        key.verify(scheme, digest, signature).is_ok()
    }

    /// Whether it is by a key whose signatures carry no mark of the hash.
    fn has_signed_digest(&self, digest: &[u8], signature: &[u8]) -> bool {
        fn verified<S>(key: &impl PrehashVerifier<S>, digest: &[u8], signature: Option<S>) -> bool {
            signature.is_some_and(|signature| key.verify_prehash(digest, &signature).is_ok())
        }
        match self {
            Self::Rsa(_) => false,
            Self::Dsa(key) => verified(key, digest, dsa::Signature::try_from(signature).ok()),
            Self::P256(key) => verified(key, digest, p256::ecdsa::Signature::from_der(signature).ok()),
            Self::P384(key) => verified(key, digest, p384::ecdsa::Signature::from_der(signature).ok()),
            Self::P521(key) => verified(key, digest, p521::ecdsa::Signature::from_der(signature).ok()),
        }
    }
}

/// A DSA key, if its numbers are as wide as its prime, in words: the library panics where they are not. A number of a good key
/// that begins with a word of zeros, one in 2^64, is refused with them.
fn dsa_key(info: SubjectPublicKeyInfoRef<'_>) -> Option<dsa::VerifyingKey> {
    let components: dsa::Components = info.algorithm.parameters_any().ok()?.decode_as().ok()?;
    let public = UintRef::from_der(info.subject_public_key.as_bytes()?).ok()?;
    let words = components.p().bits_precision() / u64::BITS;
    let is_as_wide = components.g().bits_precision() / u64::BITS == words
        && u32::try_from(public.as_bytes().len().div_ceil(size_of::<u64>())) == Ok(words);
    is_as_wide.then(|| dsa::VerifyingKey::try_from(info).ok()).flatten()
}
