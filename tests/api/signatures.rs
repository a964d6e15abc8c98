//! Signed images: what is verified while they are uploaded, and what is left when it is not what was signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64ct::{Base64, Encoding as _};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, SigningKey as _, date_time_ymd};
use serde_json::{Value, json};
use shared::id::{CertificateId, ImageId};
use shared::identity::Token;
use shared::image::{Patch, PatchForm};
use shared::operations::{Images, Signatures, UploadRequest};
use shared::ports::{Certificates, CertificatesError};
use tests::callers::{MEMBER, READER, admin};
use tests::fixtures::bytes;
use tests::world::World;

use super::{Lines, sessions};

const ID: &str = "1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab";

/// Signs images: a key and its certificate, made anew by each test.
struct Signer {
    key: KeyPair,
    pem: String,
}

impl Signer {
    /// With a certificate that is good for these years.
    fn for_years(from: i32, until: i32) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let pem = params.self_signed(&key).unwrap().pem();
        Self { key, pem }
    }

    fn new() -> Self {
        Self::for_years(2026, 2027)
    }

    /// What an image says of its signature.
    fn said(&self, data: &[u8]) -> Value {
        said("ECC_SECP384R1", "SHA-384", &Base64::encode_string(&self.key.sign(data).unwrap()))
    }
}

fn said(key_type: &str, method: &str, signature: &str) -> Value {
    json!({
        "img_signature": signature,
        "img_signature_hash_method": method,
        "img_signature_key_type": key_type,
        "img_signature_certificate_uuid": ID,
    })
}

/// An image that says something of its signature, ready for its data.
async fn queued(world: &World, said: &Value) -> String {
    let mut body = json!({"disk_format": "raw", "container_format": "bare"});
    body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    world.made(MEMBER, body).await
}

/// What an image says of its data.
async fn data_of(world: &World, path: &str) -> Value {
    let image = world.get(READER, path).await.json();
    json!([image["status"], image["size"], image["checksum"], image["os_hash_value"]])
}

fn untouched() -> Value {
    json!(["queued", null, null, null])
}

#[tokio::test]
async fn signed_data_makes_the_image_active_and_other_data_leaves_it_queued() {
    let (world, signer, data) = (World::default(), Signer::new(), bytes(1000));
    world.certificates.keep(ID, MEMBER, signer.pem.as_bytes());
    let path = queued(&world, &signer.said(&data)).await;

    let mut tampered = data.clone();
    tampered[500] ^= 1;
    let mut lines = Lines::default();
    for (name, other) in [("a bit", &tampered[..]), ("a byte less", &data[..999]), ("nothing", b"")] {
        lines.answer(name, &world.put_file(MEMBER, &path, other).await);
        assert_eq!(data_of(&world, &path).await, untouched());
        assert_eq!(world.store.keys(), []);
    }
    insta::assert_snapshot!(lines, @r#"
    a bit → 400 signature verification failed: img_signature: the data is not what the key of certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab has signed
    a byte less → 400 signature verification failed: img_signature: the data is not what the key of certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab has signed
    nothing → 400 signature verification failed: img_signature: the data is not what the key of certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab has signed
    "#);
    assert_eq!(world.put_file(MEMBER, &path, &data).await.line(), "204");
    assert_eq!(data_of(&world, &path).await[0], "active");
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, data);
    // Each try asked once.
    assert_eq!(world.certificates.asked(), 4);
}

#[tokio::test]
async fn data_of_a_session_is_held_to_the_certificate_that_was_there_when_it_was_opened() {
    let (world, signer, data) = (World::default(), Signer::new(), bytes(1000));
    world.certificates.keep(ID, MEMBER, signer.pem.as_bytes());
    let path = queued(&world, &signer.said(&data)).await;
    let mut tampered = data.clone();
    tampered[500] ^= 1;
    let told = sessions::uploaded(&world, &path, &tampered).await.line();
    insta::assert_snapshot!(told, @"400 signature verification failed: img_signature: the data is not what the key of certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab has signed");
    assert_eq!((data_of(&world, &path).await, world.store.keys()), (untouched(), vec![]));

    let session = sessions::opened(&world, &path, data.len()).await;
    world.certificates.keep(ID, MEMBER, Signer::new().pem.as_bytes());
    sessions::bring_all(&world, &session, &data).await;
    assert_eq!(sessions::complete(&world, &session).await.line(), "200");
    assert_eq!(data_of(&world, &path).await[0], "active");
    assert_eq!(world.certificates.asked(), 2);

    let unsigned = queued(&world, &said("ECC_SECP384R1", "SHA-384", "")).await;
    assert_eq!(sessions::uploaded(&world, &unsigned, &data).await.status, 400);
    assert_eq!(data_of(&world, &unsigned).await, untouched());
}

