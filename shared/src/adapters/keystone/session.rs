//! The service's own token: asked for when it is first needed, kept until shortly before it ends, and asked for anew when
//! Keystone takes it no longer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::client::{Answer, Client, KeystoneError};
use super::credentials::{Credentials, Reach};
use super::kept::UnderWay;
use super::token;
use crate::ports::Clock;
use crate::time::Timestamp;

/// Why many who asked together have no answer.
pub(super) type SharedError = Arc<KeystoneError>;

pub(in crate::adapters) const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
pub(super) const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// How long before its end the own token is asked for anew.
const BEFORE_ITS_END: Duration = Duration::from_mins(1);

/// Asks Keystone as the service itself.
#[derive(Clone, Debug)]
pub(super) struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    credentials: Credentials,
    reach: Reach,
    clock: Arc<dyn Clock>,
    own: Mutex<Option<Own>>,
    under_way: UnderWay<(), Result<Own, SharedError>>,
}

#[derive(Clone)]
struct Own {
    token: HeaderValue,
    expires_at: Timestamp,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(client: Client, credentials: Credentials, reach: Reach, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            client,
            credentials,
            reach,
            clock,
            own: Mutex::default(),
            under_way: UnderWay::new(),
        }))
    }

    /// Asks something by `GET`. When Keystone does not take the own token, it is asked for anew, once.
    pub(super) async fn get(&self, path: &str, headers: &HeaderMap) -> Result<Answer, SharedError> {
        let own = self.own(None).await?;
        let answer = self.get_as(&own, path, headers).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        tracing::info!("Keystone takes this service's own token no longer: asking for another");
        let own = self.own(Some(&own.token)).await?;
        let answer = self.get_as(&own, path, headers).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(Arc::new(KeystoneError::Credentials(answer.status)));
        }
        Ok(answer)
    }

    async fn get_as(&self, own: &Own, path: &str, headers: &HeaderMap) -> Result<Answer, SharedError> {
        let mut headers = headers.clone();
        headers.insert(AUTH_TOKEN, own.token.clone());
        self.0.client.send(&Method::GET, path, &headers, &Bytes::new()).await.map_err(Arc::new)
    }

    /// The own token, another than the one that was refused.
    async fn own(&self, refused: Option<&HeaderValue>) -> Result<Own, SharedError> {
        if let Some(own) = self.kept(refused) {
            return Ok(own);
        }
        let inner = Arc::clone(&self.0);
        let authenticating =
            self.0.under_way.join((), || async move { inner.authenticate().await.map_err(Arc::new) }.boxed());
        authenticating.await
    }

    fn kept(&self, refused: Option<&HeaderValue>) -> Option<Own> {
        let soon = self.0.clock.now().plus(BEFORE_ITS_END);
        let mut own = self.0.own();
        // One who comes late with a refusal of the token before this one takes this one.
        if own.as_ref().is_some_and(|own| refused == Some(&own.token) || own.expires_at <= soon) {
            *own = None;
        }
        own.clone()
    }
}

impl Inner {
    fn own(&self) -> MutexGuard<'_, Option<Own>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn authenticate(&self) -> Result<Own, KeystoneError> {
        let (token, body) =
            log_in(&self.client, &self.credentials, self.reach, "/auth/tokens?nocatalog").await?;
        let nonsense = |why: String| KeystoneError::Nonsense { asked: LOGIN, why };
        let expires_at = token::parse(&body).map_err(nonsense)?.expires_at;
        let own = Own { token, expires_at };
        *self.own() = Some(own.clone());
        Ok(own)
    }
}

/// What is asked for, in errors.
pub(in crate::adapters) const LOGIN: &str = "the request for a token of this service";

/// Asks for a token of the service's own. Answers it, and what is said of it.
pub(in crate::adapters) async fn log_in(
    client: &Client,
    credentials: &Credentials,
    reach: Reach,
    path: &str,
) -> Result<(HeaderValue, Bytes), KeystoneError> {
    let body = credentials.request(reach).to_string().into();
    let answer = client.send(&Method::POST, path, &HeaderMap::new(), &body).await?;
    match answer.status {
        StatusCode::CREATED => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(KeystoneError::Credentials(status));
        }
        status => return Err(KeystoneError::Status { asked: LOGIN, status }),
    }
    let nonsense = || KeystoneError::Nonsense { asked: LOGIN, why: "it has no token".to_owned() };
    let mut token = answer.headers.get(SUBJECT_TOKEN).cloned().ok_or_else(nonsense)?;
    token.set_sensitive(true);
    Ok((token, answer.body))
}
