//! Keys, certificates and signatures that Python's cryptography made and Glance's verifier found good (`vectors.json`, by
//! `tests/signatures/vectors.py`).

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::signature::said;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn data() -> Vec<u8> {
    (0..1000_u32).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-10-01T08:00:00Z").unwrap()
}

const ID: &str = "1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab";

/// The verifier of what an image says, by a certificate in PEM.
fn verifier(key_type: &str, method: &str, signature: &str, pem: &str) -> Result<Verifier, String> {
    told(key_type, method, signature, pem, None)
}

fn told(
    key_type: &str,
    method: &str,
    signature: &str,
    pem: &str,
    trusted: Option<&Authorities>,
) -> Result<Verifier, String> {
    let said = Said { signature, hash_method: method, key_type, certificate: ID };
    let declared = Declared::read(&said).map_err(|error| error.to_string())?;
    Verifier::new(declared, pem.as_bytes(), trusted, now()).map_err(|error| error.to_string())
}

/// The digests that every image gets.
fn told_to_all(sha512: &[u8]) -> Digests {
    let hexadecimal = |digest: &[u8]| {
        digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    Digests { md5: String::new(), sha512: hexadecimal(sha512) }
}

/// What an upload of these bytes, cut so, would be told.
fn taken(verifier: &Verifier, pieces: &[&[u8]]) -> bool {
    let mut digesting = verifier.digesting();
    let mut sha512 = Hashing::new(HashMethod::Sha512);
    for piece in pieces {
        sha512.update(piece);
        if let Some(digesting) = &mut digesting {
            digesting.update(piece);
        }
    }
    match verifier.verify(&told_to_all(&sha512.finish()), digesting.map(Digesting::finish).as_deref()) {
        Ok(()) => true,
        Err(Error::Invalid(why)) => {
            assert!(
                why.starts_with("signature verification failed: img_signature: the data is not"),
                "{why}"
            );
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Every signature there is: its certificate's label, its key type, its hash, itself.
fn each_signature(vectors: &Value) -> Vec<[&str; 4]> {
    let each = vectors["signatures"].as_array().unwrap().iter();
    each.map(|one| ["certificate", "key_type", "hash", "signature"].map(|name| text(&one[name]))).collect()
}

#[test]
fn data_is_taken_as_it_was_signed_by_every_key_and_hash_and_otherwise_not() {
    let (vectors, data) = (vectors(), data());
    let mut tampered = data.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let mut seen = 0;
    for [label, key_type, method, signature] in each_signature(&vectors) {
        let verifier = verifier(key_type, method, signature, text(&vectors["certificates"][label])).unwrap();
        assert!(taken(&verifier, &[&data]), "{label} {method}");
        for wrong in [&tampered[..], &data[1..], &data[..999], b""] {
            assert!(!taken(&verifier, &[wrong]), "{label} {method}");
        }
        let resumed = Verifier::resume(&verifier.save()).unwrap();
        assert!(taken(&resumed, &[&data]) && !taken(&resumed, &[&tampered]), "{label} {method}");
        seen += 1;
    }
    assert_eq!(seen, 6 * HashMethod::ALL.len());
}

/// As data is verified that lies in a bucket already, and is read in several runs of a function: each begins with what the one
/// before it has left, and only the last has the digests.
#[test]
fn data_is_verified_over_as_many_runs_as_reading_it_takes() {
    let (vectors, data) = (vectors(), data());
    for [label, key_type, method, signature] in each_signature(&vectors) {
        if label != "p384" {
            continue;
        }
        let first = verifier(key_type, method, signature, text(&vectors["certificates"][label])).unwrap();
        for tampered in [false, true] {
            let mut left = (Verify::save(&first), first.digesting().map(|digesting| digesting.save()));
            for run in data.chunks(300) {
                let verifier = crate::signature::resume(&left.0).unwrap();
                let mut digesting = left.1.as_deref().map(|saved| verifier.resume(saved).unwrap());
                if let Some(digesting) = &mut digesting {
                    digesting.update(run);
                    digesting.update(if tampered { b"x" } else { b"" });
                }
                left = (verifier.save(), digesting.map(|digesting| digesting.save()));
            }
            let mut sha512 = Hashing::new(HashMethod::Sha512);
            sha512.update(&data);
            sha512.update(if tampered { b"x" } else { b"" });
            let last = crate::signature::resume(&left.0).unwrap();
            let digest = left.1.map(|saved| last.resume(&saved).unwrap().finish());
            let told = last.verify(&told_to_all(&sha512.finish()), digest.as_deref());
            assert_eq!(told.is_ok(), !tampered, "{method}");
        }
    }
}

#[test]
fn a_salt_may_be_of_any_length_as_where_glance_verifies() {
    let vectors = vectors();
    let pem = text(&vectors["certificates"]["rsa"]);
    let verifier = verifier("RSA-PSS", "SHA-256", text(&vectors["short_salt"]), pem).unwrap();
    assert!(taken(&verifier, &[&data()]));
    assert!(!taken(&verifier, &[b"other"]));
}

#[test]
fn a_signature_is_of_one_key_one_hash_and_itself_alone() {
    let (vectors, data) = (vectors(), data());
    let of = |label: &str, method: &str| {
        let all = each_signature(&vectors);
        all.into_iter().find(|one| one[0] == label && one[2] == method).unwrap()
    };
    let pem = |label: &str| text(&vectors["certificates"][label]);
    for (label, other) in [("rsa", "rsa-odd"), ("dsa", "dsa-1024")] {
        let [_, key_type, method, signature] = of(label, "SHA-256");
        let by_another = verifier(key_type, method, signature, pem(other)).unwrap();
        assert!(!taken(&by_another, &[&data]), "{label}");
    }
    for label in ["rsa", "dsa", "p384", "p521"] {
        let [_, key_type, method, signature] = of(label, "SHA-256");
        let of_another_hash = verifier(key_type, method, of(label, "SHA-384")[3], pem(label)).unwrap();
        assert!(!taken(&of_another_hash, &[&data]), "{label}");
        // A bit of the signature itself: in its first byte, in the middle, in the last.
        let signature = Base64::decode_vec(signature).unwrap();
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            let changed = verifier(key_type, method, &Base64::encode_string(&changed), pem(label)).unwrap();
            assert!(!taken(&changed, &[&data]), "{label} {at}");
        }
        for nonsense in [&b"\0"[..], &[0; 64], &[0xff; 256], &[0; 5000]] {
            let nonsense = verifier(key_type, method, &Base64::encode_string(nonsense), pem(label)).unwrap();
            assert!(!taken(&nonsense, &[&data]), "{label}");
        }
    }
}

#[test]
fn a_certificate_must_be_of_the_key_that_the_image_names() {
    let vectors = vectors();
    for (label, key_type) in [
        ("rsa", "DSA"),
        ("dsa", "RSA-PSS"),
        ("p384", "ECC_SECP521R1"),
        ("p521", "ECC_SECP384R1"),
        ("p384", "RSA-PSS"),
    ] {
        let error = verifier(key_type, "SHA-256", "AQID", text(&vectors["certificates"][label])).unwrap_err();
        let expected = format!(
            "signature verification failed: img_signature_key_type: certificate {ID} is of no {key_type} key"
        );
        assert_eq!(error, expected);
    }
    // NIST P-256 is nobody's key type, though an authority's key may be of it.
    assert!(verifier("ECC_SECP384R1", "SHA-256", "AQID", text(&vectors["chain"]["root"])).is_err());
}

#[test]
fn a_certificate_is_good_within_its_dates() {
    let vectors = vectors();
    let told =
        |label: &str| verifier("RSA-PSS", "SHA-256", "AQID", text(&vectors["chain"][label])).unwrap_err();
    told_of_the_certificate(&told("leaf-expired"), "has expired at 2026-01-01T00:00:00Z");
    told_of_the_certificate(&told("leaf-early"), "is not valid before 2036-01-01T00:00:00Z");
    let certificate = Certificate::read(text(&vectors["certificates"]["rsa"]).as_bytes()).unwrap();
    let at = |time: &str| certificate.is_valid_at(Timestamp::parse(time).unwrap()).is_ok();
    assert!(!at("2025-12-31T23:59:59.999999Z") && at("2026-01-01T00:00:00Z"));
    assert!(at("2036-01-01T00:00:00.999999Z") && !at("2036-01-01T00:00:01Z"));
}

fn told_of_the_certificate(error: &str, why: &str) {
    let expected =
        format!("signature verification failed: img_signature_certificate_uuid: certificate {ID} {why}");
    assert_eq!(error, expected);
}

#[test]
fn what_is_no_certificate_is_told() {
    let vectors = vectors();
    let pem = text(&vectors["certificates"]["p384"]);
    let cut = pem.replace("-----END CERTIFICATE-----", "");
    let letters = pem.replacen("MII", "M!I", 1);
    for (bytes, why) in [
        ("", "is no X.509 certificate"),
        ("hello", "is no X.509 certificate"),
        (&cut, "has no end"),
        (&letters, "is no base64"),
        ("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----", "is no X.509 certificate"),
    ] {
        told_of_the_certificate(&verifier("ECC_SECP384R1", "SHA-256", "AQID", bytes).unwrap_err(), why);
    }
    // DER, and PEM below what tools write above it, are one certificate.
    let certificate = Certificate::read(pem.as_bytes()).unwrap();
    assert_eq!(Certificate::read(certificate.der()).unwrap(), certificate);
    assert_eq!(Certificate::read(format!("Certificate:\n  Data: 3\n{pem}").as_bytes()).unwrap(), certificate);
}

/// Whether these authorities vouch for a certificate.
fn vouched(vectors: &Value, leaf: &str, trusted: &[&str]) -> Result<(), String> {
    let pem = |label: &str| text(&vectors["chain"][label]).to_owned();
    let authorities = Authorities::read(&trusted.iter().map(|label| pem(label)).collect::<String>()).unwrap();
    authorities.vouch(&Certificate::read(pem(leaf).as_bytes()).unwrap(), now())
}

#[test]
fn trusted_authorities_vouch_for_what_they_issued_link_by_link() {
    let vectors = vectors();
    for (leaf, trusted) in [
        ("leaf-of-root", &["root"][..]),
        ("leaf", &["root", "middle"]),
        ("leaf", &["middle", "root"]),
        ("leaf-of-root", &["root-short"]),
        ("leaf-of-root", &["root-expired", "root-other", "root"]),
        ("leaf-of-rsa", &["rsa-root"]),
        ("leaf-of-dsa", &["dsa-root"]),
        ("leaf-of-p384", &["p384-root"]),
        ("leaf-of-p521", &["root", "p521-root"]),
        ("root", &["root"]),
    ] {
        assert_eq!(vouched(&vectors, leaf, trusted), Ok(()), "{leaf} {trusted:?}");
    }
}

#[test]
fn nobody_else_vouches_for_a_certificate() {
    const NOBODY: &str = "was issued by no trusted authority";
    let vectors = vectors();
    for (leaf, trusted, why) in [
        // A link is missing, in the middle or at the root.
        ("leaf", &["root"][..], NOBODY),
        ("leaf", &["middle"], NOBODY),
        // The name is right and the key another's.
        ("leaf-of-root", &["root-other"], NOBODY),
        ("leaf-of-root", &["root-expired"], NOBODY),
        ("leaf-of-root", &["root-no-sign"], NOBODY),
        ("leaf-of-root", &["root-no-ca"], NOBODY),
        ("leaf-of-root", &["root-bare"], NOBODY),
        ("leaf-of-rsa", &["root", "dsa-root"], NOBODY),
        ("leaf", &["root-short", "middle"], "has a longer chain than one of its authorities vouches for"),
        // Round in a circle, and on its own word.
        ("leaf-of-ring", &["ring-a", "ring-b"], NOBODY),
        ("root-bare", &["root-bare"], NOBODY),
    ] {
        assert_eq!(vouched(&vectors, leaf, trusted), Err(why.to_owned()), "{leaf} {trusted:?}");
    }
    assert_eq!(Authorities::read("no certificate").unwrap_err(), "holds no certificate");
    let second = format!("{}-----BEGIN CERTIFICATE-----\n", text(&vectors["chain"]["root"]));
    assert_eq!(Authorities::read(&second).unwrap_err(), "certificate 2 has no end");
}

#[test]
fn authorities_are_asked_before_the_key_counts() {
    let vectors = vectors();
    let authorities = Authorities::read(text(&vectors["chain"]["root"])).unwrap();
    let pem = text(&vectors["certificates"]["p384"]);
    let refused = told("ECC_SECP384R1", "SHA-256", "AQID", pem, Some(&authorities)).unwrap_err();
    told_of_the_certificate(&refused, "was issued by no trusted authority");
    let itself = Authorities::read(text(&vectors["chain"]["p384-root"])).unwrap();
    assert!(
        told("ECC_SECP384R1", "SHA-256", "AQID", text(&vectors["chain"]["p384-root"]), Some(&itself)).is_ok()
    );
}

#[test]
fn properties_lead_to_a_verifier_and_a_broken_save_to_none() {
    let vectors = vectors();
    let [label, key_type, method, signature] = each_signature(&vectors)[0];
    let properties = [
        ("img_signature", signature),
        ("img_signature_hash_method", method),
        ("img_signature_key_type", key_type),
        ("img_signature_certificate_uuid", ID),
        ("other", "x"),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let declared = Declared::read(&said(&properties).unwrap()).unwrap();
    let pem = text(&vectors["certificates"][label]);
    let verifier = Verifier::new(declared, pem.as_bytes(), None, now()).unwrap();
    assert!(taken(&verifier, &[&data()]));
    assert!(crate::signature::resume("{}").is_none());
    assert!(Verifier::resume(&verifier.save().replace(key_type, "DSA")).is_none());
}

#[test]
fn a_dsa_key_of_numbers_wider_than_its_prime_is_malformed() {
    let vectors = vectors();
    let read = text(&vectors["certificates"]["dsa-1024"]);
    let mut der = Certificate::read(read.as_bytes()).unwrap().der().to_vec();
    // The sign byte before the public number becomes a digit of it.
    der[436] = 1;
    assert!(Certificate::read(&der).is_ok_and(|certificate| certificate.key().is_err()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_split_of_the_data_verifies_alike(cuts in proptest::collection::vec(0..=1000_usize, 0..8), flipped in proptest::option::of(0..1000_usize)) {
        let (vectors, mut data) = (vectors(), data());
        if let Some(at) = flipped {
            data[at] ^= 0x10;
        }
        let mut ends = cuts;
        ends.push(1000);
        ends.sort_unstable();
        let (mut pieces, mut from) = (Vec::new(), 0);
        for end in ends {
            pieces.push(&data[from..end]);
            from = end;
        }
        for [label, key_type, method, signature] in each_signature(&vectors) {
            if label == "p384" {
                let verifier = verifier(key_type, method, signature, text(&vectors["certificates"][label])).unwrap();
                prop_assert_eq!(taken(&verifier, &pieces), flipped.is_none(), "{}", method);
            }
        }
    }

    #[test]
    fn no_bytes_of_a_certificate_make_it_fail(at in 0..600_usize, byte in any::<u8>(), label in 0..6_usize) {
        let vectors = vectors();
        let label = ["rsa", "rsa-odd", "dsa-1024", "dsa", "p384", "p521"][label];
        let mut der = Certificate::read(text(&vectors["certificates"][label]).as_bytes()).unwrap().der().to_vec();
        let at = at % der.len();
        der[at] = byte;
        // Whatever is said of it, it is said.
        if let Ok(certificate) = Certificate::read(&der) {
            let _ = certificate.key().map(|key| key.has_signed(HashMethod::Sha256, &[0; 32], &[1; 64]));
            let _ = certificate.is_issued_by(&certificate);
        }
    }
}
