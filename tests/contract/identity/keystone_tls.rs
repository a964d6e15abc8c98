//! Keystone behind TLS: whom its client trusts, and that nothing is said to anybody else.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use shared::adapters::keystone::{KeystoneIdentity, KeystoneSettings};
use shared::ports::{Identity as _, Tokens};
use tempfile::TempDir;
use tests::engines::keystone::Keystone;
use tests::fixtures::TestClock;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Who signs certificates, made anew by each test.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server's certificate for a name, good until a year begins.
    fn certify(&self, name: &str, until: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.unwrap().with_no_client_auth();
        config.with_single_cert(vec![certificate.der().clone()], key).unwrap()
    }
}

/// Ends TLS before Keystone. It ends itself when this is dropped.
struct Front {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Front {
    async fn start(keystone: &Keystone, config: ServerConfig) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, acceptor) = (listener.local_addr().unwrap(), TlsAcceptor::from(Arc::new(config)));
        let behind = keystone.settings().auth_url.trim_start_matches("http://").to_owned();
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    // A client that trusts us not has gone away by now, and one that is done breaks off.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(behind).await.unwrap();
                    drop(copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self { address, serving }
    }
}

/// Whose a token is, as who trusts the authorities in a file is told; or why nobody is.
async fn told(keystone: &Keystone, config: ServerConfig, trusted: &[&Authority]) -> String {
    let front = Front::start(keystone, config).await;
    let (_directory, file) = bundle(trusted);
    let auth_url = format!("https://localhost:{}", front.address.port());
    let settings = KeystoneSettings { auth_url, ca_file: Some(file), ..keystone.settings() };
    let identity = KeystoneIdentity::new(settings, Arc::new(TestClock::default())).unwrap();
    match identity.identify(Tokens::user("token")).await {
        Ok(caller) => caller.user().unwrap().to_owned(),
        Err(error) => causes(&error),
    }
}

fn bundle(authorities: &[&Authority]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, authorities.iter().map(|authority| authority.pem.as_str()).collect::<String>())
        .unwrap();
    (directory, file)
}

fn causes(error: &dyn Error) -> String {
    let next = error.source().map(|cause| format!(": {}", causes(cause)));
    format!("{error}{}", next.unwrap_or_default())
}

async fn known() -> Keystone {
    let keystone = Keystone::start().await;
    keystone.give("token", "p1", &["reader"]);
    keystone
}

#[tokio::test]
async fn a_keystone_whose_authority_is_configured_is_trusted() {
    let (keystone, own, other) = (known().await, Authority::new("own"), Authority::new("other"));
    assert_eq!(told(&keystone, own.certify("localhost", 2100), &[&own]).await, "user of token");
    assert_eq!(told(&keystone, own.certify("localhost", 2100), &[&other, &own]).await, "user of token");
}

#[tokio::test]
async fn anybody_else_is_told_no_password_and_no_token() {
    let (keystone, own, other) = (known().await, Authority::new("own"), Authority::new("other"));
    let namesake = Authority::new("own");
    for (config, trusted, why) in [
        (own.certify("localhost", 2100), &other, "UnknownIssuer"),
        (namesake.certify("localhost", 2100), &own, "BadSignature"),
        (own.certify("keystone.example.com", 2100), &own, "certificate not valid for name"),
        (own.certify("localhost", 2001), &own, "certificate expired"),
    ] {
        let told = told(&keystone, config, &[trusted]).await;
        assert!(told.contains("cannot reach Keystone") && told.contains(why), "{why}: {told}");
        assert!(keystone.asked().is_empty(), "{why}");
    }
}

#[tokio::test]
async fn tls_is_not_left_out_because_keystone_speaks_none() {
    let (keystone, own) = (known().await, Authority::new("own"));
    let (_directory, file) = bundle(&[&own]);
    let auth_url = keystone.settings().auth_url.replace("http://", "https://");
    let settings = KeystoneSettings { auth_url, ca_file: Some(file), ..keystone.settings() };
    let identity = KeystoneIdentity::new(settings, Arc::new(TestClock::default())).unwrap();
    let error = identity.identify(Tokens::user("token")).await.unwrap_err();
    assert!(causes(&error).contains("cannot reach Keystone"), "{}", causes(&error));
    assert!(keystone.asked().is_empty());
}
