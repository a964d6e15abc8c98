//! Requests to the account: each with the token, which is asked for anew when it is not taken any more, and again after a pause
//! when the server is busy or a connection breaks. Everything that is asked here may be asked twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::failure::refused;
use super::login::{Login, Session};
use super::names::Names;
use super::{Access, SwiftSettings};
use crate::adapters::connections::{Connections, pool};
use crate::adapters::keystone::AUTH_TOKEN;
use crate::adapters::objects::asking::{Answer, BYTES, Body, CONNECT, TRIES, body, limit, pause};
use crate::adapters::objects::failure::{Answered, is_passing, told};
use crate::error::Cause;
use crate::ports::{Chunks, StoreError};

/// Far more than a page of a listing.
const MAX_ANSWER_BYTES: usize = 8 << 20;

const TEMP_URL_KEY: HeaderName = HeaderName::from_static("x-container-meta-temp-url-key");

/// An account, and the token it is asked with.
#[derive(Debug)]
pub(super) struct Account {
    login: Login,
    storage_url: Option<String>,
    public_endpoint: Option<String>,
    pool: Connections<Body>,
    timeout: Duration,
    session: Mutex<Option<Session>>,
    /// The container and its headers, where it is to be made.
    to_make: Option<(String, HeaderMap)>,
    is_made: AtomicBool,
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// What it is for, in errors.
    pub(super) action: &'static str,
    pub(super) method: Method,
    /// Under the account.
    pub(super) path: &'a str,
    /// Without the mark.
    pub(super) query: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Chunks,
}

impl<'a> Asked<'a> {
    /// One without a body.
    pub(super) fn new(action: &'static str, method: Method, path: &'a str) -> Self {
        Self { action, method, path, query: "", headers: HeaderMap::new(), body: Chunks::default() }
    }
}

impl Account {
    pub(super) fn new(settings: SwiftSettings) -> Result<Self, Cause> {
        let login = Login::new(&settings)?;
        let (Access::Keystone { auth_url, .. } | Access::V1 { auth_url, .. }) = &settings.access;
        let speaks_tls = [Some(auth_url), settings.storage_url.as_ref()].into_iter().flatten();
        let speaks_tls = speaks_tls.into_iter().any(|url| url.starts_with("https://"));
        let pool = pool(settings.ca_file.as_deref(), speaks_tls, CONNECT.min(settings.timeout))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.temp_url_key {
            let mut key = HeaderValue::from_str(key.reveal())
                .map_err(|_| "the key of URLs cannot stand in a header")?;
            key.set_sensitive(true);
            headers.insert(TEMP_URL_KEY, key);
        }
        let container = Names::new(&settings.container, "").container();
        Ok(Self {
            login,
            storage_url: settings.storage_url.map(|url| url.trim_end_matches('/').to_owned()),
            public_endpoint: settings.public_endpoint.map(|url| url.trim_end_matches('/').to_owned()),
            pool,
            timeout: settings.timeout,
            session: Mutex::default(),
            to_make: settings.create_container.then_some((container, headers)),
            is_made: AtomicBool::new(false),
        })
    }

    /// Sends a request and takes its whole answer.
    pub(super) async fn answer(&self, asked: &Asked<'_>) -> Result<Answer, StoreError> {
        let mut again = 0;
        loop {
            match self.whole(self.send(asked).await?).await {
                Ok(answer) => return Ok(answer),
                Err(cause) => {
                    again += 1;
                    if again == TRIES {
                        return Err(StoreError::Unavailable(told(asked.action, asked.path, cause)));
                    }
                }
            }
        }
    }

    async fn whole(&self, answer: Response<Incoming>) -> Result<Answer, Cause> {
        Answer::whole(answer, self.timeout, MAX_ANSWER_BYTES).await
    }

