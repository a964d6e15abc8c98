//! Every adapter that keeps certificates.

use shared::adapters::barbican;
use shared::adapters::directory::CertificateDirectory;
use shared::contract::certificates::Kept;
use shared::identity::Token;
use shared::ports::{Certificates, CertificatesError, MAX_CERTIFICATE_BYTES};
use tests::engines::barbican::{Barbican, Behaviour};

const ID: &str = "1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab";

fn kept(bytes: &[u8]) -> Kept {
    Kept { id: ID.parse().unwrap(), token: Token::new("token"), bytes: bytes.to_vec() }
}

/// What is said when there is no certificate: which of the three it is, and the cause for the log.
async fn refused(certificates: &dyn Certificates, token: Option<&Token>) -> String {
    let error = certificates.get(&ID.parse().unwrap(), token).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(!format!("{error} {error:?} {cause}").contains("hush"), "{error:?}");
    match error {
        CertificatesError::NotFound => "not found".to_owned(),
        CertificatesError::Refused(_) => format!("refused: {cause}"),
        CertificatesError::Unavailable(_) => format!("unavailable: {cause}"),
    }
}

mod directory {
    use tempfile::TempDir;

    use super::*;

    #[expect(clippy::unused_async, reason = "a factory may have to connect")]
    async fn fresh() -> (CertificateDirectory, TempDir, Kept) {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(format!("{ID}.pem")), b"in PEM").unwrap();
        (CertificateDirectory::new(root.path()), root, kept(b"in PEM"))
    }

    shared::certificates_contract!(fresh);

    #[tokio::test]
    async fn a_certificate_may_lie_in_der_and_what_lies_there_later_is_seen() {
        let (directory, root, kept) = fresh().await;
        std::fs::remove_file(root.path().join(format!("{ID}.pem"))).unwrap();
        assert_eq!(refused(&directory, None).await, "not found");
        std::fs::write(root.path().join(format!("{ID}.der")), [0, 255]).unwrap();
        assert_eq!(directory.get(&kept.id, None).await.unwrap(), [0, 255]);
    }

    #[tokio::test]
    async fn what_is_no_certificate_file_is_not_taken_for_one() {
        let (directory, root, kept) = fresh().await;
        let file = root.path().join(format!("{ID}.pem"));
        let most = usize::try_from(MAX_CERTIFICATE_BYTES).unwrap();
        std::fs::write(&file, vec![0; most]).unwrap();
        assert_eq!(directory.get(&kept.id, None).await.unwrap().len(), most);
        std::fs::write(&file, vec![0; most + 1]).unwrap();
        let said = refused(&directory, None).await;
        assert!(said.starts_with("refused: ") && said.ends_with("holds more than 65536 bytes"), "{said}");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        let said = refused(&directory, None).await;
        assert!(said.starts_with("unavailable: cannot read "), "{said}");
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_has_no_certificate() {
        let directory = CertificateDirectory::new("/nonexistent/certificates");
        assert_eq!(refused(&directory, None).await, "not found");
    }
}

mod barbican_over_http {
    use std::time::Duration;

    use super::*;

    async fn fresh() -> (barbican::Barbican, Barbican, Kept) {
        let site = Barbican::start().await;
        site.keep(ID, "token", "application/octet-stream", b"\xffDER");
        (barbican::Barbican::new(&site.settings()).unwrap(), site, kept(b"\xffDER"))
    }

    shared::certificates_contract!(fresh);

    const AS_BYTES: &str =
        "GET /v1/secrets/1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab/payload application/octet-stream";
    const AS_TEXT: &str = "GET /v1/secrets/1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab/payload text/plain";

