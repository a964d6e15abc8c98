//! What the four properties say, read once.

use base64ct::{Base64, Encoding as _};

use super::{CERTIFICATE, HASH_METHOD, KEY_TYPE, SIGNATURE, Said, SignatureError};
use crate::id::CertificateId;

/// How an image is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The signature.
    pub signature: Vec<u8>,
    /// How the data is hashed.
    pub hash_method: HashMethod,
    /// What kind of key has signed it.
    pub key_type: KeyType,
    /// Whose.
    pub certificate: CertificateId,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// As the property says it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == text)
            }
        }
    };
}

words! {
    /// How data is hashed before it is signed.
    HashMethod {
        /// SHA-224.
        Sha224 = "SHA-224",
        /// SHA-256.
        Sha256 = "SHA-256",
        /// SHA-384.
        Sha384 = "SHA-384",
        /// SHA-512.
        Sha512 = "SHA-512",
    }
}

words! {
    /// What kind of key has signed.
    KeyType {
        /// RSA with PSS, its mask made by the same hash.
        RsaPss = "RSA-PSS",
        /// DSA.
        Dsa = "DSA",
        /// ECDSA on NIST P-384.
        EccSecp384r1 = "ECC_SECP384R1",
        /// ECDSA on NIST P-521.
        EccSecp521r1 = "ECC_SECP521R1",
    }
}

/// Curves over binary fields, which the API names too.
const BINARY_CURVES: [&str; 4] = ["ECC_SECT571K1", "ECC_SECT409K1", "ECC_SECT571R1", "ECC_SECT409R1"];

impl Declared {
    /// Reads the properties.
    ///
    /// # Errors
    /// The first property that says nothing that can be verified.
    pub fn read(said: &Said<'_>) -> Result<Self, SignatureError> {
        let certificate = said.certificate.parse();
        Ok(Self {
            signature: decode(said.signature)?,
            hash_method: HashMethod::parse(said.hash_method).ok_or_else(|| {
                one_of(HASH_METHOD, &HashMethod::ALL.map(HashMethod::name), said.hash_method)
            })?,
            key_type: key_type(said.key_type)?,
            certificate: certificate.map_err(|_| {
                SignatureError::new(CERTIFICATE, format!("must be a UUID, not '{}'", said.certificate))
            })?,
        })
    }
}

fn key_type(text: &str) -> Result<KeyType, SignatureError> {
    if BINARY_CURVES.contains(&text) {
        let why = format!("'{text}' is a binary curve, which this service cannot verify");
        return Err(SignatureError::new(KEY_TYPE, why));
    }
    KeyType::parse(text).ok_or_else(|| one_of(KEY_TYPE, &KeyType::ALL.map(KeyType::name), text))
}

fn one_of(property: &'static str, names: &[&str], text: &str) -> SignatureError {
    SignatureError::new(property, format!("must be one of {}, not '{text}'", names.join(", ")))
}

/// Base64 as tools write it, in lines or in one.
fn decode(text: &str) -> Result<Vec<u8>, SignatureError> {
    let text: String = text.split_ascii_whitespace().collect();
    let decoded = Base64::decode_vec(&text).ok().filter(|signature| !signature.is_empty());
    decoded.ok_or_else(|| SignatureError::new(SIGNATURE, "must be base64 of a signature"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1a9eb1b2-2b4c-4a6e-8f0a-0123456789AB";

    fn said() -> Said<'static> {
        Said { signature: "AQID", hash_method: "SHA-224", key_type: "RSA-PSS", certificate: ID }
    }

    #[test]
    fn the_four_properties_are_read() {
        let declared = Declared::read(&Said { signature: "AQ\nID\r\n", ..said() }).unwrap();
        let expected = Declared {
            signature: vec![1, 2, 3],
            hash_method: HashMethod::Sha224,
            key_type: KeyType::RsaPss,
            certificate: ID.parse().unwrap(),
        };
        assert_eq!(declared, expected);
        for method in HashMethod::ALL {
            let declared = Declared::read(&Said { hash_method: method.name(), ..said() }).unwrap();
            assert_eq!(declared.hash_method, method);
        }
        for kind in KeyType::ALL {
            let declared = Declared::read(&Said { key_type: kind.name(), ..said() }).unwrap();
            assert_eq!(declared.key_type, kind);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_property() {
        for (wrong, told) in [
            (Said { signature: "AQI", ..said() }, "img_signature: must be base64 of a signature"),
            (Said { signature: "!", ..said() }, "img_signature: must be base64 of a signature"),
            (Said { signature: " ", ..said() }, "img_signature: must be base64 of a signature"),
            (
                Said { hash_method: "MD5", ..said() },
                "img_signature_hash_method: must be one of SHA-224, SHA-256, SHA-384, SHA-512, not 'MD5'",
            ),
            (
                Said { key_type: "rsa", ..said() },
                "img_signature_key_type: must be one of RSA-PSS, DSA, ECC_SECP384R1, ECC_SECP521R1, not 'rsa'",
            ),
            (
                Said { key_type: "ECC_SECT571K1", ..said() },
                "img_signature_key_type: 'ECC_SECT571K1' is a binary curve, which this service cannot verify",
            ),
            (
                Said { certificate: "../a", ..said() },
                "img_signature_certificate_uuid: must be a UUID, not '../a'",
            ),
        ] {
            let error = Declared::read(&wrong).unwrap_err();
            assert_eq!(error.to_string(), format!("signature verification failed: {told}"));
        }
        for curve in BINARY_CURVES {
            assert!(Declared::read(&Said { key_type: curve, ..said() }).is_err());
        }
    }
}