#[tokio::test]
async fn every_key_and_hash_is_verified_as_it_flows() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../shared/src/signature/vectors.json")).unwrap();
    let data: Vec<u8> = (0..1000_u32).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    let tampered = [&data[..999], b"x"].concat();
    for vector in vectors["signatures"].as_array().unwrap() {
        let of = |name: &str| vector[name].as_str().unwrap();
        let world = World::default();
        let pem = vectors["certificates"][of("certificate")].as_str().unwrap();
        world.certificates.keep(ID, MEMBER, pem.as_bytes());
        let path = queued(&world, &said(of("key_type"), of("hash"), of("signature"))).await;
        let told = [
            world.put_file(MEMBER, &path, &tampered).await.status.as_u16(),
            world.put_file(MEMBER, &path, &data).await.status.as_u16(),
        ];
        assert_eq!(told, [400, 204], "{} {}", of("certificate"), of("hash"));
        let path = queued(&world, &said(of("key_type"), of("hash"), of("signature"))).await;
        let told = [
            sessions::uploaded(&world, &path, &tampered).await.status.as_u16(),
            sessions::uploaded(&world, &path, &data).await.status.as_u16(),
        ];
        assert_eq!(told, [400, 200], "{} {}, by a session", of("certificate"), of("hash"));
    }
}

