//! Fetching over HTTP/1.1, through the gate: a name is looked up here, once a connection, every address is judged, and the
//! connection goes to one that was. No proxy is asked, for that would look the name up again. Redirects are followed by hand, each
//! as a URL of its own.

mod answer;
mod body;
mod connection;
mod resolve;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Empty;
use tokio::time::{Instant, timeout_at};

use answer::{Answer, Answered};
use body::Transfer;
use connection::{Connected, Connector};

pub use resolve::{Resolve, ResolveError, SystemResolver};

use crate::egress::{CheckedUrl, Refusal, Rules};
use crate::ports::{Cause, Fetch, FetchError, FetchRequest, Fetched, Span};

/// Redirects that are followed: as many as mirrors need.
const MAX_REDIRECTS: usize = 5;

/// Who asks.
const USER_AGENT: &str = concat!("glint/", env!("CARGO_PKG_VERSION"));

/// How to fetch.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// What from.
    pub rules: Rules,
    /// PEM file of the authorities that sources are certified by; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take, with looking the name up and TLS.
    pub connect: Duration,
    /// How long a source may send nothing.
    pub idle: Duration,
    /// How long one request may take, to its last byte.
    pub whole: Duration,
}

/// Who fetches.
#[derive(Debug)]
pub struct Egress {
    rules: Rules,
    connector: Connector,
    idle: Duration,
    whole: Duration,
}

impl Egress {
    /// Reads the authorities of `ca_file`, if there is one. Connects to nobody yet.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new(settings: &EgressSettings) -> Result<Self, Cause> {
        Self::resolving(settings, Arc::new(SystemResolver))
    }

    /// The same, with names looked up by another.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn resolving(settings: &EgressSettings, resolver: Arc<dyn Resolve>) -> Result<Self, Cause> {
        let connector = Connector::new(settings.ca_file.as_deref(), settings.connect, resolver)?;
        Ok(Self { rules: settings.rules.clone(), connector, idle: settings.idle, whole: settings.whole })
    }

    /// Goes where the URL leads, to the end.
    async fn answer(
        &self,
        method: &Method,
        request: &FetchRequest,
    ) -> Result<(Answer, Connected), FetchError> {
        // It may have been kept since it was judged, and the rules be others.
        let first = self.rules.check(request.url.as_str())?;
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let asked = asked(method, &url, request, url.has_origin_of(&first))?;
            let connected = self.connector.send(&self.rules, &url, asked, self.idle).await?;
            match Answer::read(connected.response.status(), connected.response.headers(), request)? {
                Answer::Redirect(location) => url = self.rules.follow(&url, &location)?,
                answer => return Ok((answer, connected)),
            }
        }
        Err(Refusal::Redirects(MAX_REDIRECTS).into())
    }
}

#[async_trait]
impl Fetch for Egress {
    fn check(&self, url: &str) -> Result<CheckedUrl, Refusal> {
        self.rules.check(url)
    }

    async fn open(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let until = Instant::now() + self.whole;
        let answered = timeout_at(until, self.answer(&Method::GET, &request)).await;
        let (answer, connected) = answered.unwrap_or(Err(FetchError::TimedOut(Span::Whole)))?;
        let source = answer.source(&request)?;
        let body = Transfer::begin(connected, &source, request.max_bytes, self.idle, until);
        let Answered { size, takes_ranges, validator, .. } = source;
        Ok(Fetched { size, takes_ranges, validator, body })
    }

    /// One byte is asked for, and where a source then does not say, only the head: many that make up their data as they send it know more there.
    async fn size(&self, url: &CheckedUrl) -> Result<Option<u64>, FetchError> {
        let byte = FetchRequest { end: Some(1), ..FetchRequest::whole(url.clone()) };
        if let Some(size) = self.open(byte).await?.size {
            return Ok(Some(size));
        }
        let head = FetchRequest::whole(url.clone());
        match timeout_at(Instant::now() + self.whole, self.answer(&Method::HEAD, &head)).await {
            Ok(Ok((answer, _))) => Ok(answer.source(&head)?.size),
            // It was there a moment ago, and said nothing.
            Ok(Err(FetchError::NotThere(_))) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(FetchError::TimedOut(Span::Whole)),
        }
    }
}

/// The request. A token goes to nobody but whom it was for.
fn asked(
    method: &Method,
    url: &CheckedUrl,
    request: &FetchRequest,
    is_first: bool,
) -> Result<Request<Empty<Bytes>>, FetchError> {
    let unusable = |what: &str| FetchError::Unusable(format!("{what} cannot be sent"));
    let value = |text: &str, what: &str| HeaderValue::from_str(text).map_err(|_| unusable(what));
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, value(url.authority(), "its host")?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(range) = range(request) {
        headers.insert(header::RANGE, value(&range, "the range")?);
        if let Some(validator) = &request.validator {
            headers.insert(header::IF_RANGE, value(validator.as_str(), "what it was known by")?);
        }
    }
    if let Some(token) = request.token.as_ref().filter(|_| is_first) {
        let mut token = value(token.reveal(), "the token")?;
        token.set_sensitive(true);
        headers.insert("x-auth-token", token);
    }
    let built = Request::builder().method(method).uri(url.path_and_query()).body(Empty::new());
    let mut built = built.map_err(|_| unusable("its path"))?;
    *built.headers_mut() = headers;
    Ok(built)
}

fn range(request: &FetchRequest) -> Option<String> {
    match request.end {
        Some(end) => Some(format!("bytes={}-{}", request.from, end.saturating_sub(1).max(request.from))),
        None if request.from > 0 => Some(format!("bytes={}-", request.from)),
        None => None,
    }
}
