//! Barbican (Key Manager API v1): certificates as secrets, each asked for by its caller's token, so that a certificate is
//! there for who may read it. Nothing is kept: what is revoked or deleted there is gone here.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::https::{Answer, AskError, Client};
use crate::id::CertificateId;
use crate::identity::Token;
use crate::ports::{Cause, Certificates, CertificatesError, MAX_CERTIFICATE_BYTES};

/// How to reach Barbican.
#[derive(Clone, Debug)]
pub struct BarbicanSettings {
    /// Its URL, with or without `/v1`.
    pub endpoint: String,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// How long an answer may take, in all.
    pub timeout: Duration,
}

/// Certificates that Barbican keeps.
#[derive(Clone, Debug)]
pub struct Barbican {
    client: Client,
}

/// How a payload may lie there: certificates are stored as bytes, and by hand sometimes as text.
const MEDIA_TYPES: [HeaderValue; 2] =
    [HeaderValue::from_static("application/octet-stream"), HeaderValue::from_static("text/plain")];

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

impl Barbican {
    /// Asks nobody yet. Reads the file of authorities, or the system's, if the URL is one of TLS.
    ///
    /// # Errors
    /// When the URL is none, or the authorities cannot be read.
    pub fn new(settings: &BarbicanSettings) -> Result<Self, Cause> {
        let url = settings.endpoint.trim_end_matches('/');
        let base = if url.ends_with("/v1") { url.to_owned() } else { format!("{url}/v1") };
        let client = Client::new(base, settings.ca_file.as_deref(), settings.timeout)?;
        Ok(Self { client })
    }

    async fn payload(&self, path: &str, headers: &HeaderMap) -> Result<Answer, AskError> {
        let mut headers = headers.clone();
        let [bytes, text] = MEDIA_TYPES;
        headers.insert(ACCEPT, bytes);
        let answer = self.client.send(&Method::GET, path, &headers, &Bytes::new()).await?;
        if answer.status != StatusCode::NOT_ACCEPTABLE {
            return Ok(answer);
        }
        headers.insert(ACCEPT, text);
        self.client.send(&Method::GET, path, &headers, &Bytes::new()).await
    }
}

#[async_trait]
impl Certificates for Barbican {
    async fn get(&self, id: &CertificateId, token: Option<&Token>) -> Result<Vec<u8>, CertificatesError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let header = HeaderValue::from_str(token.reveal());
            let mut header = header.map_err(|error| CertificatesError::Refused(error.into()))?;
            header.set_sensitive(true);
            headers.insert(AUTH_TOKEN, header);
        }
        let path = format!("/secrets/{}/payload", id.as_str().to_ascii_lowercase());
        let answer = self.payload(&path, &headers).await;
        let Answer { status, body, .. } =
            answer.map_err(|error| CertificatesError::Unavailable(error.into()))?;
        let said = || format!("Barbican answered {status} to GET /v1{path}").into();
        match status {
            StatusCode::OK if body.len() as u64 > MAX_CERTIFICATE_BYTES => {
                let why = format!("a payload of {} bytes, at most {MAX_CERTIFICATE_BYTES}", body.len());
                Err(CertificatesError::Refused(why.into()))
            }
            StatusCode::OK => Ok(body.to_vec()),
            StatusCode::NOT_FOUND => Err(CertificatesError::NotFound),
            StatusCode::TOO_MANY_REQUESTS => Err(CertificatesError::Unavailable(said())),
            status if status.is_client_error() => Err(CertificatesError::Refused(said())),
            _ => Err(CertificatesError::Unavailable(said())),
        }
    }
}