#[tokio::test]
async fn what_cannot_be_verified_is_refused_before_its_first_byte() {
    let (data, signer) = (bytes(100), Signer::new());
    let good = signer.said(&data);
    let with = |name: &str, value: &str| {
        let mut said = good.clone();
        said[name] = value.into();
        said
    };
    let other = "00000000-0000-4000-8000-000000000000";
    let mut lines = Lines::default();
    for (name, said) in [
        ("no base64", with("img_signature", "§")),
        ("no hash method", with("img_signature_hash_method", "MD5")),
        ("no key type", with("img_signature_key_type", "RSA")),
        ("a binary curve", with("img_signature_key_type", "ECC_SECT571R1")),
        ("another key type", with("img_signature_key_type", "RSA-PSS")),
        ("no UUID", with("img_signature_certificate_uuid", "../1")),
        ("no certificate", with("img_signature_certificate_uuid", other)),
    ] {
        let world = World::default();
        world.certificates.keep(ID, MEMBER, signer.pem.as_bytes());
        let path = queued(&world, &said).await;
        world.probe.reset();
        lines.answer(name, &world.put_file(MEMBER, &path, &data).await);
        assert_eq!(data_of(&world, &path).await, untouched());
        // Nothing was written, to the table or to the store.
        assert!(
            world.probe.calls().iter().all(|call| call.contains("get") || call.contains("query")),
            "{:?}",
            world.probe.calls()
        );
    }
    for (name, certificate) in [
        ("expired", Signer::for_years(2020, 2026).pem),
        ("not yet good", Signer::for_years(2027, 2028).pem),
        ("no certificate at all", "hello".to_owned()),
    ] {
        let world = World::default();
        world.certificates.keep(ID, MEMBER, certificate.as_bytes());
        let path = queued(&world, &good).await;
        lines.answer(name, &world.put_file(MEMBER, &path, &data).await);
        assert_eq!(data_of(&world, &path).await, untouched());
    }
    insta::assert_snapshot!(lines, @r#"
    no base64 → 400 signature verification failed: img_signature: must be base64 of a signature
    no hash method → 400 signature verification failed: img_signature_hash_method: must be one of SHA-224, SHA-256, SHA-384, SHA-512, not 'MD5'
    no key type → 400 signature verification failed: img_signature_key_type: must be one of RSA-PSS, DSA, ECC_SECP384R1, ECC_SECP521R1, not 'RSA'
    a binary curve → 400 signature verification failed: img_signature_key_type: 'ECC_SECT571R1' is a binary curve, which this service cannot verify
    another key type → 400 signature verification failed: img_signature_key_type: certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab is of no RSA-PSS key
    no UUID → 400 signature verification failed: img_signature_certificate_uuid: must be a UUID, not '../1'
    no certificate → 400 signature verification failed: img_signature_certificate_uuid: there is no certificate 00000000-0000-4000-8000-000000000000
    expired → 400 signature verification failed: img_signature_certificate_uuid: certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab has expired at 2026-01-01T00:00:00Z
    not yet good → 400 signature verification failed: img_signature_certificate_uuid: certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab is not valid before 2027-01-01T00:00:00Z
    no certificate at all → 400 signature verification failed: img_signature_certificate_uuid: certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab is no X.509 certificate
    "#);
}

#[tokio::test]
async fn another_key_than_the_certificates_has_signed_nothing() {
    let (world, data) = (World::default(), bytes(100));
    world.certificates.keep(ID, MEMBER, Signer::new().pem.as_bytes());
    let path = queued(&world, &Signer::new().said(&data)).await;
    assert_eq!(world.put_file(MEMBER, &path, &data).await.status, 400);
    assert_eq!((data_of(&world, &path).await, world.store.keys()), (untouched(), vec![]));
}

#[tokio::test]
async fn with_three_of_four_properties_nothing_is_verified() {
    let (world, data) = (World::default(), bytes(100));
    let all = Signer::new().said(b"other data");
    for missing in all.as_object().unwrap().keys() {
        let mut three = all.clone();
        three.as_object_mut().unwrap().remove(missing);
        let path = queued(&world, &three).await;
        assert_eq!(world.put_file(MEMBER, &path, &data).await.line(), "204", "{missing}");
    }
    assert_eq!(world.certificates.asked(), 0);
}

#[tokio::test]
async fn the_key_manager_is_asked_by_who_uploads() {
    let (world, signer, data) = (World::default(), Signer::new(), bytes(100));
    world.certificates.keep(ID, "p1:member,reader,signer", signer.pem.as_bytes());
    let path = queued(&world, &signer.said(&data)).await;
    insta::assert_snapshot!(world.put_file(MEMBER, &path, &data).await.line(), @"400 signature verification failed: img_signature_certificate_uuid: the key manager does not give certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab");
    assert_eq!(world.put_file("p1:member,reader,signer", &path, &data).await.line(), "204");
}

#[tokio::test]
async fn a_key_manager_that_is_down_is_no_fault_of_the_image() {
    let (world, signer, data) = (World::default(), Signer::new(), bytes(100));
    world.certificates.keep(ID, MEMBER, signer.pem.as_bytes());
    let path = queued(&world, &signer.said(&data)).await;
    world.certificates.fail(true);
    insta::assert_snapshot!(world.put_file(MEMBER, &path, &data).await.line(), @"503 the service is temporarily unable to answer, try again later");
    assert_eq!(data_of(&world, &path).await, untouched());
    world.certificates.fail(false);
    assert_eq!(world.put_file(MEMBER, &path, &data).await.line(), "204");
}

#[tokio::test]
async fn without_a_key_manager_signed_images_are_refused_and_others_are_not() {
    let (world, data) = (World::default(), bytes(100));
    let unconfigured = world.data.clone().verifying(Signatures::none());
    let signed = queued(&world, &Signer::new().said(&data)).await;
    let plain = queued(&world, &json!({})).await;
    let mut told = Vec::new();
    for path in [signed, plain] {
        let id = path.rsplit_once('/').unwrap().1.parse().unwrap();
        let piece = Ok(bytes::Bytes::from(data.clone()));
        let body = Box::pin(futures_util::stream::iter([piece]));
        let done = unconfigured.upload(&admin(), &id, &UploadRequest::default(), body).await;
        told.push(done.map_err(|error| error.to_string()));
    }
    insta::assert_debug_snapshot!(told, @r#"
    [
        Err(
            "signature verification failed: img_signature_certificate_uuid: certificate 1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab cannot be had: no key manager is configured",
        ),
        Ok(
            (),
        ),
    ]
    "#);
}

/// A key manager that is slow enough for the image to be patched before it answers first.
#[derive(Debug)]
struct Slow {
    pem: String,
    images: Images,
    image: ImageId,
    patch: Patch,
    asked: AtomicUsize,
}

#[async_trait]
impl Certificates for Slow {
    async fn get(&self, _: &CertificateId, _: Option<&Token>) -> Result<Vec<u8>, CertificatesError> {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 0 {
            self.images.update(&admin(), &self.image, &self.patch).await.unwrap();
        }
        Ok(self.pem.clone().into_bytes())
    }
}

/// An image is signed for one text, and patched while the certificate is asked for; then a text is uploaded. Answers what became of
/// it, and how often the certificate was asked for.
async fn patched_while_asked(signer: &Signer, change: Value, text: &[u8]) -> (Value, usize) {
    let world = World::default();
    let path = queued(&world, &signer.said(b"one")).await;
    let image: ImageId = path.rsplit_once('/').unwrap().1.parse().unwrap();
    let slow = Arc::new(Slow {
        pem: signer.pem.clone(),
        images: world.images.clone(),
        image: image.clone(),
        patch: Patch::parse(PatchForm::V21, change).unwrap(),
        asked: AtomicUsize::new(0),
    });
    let certificates: Arc<dyn Certificates> = Arc::<Slow>::clone(&slow);
    let data =
        world.data.clone().verifying(Signatures { certificates: Some(certificates), ..Signatures::none() });
    let piece = Ok(bytes::Bytes::copy_from_slice(text));
    let body = Box::pin(futures_util::stream::iter([piece]));
    let _ = data.upload(&admin(), &image, &UploadRequest::default(), body).await;
    (data_of(&world, &path).await[0].clone(), slow.asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_signature_that_counts_is_the_one_of_the_record_that_began_to_wait() {
    let signer = Signer::new();
    let resigned = json!([
        {"op": "replace", "path": "/img_signature", "value": signer.said(b"two")["img_signature"]},
    ]);
    let renamed = json!([{"op": "replace", "path": "/name", "value": "other"}]);
    let unsigned = json!([{"op": "remove", "path": "/img_signature"}]);
    for (change, text, status, asked) in [
        (&resigned, "two", "active", 2),
        (&resigned, "one", "queued", 2),
        (&renamed, "one", "active", 1),
        (&renamed, "two", "queued", 1),
        (&unsigned, "two", "active", 1),
    ] {
        let told = patched_while_asked(&signer, change.clone(), text.as_bytes()).await;
        assert_eq!(told, (json!(status), asked), "{change} {text}");
    }
}
