//! The bytes of an answer, held against what its head said, and against the clock.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::answer::Answered;
use super::connection::{Connected, Driver};
use crate::ports::{FetchError, FetchStream, Span};

/// How long a connection may take to end once its last byte was read, before it is ended.
const PARTING: Duration = Duration::from_millis(200);

/// Bytes on their way.
#[derive(Debug)]
pub(super) struct Transfer {
    body: Incoming,
    driver: Driver,
    at: u64,
    stop: Option<u64>,
    is_cut: bool,
    max_bytes: u64,
    idle: Duration,
    until: Instant,
}

impl Transfer {
    /// Streams a body until the source's time is up.
    pub(super) fn begin(
        connected: Connected,
        source: &Answered,
        max_bytes: u64,
        idle: Duration,
        until: Instant,
    ) -> FetchStream {
        let (at, stop, is_cut) = (source.from, source.stop, source.is_cut);
        let (body, driver) = (connected.response.into_body(), connected.driver);
        let transfer = Self { body, driver, at, stop, is_cut, max_bytes, idle, until };
        Box::pin(stream::try_unfold(transfer, |mut transfer| async move {
            Ok(transfer.next().await?.map(|bytes| (bytes, transfer)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            if self.stop == Some(self.at) && self.is_cut {
                return Ok(None);
            }
            let patience = (Instant::now() + self.idle).min(self.until);
            let Ok(frame) = timeout_at(patience, self.body.frame()).await else {
                let span = if patience == self.until { Span::Whole } else { Span::Idle };
                return Err(FetchError::TimedOut(span));
            };
            match frame.transpose().map_err(|error| self.broken(error))?.map(hyper::body::Frame::into_data) {
                Some(Ok(bytes)) if !bytes.is_empty() => return self.taken(bytes).map(Some),
                // Nothing, or trailers.
                Some(_) => {}
                None => return self.ended().await,
            }
        }
    }

    fn taken(&mut self, mut bytes: Bytes) -> Result<Bytes, FetchError> {
        let left = self.stop.map(|stop| stop - self.at);
        if let Some(left) = left.filter(|left| bytes.len() as u64 > *left) {
            if !self.is_cut {
                return Err(more_than_told());
            }
            bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.at += bytes.len() as u64;
        if self.at > self.max_bytes {
            return Err(FetchError::TooLong { max_bytes: self.max_bytes });
        }
        Ok(bytes)
    }

    async fn ended(&mut self) -> Result<Option<Bytes>, FetchError> {
        match self.stop {
            Some(told) if told > self.at => Err(FetchError::Short { told, came: self.at }),
            _ => match tokio::time::timeout(PARTING, self.driver.has_more()).await {
                Ok(true) => Err(more_than_told()),
                _ => Ok(None),
            },
        }
    }

    fn broken(&self, error: hyper::Error) -> FetchError {
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
        let is_end = error.is_incomplete_message()
            || source.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        match self.stop {
            Some(told) if is_end => FetchError::Short { told, came: self.at },
            _ => FetchError::Unavailable(Box::new(error)),
        }
    }
}

fn more_than_told() -> FetchError {
    FetchError::Unusable("more bytes than it told of".to_owned())
}
