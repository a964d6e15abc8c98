//! An object on its way out: one ranged request, and another from the byte reached whenever a connection breaks.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::Inner;
use super::account::Asked;
use super::failure::{nonsense, refused, told};
use crate::error::Cause;
use crate::ports::{ByteStream, StoreError};
use crate::store::ObjectKey;

/// Connections in a row that may break without having brought a byte.
const FRUITLESS: u32 = 4;

/// How long a connection may bring nothing while we wait for it.
const STALLED: Duration = Duration::from_secs(30);

/// Streams a range of an object.
pub(super) async fn read(
    inner: Arc<Inner>,
    key: &ObjectKey,
    range: Range<u64>,
) -> Result<ByteStream, StoreError> {
    let path = inner.names.object(key);
    let mut reading = Reading { inner, path, rest: range, body: None, fruitless: 0 };
    reading.body = Some(reading.ask().await?);
    Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
}

struct Reading {
    inner: Arc<Inner>,
    path: String,
    /// What has not come yet.
    rest: Range<u64>,
    body: Option<Incoming>,
    fruitless: u32,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        while !self.rest.is_empty() {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.ask().await?,
            };
            match timeout(STALLED, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    self.rest.start += bytes.len() as u64;
                    if self.rest.start > self.rest.end {
                        return Err(nonsense(&self.path, "more bytes came than were asked for"));
                    }
                    self.body = Some(body);
                    if !bytes.is_empty() {
                        self.fruitless = 0;
                        return Ok(Some((bytes, self)));
                    }
                }
                Ok(Some(Err(broken))) => self.give_up_after_some(broken.into())?,
                Ok(None) => self.give_up_after_some("the body ended early".into())?,
                Err(stalled) => self.give_up_after_some(stalled.into())?,
            }
        }
        Ok(None)
    }

    /// Asks for what has not come yet.
    async fn ask(&self) -> Result<Incoming, StoreError> {
        let Range { start, end } = self.rest;
        let range = HeaderValue::try_from(format!("bytes={start}-{}", end - 1));
        let range = range.map_err(|error| StoreError::Failed(error.into()))?;
        let headers = HeaderMap::from_iter([(RANGE, range)]);
        let asked = Asked { headers, ..Asked::new("read", Method::GET, &self.path) };
        let answer = self.inner.account.send(&asked).await?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => return Err(StoreError::NotFound),
            status => return Err(refused("read", &self.path, status)),
        }
        let len = answer.headers().get(CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
        // A range beyond the end is cut, and a server that knows no ranges sends the whole.
        if len != Some(end - start) || (start > 0 && answer.status() != StatusCode::PARTIAL_CONTENT) {
            return Err(nonsense(&self.path, format!("{start}..{end} was asked for, {len:?} bytes offered")));
        }
        Ok(answer.into_body())
    }

    fn give_up_after_some(&mut self, cause: Cause) -> Result<(), StoreError> {
        self.fruitless += 1;
        if self.fruitless < FRUITLESS {
            return Ok(());
        }
        Err(StoreError::Unavailable(told("read on in", &self.path, cause)))
    }
}
