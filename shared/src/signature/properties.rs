//! What holds for anything that calls itself a certificate, a signature or a saved verifier: the bodies of property tests and of
//! fuzz targets.

use base64ct::{Base64, Encoding as _};
use serde_json::Value;

use super::{Authorities, Certificate, Declared, HashMethod, Said, Verifier};
use crate::store::properties::patched;
use crate::time::Timestamp;

/// Keys and certificates that are well formed.
const VECTORS: &str = include_str!("vectors.json");

const ID: &str = "1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab";

/// The certificates to begin with, in DER.
pub fn certificates() -> Vec<Vec<u8>> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap_or_default();
    let texts = vectors.get("certificates").and_then(Value::as_object).into_iter().flatten();
    texts
        .filter_map(|(_, pem)| Certificate::read(pem.as_str()?.as_bytes()).ok())
        .map(|certificate| certificate.der().to_vec())
        .collect()
}

/// Any bytes are a certificate or none, with a reason in a line. One that is read is the same when it is read again, and
/// whatever it says of itself is judged.
pub fn any_certificate_is_judged(bytes: &[u8]) {
    let now = Timestamp::from_microseconds(1_790_000_000_000_000);
    match Certificate::read(bytes) {
        Ok(certificate) => {
            assert_eq!(Certificate::read(certificate.der()).as_ref(), Ok(&certificate));
            for why in [certificate.is_valid_at(now).err(), certificate.key().err()].into_iter().flatten() {
                is_a_line(&why);
            }
            let _ = certificate.authority();
            let _ = certificate.is_issued_by(&certificate);
        }
        Err(why) => is_a_line(&why),
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Err(why) = Authorities::read(text)
    {
        is_a_line(&why);
    }
}

/// Certificates that were written over are judged, as what has signed an image and as who vouches for it: the first byte chooses one.
/// What is taken verifies nothing but what was signed, and another process makes the same of it.
pub fn patched_certificates_are_judged(script: &[u8]) {
    let mut all = certificates();
    let Some((choice, script)) = script.split_first().filter(|_| !all.is_empty()) else { return };
    let chosen = all.swap_remove(usize::from(*choice) % all.len());
    let certificate = patched(chosen, script);
    any_certificate_is_judged(&certificate);
    let now = Timestamp::from_microseconds(1_790_000_000_000_000);
    for key_type in super::KeyType::ALL {
        let method = HashMethod::Sha256;
        let said = Said {
            signature: "AQID",
            hash_method: method.name(),
            key_type: key_type.name(),
            certificate: ID,
        };
        let Ok(declared) = Declared::read(&said) else { continue };
        match Verifier::new(declared, &certificate, None, now) {
            Ok(verifier) => {
                let saved = verifier.save();
                assert_eq!(Verifier::resume(&saved).map(|verifier| verifier.save()), Some(saved));
                assert!(verifier.verify_digest(&[7; 32]).is_err(), "three bytes are no signature");
            }
            Err(why) => is_a_line(&why.to_string()),
        }
    }
}

/// Any four properties are read or refused, and what is read says the same when it is told again: they are lines of the text.
pub fn any_declaration_is_read(text: &str) {
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let said = Said { signature: line(), hash_method: line(), key_type: line(), certificate: line() };
    let Ok(declared) = Declared::read(&said) else { return };
    let again = Declared::read(&Said {
        signature: &Base64::encode_string(&declared.signature),
        hash_method: declared.hash_method.name(),
        key_type: declared.key_type.name(),
        certificate: &declared.certificate.to_string(),
    });
    assert_eq!(again, Ok(declared));
}

/// Any text is a saved verifier or none; one that is, is saved as it is.
pub fn any_saved_verifier_is_gone_on_from(text: &str) {
    if let Some(verifier) = Verifier::resume(text) {
        let saved = verifier.save();
        assert_eq!(Verifier::resume(&saved).map(|verifier| verifier.save()), Some(saved));
    }
}

fn is_a_line(why: &str) {
    assert!(why.len() < 4096 && !why.contains(char::is_control), "{why:?}");
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_are_certificates_to_begin_with() {
        assert!(certificates().len() > 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn certificates_written_over(script in vec(any::<u8>(), 1..25)) {
            patched_certificates_are_judged(&script);
        }

        #[test]
        fn bytes(bytes in vec(any::<u8>(), 0..200)) {
            any_certificate_is_judged(&bytes);
        }

        #[test]
        fn declarations(text in "[A-Za-z0-9=]{0,9}\nSHA-(224|256|1)\n(DSA|RSA-PSS|rsa)\n(1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab|.{0,9})") {
            any_declaration_is_read(&text);
        }

        #[test]
        fn saved(script in vec(any::<u8>(), 0..12)) {
            let declared = Declared::read(&Said {
                signature: "AQID", hash_method: "SHA-224", key_type: "RSA-PSS", certificate: ID,
            }).unwrap();
            let now = Timestamp::from_microseconds(1_790_000_000_000_000);
            let saved = certificates().into_iter().find_map(|one| Verifier::new(declared.clone(), &one, None, now).ok());
            let saved = patched(saved.unwrap().save().into_bytes(), &script);
            any_saved_verifier_is_gone_on_from(&String::from_utf8_lossy(&saved));
        }
    }
}