    #[tokio::test]
    async fn a_payload_of_bytes_is_asked_for_once_and_one_of_text_twice() {
        let (barbican, site, kept) = fresh().await;
        barbican.get(&kept.id, Some(&kept.token)).await.unwrap();
        assert_eq!(site.asked(), [AS_BYTES]);
        site.keep(ID, "token", "text/plain", b"in PEM");
        assert_eq!(barbican.get(&kept.id, Some(&kept.token)).await.unwrap(), b"in PEM");
        assert_eq!(site.asked(), [AS_BYTES, AS_TEXT]);
    }

    #[tokio::test]
    async fn the_version_may_stand_in_the_url() {
        let (_, site, kept) = fresh().await;
        for suffix in ["/", "/v1", "/v1/"] {
            let mut settings = site.settings();
            settings.endpoint.push_str(suffix);
            let barbican = barbican::Barbican::new(&settings).unwrap();
            assert_eq!(barbican.get(&kept.id, Some(&kept.token)).await.unwrap(), kept.bytes, "{suffix}");
        }
        let nowhere = barbican::BarbicanSettings { endpoint: "/v1".to_owned(), ..site.settings() };
        assert_eq!(barbican::Barbican::new(&nowhere).unwrap_err().to_string(), "'/v1' is no URL");
    }

    #[tokio::test]
    async fn a_certificate_is_there_for_who_may_read_it() {
        let (barbican, _site, _) = fresh().await;
        let path = AS_BYTES.rsplit_once(' ').unwrap().0;
        let other = Token::new("other");
        let said = [refused(&barbican, Some(&other)).await, refused(&barbican, None).await];
        let expected = ["403 Forbidden", "401 Unauthorized"]
            .map(|status| format!("refused: Barbican answered {status} to {path}"));
        assert_eq!(said, expected);
        let unspeakable = Token::new("to\nken");
        assert!(refused(&barbican, Some(&unspeakable)).await.starts_with("refused: "));
    }

    #[tokio::test]
    async fn barbican_ill_is_told_apart_from_a_certificate_that_is_not_there() {
        let (_, site, kept) = fresh().await;
        let mut settings = site.settings();
        settings.timeout = Duration::from_millis(100);
        let barbican = barbican::Barbican::new(&settings).unwrap();
        let path = AS_BYTES.rsplit_once(' ').unwrap().0;
        for (behaviour, expected) in [
            (
                Behaviour::Status(500),
                format!("unavailable: Barbican answered 500 Internal Server Error to {path}"),
            ),
            (
                Behaviour::Status(503),
                format!("unavailable: Barbican answered 503 Service Unavailable to {path}"),
            ),
            (
                Behaviour::Status(429),
                format!("unavailable: Barbican answered 429 Too Many Requests to {path}"),
            ),
            (Behaviour::Status(302), format!("unavailable: Barbican answered 302 Found to {path}")),
            (Behaviour::Silent, "unavailable: no answer within 0.1 s".to_owned()),
            (Behaviour::Status(404), "not found".to_owned()),
        ] {
            site.behave(behaviour);
            assert_eq!(refused(&barbican, Some(&kept.token)).await, expected, "{behaviour:?}");
        }
        let barbican = barbican::Barbican::new(&site.settings()).unwrap();
        site.behave(Behaviour::Breaking(9));
        assert!(refused(&barbican, Some(&kept.token)).await.starts_with("unavailable: "));
        site.behave(Behaviour::Breaking(1));
        assert_eq!(barbican.get(&kept.id, Some(&kept.token)).await.unwrap(), kept.bytes);
        drop(site);
        let said = refused(&barbican, Some(&kept.token)).await;
        assert!(said.starts_with("unavailable: "), "{said}");
    }

    #[tokio::test]
    async fn a_payload_longer_than_certificates_are_is_refused() {
        let (barbican, site, kept) = fresh().await;
        let most = usize::try_from(MAX_CERTIFICATE_BYTES).unwrap();
        site.keep(ID, "token", "application/octet-stream", &vec![7; most + 1]);
        let said = refused(&barbican, Some(&kept.token)).await;
        assert_eq!(said, "refused: a payload of 65537 bytes, at most 65536");
    }
}
