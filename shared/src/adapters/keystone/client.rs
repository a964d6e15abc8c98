//! The HTTP of it: one client with its connections, a limit of time on every exchange, one retry when a connection broke.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

/// Asks Keystone.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Ends in `/v3`.
    base: String,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// What Keystone said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why Keystone could not be asked, or what it said that it should not have. For the log; names no token and no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoneError {
    /// The URL is none.
    #[error("'{0}' is no URL of Keystone")]
    Url(String),
    /// The file of authorities cannot be used.
    #[error("{path}: {why}", path = path.display())]
    Authorities {
        /// The file; empty for the system's.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No connection, or one that broke.
    #[error("cannot reach Keystone")]
    Unreachable(#[source] PoolError),
    /// The answer broke off, or was too long.
    #[error("Keystone's answer cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("Keystone did not answer within {} s", .0.as_secs_f32())]
    TooLate(Duration),
    /// Another status than the call has.
    #[error("Keystone answered {status} to {asked}")]
    Status {
        /// What was asked.
        asked: &'static str,
        /// The answer.
        status: StatusCode,
    },
    /// The service's own credentials are not accepted.
    #[error("Keystone does not accept the credentials of this service: {0}")]
    Credentials(StatusCode),
    /// An answer that does not say what it should.
    #[error("Keystone's answer to {asked} makes no sense: {why}")]
    Nonsense {
        /// What was asked.
        asked: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Connecting takes a moment, or does not happen.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a connection may wait for its next use; a server closes it at some time.
const IDLE: Duration = Duration::from_secs(30);

/// Far more than any answer without a catalogue.
const MAX_ANSWER_BYTES: usize = 1 << 20;

impl Client {
    /// Reads the authorities when the URL is one of TLS. Connects to nobody yet.
    pub(super) fn new(
        auth_url: &str,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, KeystoneError> {
        let url = auth_url.trim_end_matches('/');
        let base = if url.ends_with("/v3") { url.to_owned() } else { format!("{url}/v3") };
        let parsed: Option<Uri> = base.parse().ok();
        if parsed.is_none_or(|uri| uri.host().is_none()) {
            return Err(KeystoneError::Url(auth_url.to_owned()));
        }
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT.min(timeout)));
        http.set_nodelay(true);
        http.enforce_http(false);
        let tls = tls(ca_file, base.starts_with("https://"))?;
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https.wrap_connector(http));
        Ok(Self { base, pool, timeout })
    }

    /// Keystone's URL, with its version.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and takes its whole answer. A request whose connection broke is sent once more: everything that is
    /// asked here may be asked twice.
    pub(super) async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, KeystoneError> {
        let exchange = async {
            match self.exchange(method, path, headers, body).await {
                Err(KeystoneError::Unreachable(_) | KeystoneError::Unreadable(_)) => {
                    self.exchange(method, path, headers, body).await
                }
                done => done,
            }
        };
        timeout(self.timeout, exchange).await.unwrap_or(Err(KeystoneError::TooLate(self.timeout)))
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, KeystoneError> {
        let url = format!("{}{path}", self.base);
        let mut request = Request::builder()
            .method(method)
            .uri(&url)
            .header(ACCEPT, "application/json")
            .body(Full::new(body.clone()))
            .map_err(|_| KeystoneError::Url(url))?;
        request.headers_mut().extend(headers.clone());
        if !body.is_empty() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let (parts, body) =
            self.pool.request(request).await.map_err(KeystoneError::Unreachable)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(KeystoneError::Unreadable)?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

/// TLS that trusts a file's authorities, or the system's, or, where it is not spoken, nobody.
fn tls(ca_file: Option<&Path>, is_spoken: bool) -> Result<ClientConfig, KeystoneError> {
    let fault =
        |why: String| KeystoneError::Authorities { path: ca_file.unwrap_or(Path::new("")).to_owned(), why };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| fault(error.to_string()))?;
    let config = match ca_file {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| fault(error.to_string()))?;
                roots.add(certificate).map_err(|error| fault(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(fault("holds no certificate".to_owned()));
            }
            builder.with_root_certificates(roots)
        }
        None if is_spoken => builder.with_native_roots().map_err(|error| fault(error.to_string()))?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(config.with_no_client_auth())
}
