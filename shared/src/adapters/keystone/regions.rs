//! Other regions, as the catalogue of a user's own token has them.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::catalogue::endpoint;
use super::client::{Client, KeystoneError};
use super::session::{AUTH_TOKEN, SUBJECT_TOKEN};
use super::token;
use crate::identity::Token;
use crate::ports::{Region, Regions, RegionsError};

/// How to reach Keystone in a user's name.
#[derive(Clone, Debug)]
pub struct RegionsSettings {
    /// Its URL, with or without `/v3`.
    pub auth_url: String,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// How long an answer may take, in all.
    pub timeout: Duration,
}

/// Asks Keystone by the user's token what that token is good for. Nothing is kept: a token is asked for once an import.
#[derive(Clone, Debug)]
pub struct KeystoneRegions {
    client: Client,
}

const ASKED: &str = "the catalogue of a token";

impl KeystoneRegions {
    /// Asks nobody yet. Reads the file of authorities, or the system's, if the URL is one of TLS.
    ///
    /// # Errors
    /// When the URL is none, or the authorities cannot be read.
    pub fn new(settings: &RegionsSettings) -> Result<Self, KeystoneError> {
        let client = Client::new(&settings.auth_url, settings.ca_file.as_deref(), settings.timeout)?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Regions for KeystoneRegions {
    async fn images(&self, token: &Token, region: &str, interface: &str) -> Result<Region, RegionsError> {
        let Ok(mut header) = HeaderValue::from_str(token.reveal()) else { return Err(RegionsError::Expired) };
        header.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTH_TOKEN, header.clone()), (SUBJECT_TOKEN, header)]);
        let failed = |error: KeystoneError| RegionsError::Unavailable(error.into());
        let answer = self.client.send(&Method::GET, "/auth/tokens", &headers, &Bytes::new()).await;
        let answer = answer.map_err(failed)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => return Err(RegionsError::Expired),
            status => return Err(failed(KeystoneError::Status { asked: ASKED, status })),
        }
        let nonsense = |why| failed(KeystoneError::Nonsense { asked: ASKED, why });
        let token_ends = token::parse(&answer.body).map_err(nonsense)?.expires_at;
        let url = endpoint(&answer.body, "image", Some(region), interface).map_err(nonsense)?;
        let url = url.ok_or(RegionsError::NotFound)?;
        let url = url.trim_end_matches('/');
        Ok(Region { url: url.strip_suffix("/v2").unwrap_or(url).to_owned(), token_ends })
    }
}