    /// Sends a request until it has an answer that will not change, or was sent too often.
    pub(super) async fn send(&self, asked: &Asked<'_>) -> Result<Response<Incoming>, StoreError> {
        let (mut stale, mut again) = (None, 0);
        loop {
            let fault = match self.session(stale.as_ref()).await {
                Err(StoreError::Unavailable(cause)) => cause,
                Err(other) => return Err(other),
                Ok(session) => match self.once(&session, asked).await {
                    Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && stale.is_none() => {
                        tracing::info!("Swift takes the token of this service no longer: asking for another");
                        stale = Some(session.token);
                        continue;
                    }
                    Ok(answer) if is_passing(answer.status()) => Answered(answer.status()).into(),
                    Ok(answer) => return Ok(answer),
                    Err(cause) => cause,
                },
            };
            again += 1;
            if again == TRIES {
                return Err(StoreError::Unavailable(told(asked.action, asked.path, fault)));
            }
            pause(again).await;
        }
    }

    async fn once(&self, session: &Session, asked: &Asked<'_>) -> Result<Response<Incoming>, Cause> {
        let request = request(session, asked, asked.body.len(), body(&asked.body))?;
        Ok(timeout(limit(self.timeout, asked.body.len()), self.pool.request(request)).await??)
    }

    /// Sends a body that comes once, so the request is sent once. The token was good a moment ago, or this fails. After the body's
    /// last byte the answer may take as long as any.
    pub(super) async fn stream(&self, asked: &Asked<'_>, len: u64, body: Body) -> Result<Answer, Cause> {
        let session = self.session(None).await?;
        let answer = self.pool.request(request(&session, asked, len, body)?).await?;
        self.whole(answer).await
    }

    /// The token and where it is good, another than the one that was refused.
    async fn session(&self, stale: Option<&HeaderValue>) -> Result<Session, StoreError> {
        // Who waits here while another asks has its answer.
        let mut held = self.session.lock().await;
        if let Some(session) = held.as_ref().filter(|session| stale != Some(&session.token)) {
            return Ok(session.clone());
        }
        *held = None;
        let mut session = self.login.log_in().await.map_err(|error| {
            if error.is_passing() {
                StoreError::Unavailable(error.into())
            } else {
                StoreError::Failed(error.into())
            }
        })?;
        if let Some(url) = &self.storage_url {
            session.url.clone_from(url);
        }
        self.make_container(&session).await?;
        *held = Some(session.clone());
        Ok(session)
    }

    /// Makes the container, or finds it there, once.
    async fn make_container(&self, session: &Session) -> Result<(), StoreError> {
        let Some((path, headers)) = self.to_make.as_ref().filter(|_| !self.is_made.load(Ordering::Relaxed))
        else {
            return Ok(());
        };
        let action = "make the container";
        let asked = Asked { headers: headers.clone(), ..Asked::new(action, Method::PUT, path) };
        let made = async { self.whole(self.once(session, &asked).await?).await };
        match made.await {
            Ok(answer) if answer.status.is_success() => {
                self.is_made.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(answer) if is_passing(answer.status) => {
                Err(StoreError::Unavailable(told(action, path, Answered(answer.status))))
            }
            Ok(answer) => Err(refused(action, path, answer.status)),
            Err(cause) => Err(StoreError::Unavailable(told(action, path, cause))),
        }
    }

    /// The server as clients reach it, and the path of the account there.
    pub(super) async fn public(&self) -> Result<(String, String), StoreError> {
        let url = self.session(None).await?.url;
        let host = url.find("://").map_or(0, |at| at + 3);
        let path = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
        let (origin, path) = url.split_at(path);
        Ok((self.public_endpoint.clone().unwrap_or_else(|| origin.to_owned()), path.to_owned()))
    }
}

fn request(session: &Session, asked: &Asked<'_>, len: u64, body: Body) -> Result<Request<Body>, Cause> {
    let mark = if asked.query.is_empty() { "" } else { "?" };
    let url = format!("{}{}{mark}{}", session.url, asked.path, asked.query);
    let mut request = Request::builder().method(&asked.method).uri(url).body(body)?;
    let headers = request.headers_mut();
    headers.extend(asked.headers.clone());
    headers.insert(AUTH_TOKEN, session.token.clone());
    if asked.method == Method::PUT {
        headers.insert(CONTENT_LENGTH, len.into());
        headers.entry(CONTENT_TYPE).or_insert(BYTES);
    }
    Ok(request)
}
