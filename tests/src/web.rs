//! What lies at URLs, in this process: sources that serve, and such that break, stall or lie.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use shared::egress::{CheckedUrl, Refusal, Rules};
use shared::ports::{Fetch, FetchError, FetchRequest, Fetched, Span, Validator};

/// A source.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it does not say how many they are.
    pub is_silent: bool,
    /// How it is known again.
    pub tag: Option<&'static str>,
    /// After how many bytes it breaks off, each time.
    pub breaks_after: Option<u64>,
    /// What it answers instead, if that is an error's status.
    pub status: Option<u16>,
    /// The token it wants, if it wants one: others are answered 401.
    pub token: Option<&'static str>,
}

/// A URL that was asked for, and the token that was sent along.
pub type Shown = (String, Option<String>);

/// URLs, and what lies there. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct TestWeb {
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    opened: Arc<Mutex<Vec<u64>>>,
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl TestWeb {
    /// Puts a page at a URL, in the place of what was there.
    pub fn put(&self, url: &str, page: Page) {
        self.pages.lock().unwrap().insert(url.to_owned(), page);
    }

    /// What was asked for since the last call of this, and by which tokens.
    pub fn shown(&self) -> Vec<Shown> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }

    /// From which bytes on sources were asked for.
    pub fn opened(&self) -> Vec<u64> {
        self.opened.lock().unwrap().clone()
    }
}

#[async_trait]
impl Fetch for TestWeb {
    fn check(&self, url: &str) -> Result<CheckedUrl, Refusal> {
        Rules::default().check(url)
    }

    async fn open(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let page = self.pages.lock().unwrap().get(request.url.as_str()).cloned();
        self.opened.lock().unwrap().push(request.from);
        let token = request.token.as_ref().map(|token| token.reveal().to_owned());
        self.shown.lock().unwrap().push((request.url.as_str().to_owned(), token.clone()));
        let page = page.ok_or(FetchError::NotThere(404))?;
        if page.token.is_some_and(|wanted| token.as_deref() != Some(wanted)) {
            return Err(FetchError::NotThere(401));
        }
        if let Some(status) = page.status {
            return Err(if status < 500 { FetchError::NotThere(status) } else { FetchError::Ill(status) });
        }
        let size = page.bytes.len() as u64;
        if size > request.max_bytes {
            return Err(FetchError::TooLong { max_bytes: request.max_bytes });
        }
        let validator = page.tag.and_then(Validator::parse);
        if request.validator.is_some() && request.validator != validator {
            return Err(FetchError::Changed);
        }
        let rest = page.bytes.get(usize::try_from(request.from).unwrap()..).unwrap_or_default();
        let end =
            page.breaks_after.map_or(rest.len(), |after| rest.len().min(usize::try_from(after).unwrap()));
        let mut pieces: Vec<Result<Bytes, FetchError>> = rest
            .get(..end)
            .unwrap_or_default()
            .chunks(50)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        if end < rest.len() {
            pieces.push(Err(FetchError::TimedOut(Span::Idle)));
        }
        let takes_ranges = validator.is_some();
        let size = (!page.is_silent).then_some(size);
        Ok(Fetched { size, takes_ranges, validator, body: Box::pin(stream::iter(pieces)) })
    }
}
