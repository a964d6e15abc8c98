//! Asking a service over HTTP, with TLS or without: one client with its connections, a limit of time on every exchange, one
//! retry when a connection broke. What Keystone's, Barbican's and Swift's adapters share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Error as PoolError;
use tokio::time::timeout;

use super::connections::{Connections, pool};
use super::tls::AuthoritiesError;

/// Asks one service.
#[derive(Clone, Debug)]
pub(super) struct Client {
    base: String,
    pool: Connections<Full<Bytes>>,
    timeout: Duration,
}

/// What the service said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    #[cfg(feature = "keystone")]
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why a service could not be asked. For the log; names no token and no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("'{0}' is no URL")]
    Url(String),
    #[error("{path}: {why}", path = path.display())]
    Authorities { path: PathBuf, why: String },
    #[error("no connection, or one that broke")]
    Unreachable(#[source] PoolError),
    #[error("the answer cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {} s", .0.as_secs_f32())]
    TooLate(Duration),
}

/// Connecting takes a moment, or does not happen.
const CONNECT: Duration = Duration::from_secs(3);

/// Far more than any answer without a catalogue.
const MAX_ANSWER_BYTES: usize = 1 << 20;

impl Client {
    /// Reads the authorities when the URL is one of TLS. Connects to nobody yet.
    pub(super) fn new(base: String, ca_file: Option<&Path>, timeout: Duration) -> Result<Self, AskError> {
        let parsed: Option<Uri> = base.parse().ok();
        if parsed.is_none_or(|uri| uri.host().is_none()) {
            return Err(AskError::Url(base));
        }
        let pool = pool(ca_file, base.starts_with("https://"), CONNECT.min(timeout));
        let pool = pool.map_err(|AuthoritiesError { path, why }| AskError::Authorities { path, why })?;
        Ok(Self { base, pool, timeout })
    }

    /// What goes before every path.
    #[cfg(feature = "keystone")]
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
    ) -> Result<Answer, AskError> {
        let exchange = async {
            match self.exchange(method, path, headers, body).await {
                Err(AskError::Unreachable(_) | AskError::Unreadable(_)) => {
                    self.exchange(method, path, headers, body).await
                }
                done => done,
            }
        };
        timeout(self.timeout, exchange).await.unwrap_or(Err(AskError::TooLate(self.timeout)))
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, AskError> {
        let url = format!("{}{path}", self.base);
        let request = Request::builder().method(method).uri(&url).body(Full::new(body.clone()));
        let mut request = request.map_err(|_| AskError::Url(url))?;
        request.headers_mut().extend(headers.clone());
        let (parts, body) = self.pool.request(request).await.map_err(AskError::Unreachable)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(AskError::Unreadable)?;
        Ok(Answer {
            status: parts.status,
            #[cfg(feature = "keystone")]
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}
