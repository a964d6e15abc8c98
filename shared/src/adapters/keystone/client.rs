//! The HTTP of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper_util::client::legacy::Error as PoolError;

pub(super) use crate::adapters::https::Answer;
use crate::adapters::https::{self, AskError};

/// Asks Keystone.
#[derive(Clone, Debug)]
pub(in crate::adapters) struct Client(https::Client);

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

impl From<AskError> for KeystoneError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Url(url) => Self::Url(url),
            AskError::Authorities { path, why } => Self::Authorities { path, why },
            AskError::Unreachable(source) => Self::Unreachable(source),
            AskError::Unreadable(source) => Self::Unreadable(source),
            AskError::TooLate(limit) => Self::TooLate(limit),
        }
    }
}

impl Client {
    /// Reads the authorities when the URL is one of TLS. Connects to nobody yet.
    pub(in crate::adapters) fn new(
        auth_url: &str,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, KeystoneError> {
        let url = auth_url.trim_end_matches('/');
        let base = if url.ends_with("/v3") { url.to_owned() } else { format!("{url}/v3") };
        match https::Client::new(base, ca_file, timeout) {
            Ok(client) => Ok(Self(client)),
            Err(AskError::Url(_)) => Err(KeystoneError::Url(auth_url.to_owned())),
            Err(other) => Err(other.into()),
        }
    }

    /// Keystone's URL, with its version.
    pub(in crate::adapters) fn base(&self) -> &str {
        self.0.base()
    }

    /// Sends a request, whose body is JSON if it has one, and takes its whole answer. One whose connection broke is sent once
    /// more: everything that is asked here may be asked twice.
    pub(in crate::adapters) async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, KeystoneError> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let mut headers = headers.clone();
        headers.insert(ACCEPT, JSON);
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        Ok(self.0.send(method, path, &headers, body).await?)
    }
}
