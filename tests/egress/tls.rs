//! Sources behind TLS: whom they are certified by, for the name that was asked for, at the address that was judged.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use shared::contract::fetch::drained;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server with a certificate for `images.example`, and a fetcher that trusts who signed it.
struct Certified {
    address: SocketAddr,
    origin: Origin,
    fetch: Egress,
    names: Names,
    serving: JoinHandle<()>,
    _ca: TempDir,
}

impl Drop for Certified {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Certified {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = tempfile::tempdir().unwrap();
        let ca_file = ca.path().join("ca.pem");
        std::fs::write(&ca_file, params.self_signed(&key).unwrap().pem()).unwrap();
        let config = server_config(&Issuer::new(params, key));

        let (origin, names) = (Origin::start().await, Names::default());
        for name in ["images.example", "other.example"] {
            names.tell(name, &["127.0.0.1"]);
        }
        let settings = EgressSettings { ca_file: Some(ca_file), ..settings(here()) };
        let fetch = Egress::resolving(&settings, Arc::new(names.clone())).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, behind) = (listener.local_addr().unwrap(), origin.address());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that trusts us not has gone away by now, and one that is done breaks off.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(behind).await.unwrap();
                    drop(copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self { address, origin, fetch, names, serving, _ca: ca }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.address.port())
    }
}

fn server_config(issuer: &Issuer<'static, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["images.example".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.unwrap().with_no_client_auth();
    config.with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

#[tokio::test]
async fn the_certificate_is_for_the_name_whatever_address_it_has() {
    let site = Certified::start().await;
    let fetched = open(&site.fetch, &site.url("IMAGES.example.", "/data")).await.unwrap();
    let (came, ended) = drained(fetched.body).await;
    ended.unwrap();
    assert_eq!(came, bytes());
    assert_eq!(site.names.asked(), ["images.example"]);
    assert_eq!(site.origin.asked()[0].headers["host"], format!("images.example:{}", site.address.port()));
    for host in ["other.example", "127.0.0.1"] {
        let said = refused(&site.fetch, &site.url(host, "/data")).await;
        assert_eq!(
            said, "the source answers what cannot be used: its certificate is not one to trust",
            "{host}"
        );
    }
    assert!(site.origin.asked().is_empty());
}

#[tokio::test]
async fn a_source_that_nobody_vouches_for_is_not_asked() {
    let (site, stranger) = (Certified::start().await, Certified::start().await);
    let said = refused(&site.fetch, &stranger.url("images.example", "/data")).await;
    assert_eq!(said, "the source answers what cannot be used: its certificate is not one to trust");
    assert!(stranger.origin.asked().is_empty());
}

#[tokio::test]
async fn from_https_no_redirect_leads_to_http() {
    let site = Certified::start().await;
    site.origin.redirect("/down", site.origin.url("/data"));
    let said = refused(&site.fetch, &site.url("images.example", "/down")).await;
    assert_eq!(said, "the source redirects from https to http");
    site.origin.redirect("/up", site.url("images.example", "/data"));
    let fetched = open(&site.fetch, &site.origin.url("/up")).await.unwrap();
    assert_eq!(drained(fetched.body).await.0, bytes());
}

#[tokio::test]
async fn a_source_behind_tls_that_ends_short_is_noticed() {
    let site = Certified::start().await;
    for path in ["/short", "/broken"] {
        let fetched = open(&site.fetch, &site.url("images.example", path)).await.unwrap();
        let (came, ended) = drained(fetched.body).await;
        assert!(came.len() < bytes().len() && ended.unwrap_err().is_passing(), "{path}");
    }
}
