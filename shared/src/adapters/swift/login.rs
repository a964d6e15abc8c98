//! A token, and where the account is that it is good for.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{Access, SwiftSettings};
use crate::adapters::https::{self, AskError};
use crate::adapters::keystone::{self, AUTH_TOKEN, Credentials, KeystoneError, LOGIN, Reach, log_in};
use crate::adapters::objects::failure::is_passing;
use crate::error::Cause;

const USER: HeaderName = HeaderName::from_static("x-auth-user");
const KEY: HeaderName = HeaderName::from_static("x-auth-key");
const STORAGE_URL: HeaderName = HeaderName::from_static("x-storage-url");

/// What is had by logging in.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) token: HeaderValue,
    /// The account's URL, without a slash at its end.
    pub(super) url: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Logs in.
#[derive(Debug)]
pub(super) enum Login {
    Keystone { client: keystone::Client, credentials: Credentials, region: Option<String>, interface: String },
    V1 { client: https::Client, headers: HeaderMap },
}

/// Why nobody is let in. Names no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error(transparent)]
    Keystone(#[from] KeystoneError),
    #[error("cannot ask for a token")]
    Ask(#[from] AskError),
    #[error("the request for a token was answered {0}")]
    Status(StatusCode),
    #[error("{0}")]
    Nonsense(String),
}

impl LoginError {
    /// Whether it may go better in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Keystone(KeystoneError::Status { status, .. }) | Self::Status(status) => {
                is_passing(*status)
            }
            Self::Keystone(error) => matches!(
                error,
                KeystoneError::Unreachable(_) | KeystoneError::Unreadable(_) | KeystoneError::TooLate(_)
            ),
            Self::Ask(error) => {
                matches!(error, AskError::Unreachable(_) | AskError::Unreadable(_) | AskError::TooLate(_))
            }
            Self::Nonsense(_) => false,
        }
    }
}

impl Login {
    pub(super) fn new(settings: &SwiftSettings) -> Result<Self, Cause> {
        let (ca_file, timeout) = (settings.ca_file.as_deref(), settings.timeout);
        Ok(match &settings.access {
            Access::Keystone { auth_url, credentials, region, interface } => Self::Keystone {
                client: keystone::Client::new(auth_url, ca_file, timeout)?,
                credentials: credentials.clone(),
                region: region.clone(),
                interface: interface.clone(),
            },
            Access::V1 { auth_url, user, key } => {
                let mut secret =
                    HeaderValue::from_str(&key.0).map_err(|_| "the key cannot stand in a header")?;
                secret.set_sensitive(true);
                let user = HeaderValue::from_str(user).map_err(|_| "the user cannot stand in a header")?;
                let headers = HeaderMap::from_iter([(USER, user), (KEY, secret)]);
                Self::V1 { client: https::Client::new(auth_url.clone(), ca_file, timeout)?, headers }
            }
        })
    }

    pub(super) async fn log_in(&self) -> Result<Session, LoginError> {
        match self {
            Self::Keystone { client, credentials, region, interface } => {
                let (token, body) = log_in(client, credentials, Reach::Project, "/auth/tokens").await?;
                let url = endpoint(&body, region.as_deref(), interface)
                    .map_err(|why| LoginError::Keystone(KeystoneError::Nonsense { asked: LOGIN, why }))?;
                Ok(session(token, &url))
            }
            Self::V1 { client, headers } => {
                let answer = client.send(&Method::GET, "", headers, &Bytes::new()).await?;
                if !answer.status.is_success() {
                    return Err(LoginError::Status(answer.status));
                }
                let missing = |name: &HeaderName| LoginError::Nonsense(format!("a token without {name}"));
                let token = answer.headers.get(AUTH_TOKEN).cloned().ok_or_else(|| missing(&AUTH_TOKEN))?;
                let url = answer.headers.get(STORAGE_URL).and_then(|url| url.to_str().ok());
                Ok(session(token, url.ok_or_else(|| missing(&STORAGE_URL))?))
            }
        }
    }
}

fn session(mut token: HeaderValue, url: &str) -> Session {
    token.set_sensitive(true);
    Session { token, url: url.trim_end_matches('/').to_owned() }
}

/// The account's URL, as a catalogue has it.
fn endpoint(body: &[u8], region: Option<&str>, interface: &str) -> Result<String, String> {
    let found = keystone::endpoint(body, "object-store", region, interface)?;
    let of = region.map(|region| format!(" in region {region}")).unwrap_or_default();
    found.ok_or_else(|| format!("its catalogue has no {interface} endpoint of object-store{of}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_account_is_found_by_service_interface_and_region() {
        let endpoint_of = |interface: &str, region: &str| {
            json!({"interface": interface, "region_id": region, "region": region,
                   "url": format!("http://{interface}.{region}/v1/AUTH_p")})
        };
        let body = json!({"token": {"catalog": [
            {"type": "image", "endpoints": [endpoint_of("public", "image")]},
            {"type": "object-store",
             "endpoints": [endpoint_of("admin", "a"), endpoint_of("public", "a"), endpoint_of("public", "b")]},
        ]}});
        let body = body.to_string();
        for (region, interface, url) in [
            (None, "public", "http://public.a/v1/AUTH_p"),
            (Some("b"), "public", "http://public.b/v1/AUTH_p"),
            (None, "admin", "http://admin.a/v1/AUTH_p"),
        ] {
            assert_eq!(endpoint(body.as_bytes(), region, interface).unwrap(), url);
        }
        let why = endpoint(body.as_bytes(), Some("b"), "internal").unwrap_err();
        assert_eq!(why, "its catalogue has no internal endpoint of object-store in region b");
        assert!(endpoint(b"{\"token\": {}}", None, "public").is_err());
        assert_eq!(endpoint(b"secret", None, "public").unwrap_err(), "it has no catalogue");
    }
}
