//! Requests to the account, each signed and dated, and sent again after a pause when the server is busy or a connection breaks.
//! Everything that is asked here may be asked twice.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::names::Names;
use super::signing::{AccountKey, IN_A_QUERY};
use super::{Access, AzureSettings};
use crate::adapters::connections::{Connections, pool};
use crate::adapters::objects::asking::{self, Answer, BYTES, Body, CONNECT, TRIES, limit, pause};
use crate::adapters::objects::failure::{Answered, is_passing, told};
use crate::error::Cause;
use crate::ports::{Chunks, Clock, StoreError};
use crate::text::escaped;
use crate::time::Timestamp;

/// The version of the API: blocks of 4000 MiB are of 2019.
pub(super) const VERSION: &str = "2021-12-02";

/// More than all blocks that a blob can have: a hundred thousand, of some 130 bytes.
const MAX_ANSWER_BYTES: usize = 32 << 20;

const DATE: HeaderName = HeaderName::from_static("x-ms-date");
const API: HeaderName = HeaderName::from_static("x-ms-version");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// An account, and by what leave it is asked.
#[derive(Debug)]
pub(super) struct Account {
    access: Access,
    endpoint: String,
    /// The path of the endpoint, where accounts are told apart by it.
    root: String,
    pool: Connections<Body>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    /// The container, where it is to be made.
    to_make: Option<String>,
    made: OnceCell<()>,
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// What it is for, in errors.
    pub(super) action: &'static str,
    pub(super) method: Method,
    /// Under the account.
    pub(super) path: &'a str,
    /// Its pairs, sorted by name and not escaped.
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: HeaderMap,
    pub(super) body: Chunks,
}

impl<'a> Asked<'a> {
    /// One without a body.
    pub(super) fn new(action: &'static str, method: Method, path: &'a str) -> Self {
        Self { action, method, path, query: &[], headers: HeaderMap::new(), body: Chunks::default() }
    }

    /// An answer that was not hoped for, after what can be tried again was.
    pub(super) fn refused(&self, status: StatusCode, headers: &HeaderMap) -> StoreError {
        let code = code(headers);
        let cause: Cause = if code.is_empty() {
            Answered(status).into()
        } else {
            format!("the server answered {status}, {code}").into()
        };
        let cause = told(self.action, self.path, cause);
        match status {
            // Not the container, nor the account.
            StatusCode::NOT_FOUND if ["", "BlobNotFound", "ResourceNotFound"].contains(&code) => {
                StoreError::NotFound
            }
            StatusCode::INSUFFICIENT_STORAGE => StoreError::Full,
            status if is_passing(status) => StoreError::Unavailable(cause),
            _ => StoreError::Failed(cause),
        }
    }
}

/// What the server calls an error; empty when it does not say.
pub(super) fn code(headers: &HeaderMap) -> &str {
    asking::told(headers, &ERROR_CODE).unwrap_or_default()
}

impl Account {
    pub(super) fn new(settings: AzureSettings) -> Result<Self, Cause> {
        let endpoint = settings.endpoint.trim_end_matches('/').to_owned();
        let uri: Uri = endpoint.parse()?;
        let root = uri.path().trim_end_matches('/').to_owned();
        let speaks_tls = endpoint.starts_with("https://");
        let pool = pool(settings.ca_file.as_deref(), speaks_tls, CONNECT.min(settings.timeout))?;
        let container = Names::new(&settings.container, "").container();
        Ok(Self {
            access: settings.access,
            endpoint,
            root,
            pool,
            timeout: settings.timeout,
            clock: settings.clock,
            to_make: settings.create_container.then_some(container),
            made: OnceCell::new(),
        })
    }

    /// The account's name and key, when it is asked by one.
    pub(super) fn key(&self) -> Option<(&str, &AccountKey)> {
        match &self.access {
            Access::Key { account, key } => Some((account, key)),
            Access::Signature(_) => None,
        }
    }

    /// Whether URLs can be signed.
    pub(super) fn signs(&self) -> bool {
        self.key().is_some()
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
        self.made.get_or_try_init(async || self.make_container().await).await?;
        self.repeat(asked).await
    }

    async fn repeat(&self, asked: &Asked<'_>) -> Result<Response<Incoming>, StoreError> {
        let mut again = 0;
        loop {
            let fault = match self.once(asked).await {
                Ok(answer) if is_passing(answer.status()) => Answered(answer.status()).into(),
                Ok(answer) => return Ok(answer),
                Err(cause) => cause,
            };
            again += 1;
            if again == TRIES {
                return Err(StoreError::Unavailable(told(asked.action, asked.path, fault)));
            }
            pause(again).await;
        }
    }

    async fn once(&self, asked: &Asked<'_>) -> Result<Response<Incoming>, Cause> {
        let request = self.request(asked, asked.body.len(), asking::body(&asked.body))?;
        Ok(timeout(limit(self.timeout, asked.body.len()), self.pool.request(request)).await??)
    }

    /// Sends a body that comes once, so the request is sent once. After the body's last byte the answer may take as long as any.
    pub(super) async fn stream(&self, asked: &Asked<'_>, len: u64, body: Body) -> Result<Answer, Cause> {
        let answer = self.pool.request(self.request(asked, len, body)?).await?;
        self.whole(answer).await
    }

    /// Makes the container, or finds it there, once.
    async fn make_container(&self) -> Result<(), StoreError> {
        let Some(path) = &self.to_make else { return Ok(()) };
        let asked = Asked {
            query: &[("restype", "container")],
            ..Asked::new("make the container", Method::PUT, path)
        };
        let answer = self.repeat(&asked).await?;
        let status = answer.status();
        if status.is_success() || code(answer.headers()) == "ContainerAlreadyExists" {
            return Ok(());
        }
        Err(asked.refused(status, answer.headers()))
    }

    fn request(&self, asked: &Asked<'_>, len: u64, body: Body) -> Result<Request<Body>, Cause> {
        let mut headers = asked.headers.clone();
        headers.insert(DATE, date(self.clock.now())?.parse()?);
        headers.insert(API, HeaderValue::from_static(VERSION));
        if asked.method == Method::PUT {
            headers.insert(CONTENT_LENGTH, len.into());
            headers.entry(CONTENT_TYPE).or_insert(BYTES);
        }
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", escaped(value, IN_A_QUERY));
        let mut query: Vec<_> = asked.query.iter().map(pair).collect();
        match &self.access {
            Access::Key { account, key } => {
                let path = format!("{}{}", self.root, asked.path);
                let authorization =
                    key.authorization(account, &asked.method, &path, asked.query, &headers)?;
                let mut authorization = HeaderValue::from_str(&authorization)?;
                authorization.set_sensitive(true);
                headers.insert(AUTHORIZATION, authorization);
            }
            Access::Signature(token) => query.push(token.reveal().to_owned()),
        }
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{mark}{}", self.endpoint, asked.path, query.join("&"));
        // Not told of in errors: it may hold a signature.
        let uri: Uri = url.parse().map_err(|_| "what is asked for makes no URL")?;
        let mut request = Request::new(body);
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// As HTTP writes dates.
fn date(now: Timestamp) -> Result<String, Cause> {
    let second = jiff::Timestamp::from_second(now.microseconds().div_euclid(1_000_000))?;
    Ok(jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&second)?)
}
