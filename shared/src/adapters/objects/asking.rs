//! Requests that are sent again: what one asks, what is answered, and how long is waited.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use http::header::{CONTENT_LENGTH, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::time::timeout;

use super::Pieces;
use super::failure::nonsense;
use crate::error::Cause;
use crate::ports::{Chunks, StoreError};

/// The body of a request.
pub(in crate::adapters) type Body = UnsyncBoxBody<Bytes, Cause>;

/// Times a request is sent at most: some three seconds of waiting.
pub(in crate::adapters) const TRIES: u32 = 6;

/// Waits between two tries: anything up to twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Bytes a second that a body is given at least.
const SLOWEST: u64 = 256 << 10;

/// Connecting takes a moment, or does not happen.
pub(in crate::adapters) const CONNECT: Duration = Duration::from_secs(5);

/// What all objects have for a type: nobody says what they are.
pub(in crate::adapters) const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// An answer with its whole body.
#[derive(Debug)]
pub(in crate::adapters) struct Answer {
    pub(in crate::adapters) status: StatusCode,
    pub(in crate::adapters) headers: HeaderMap,
    pub(in crate::adapters) body: Bytes,
}

impl Answer {
    /// Reads the body of an answer, of at most so many bytes.
    pub(in crate::adapters) async fn whole(
        answer: Response<Incoming>,
        limit: Duration,
        most: usize,
    ) -> Result<Self, Cause> {
        let (head, body) = answer.into_parts();
        let body = timeout(limit, Limited::new(body, most).collect()).await??.to_bytes();
        Ok(Self { status: head.status, headers: head.headers, body })
    }

    /// A header as a text; nothing when it is not there.
    pub(in crate::adapters) fn told(&self, name: &HeaderName) -> Option<&str> {
        told(&self.headers, name)
    }
}

/// A header as a text; nothing when it is not there.
pub(in crate::adapters) fn told<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A body that is sent as often as need be.
pub(in crate::adapters) fn body(chunks: &Chunks) -> Body {
    let pieces = chunks.pieces().to_vec();
    StreamBody::new(stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(piece))))).boxed_unsync()
}

/// The header that asks for a range.
pub(in crate::adapters) fn range(range: &Range<u64>) -> Result<HeaderMap, StoreError> {
    let range = HeaderValue::try_from(format!("bytes={}-{}", range.start, range.end - 1));
    Ok(HeaderMap::from_iter([(RANGE, range.map_err(|error| StoreError::Failed(error.into()))?)]))
}

/// The body of a good answer, which is to have what was asked for and no more.
pub(in crate::adapters) fn ranged(
    answer: Response<Incoming>,
    path: &str,
    Range { start, end }: Range<u64>,
) -> Result<Pieces, StoreError> {
    let len = told(answer.headers(), &CONTENT_LENGTH).and_then(|len| len.parse().ok());
    // A range beyond the end is cut, and a server that knows no ranges sends the whole.
    if len != Some(end - start) || (start > 0 && answer.status() != StatusCode::PARTIAL_CONTENT) {
        return Err(nonsense(path, format!("{start}..{end} was asked for, {len:?} bytes offered")));
    }
    Ok(Box::pin(answer.into_body().into_data_stream().map_err(Cause::from)))
}

/// How long an answer may take to begin whose request has a body of so many bytes.
pub(in crate::adapters) fn limit(usual: Duration, bytes: u64) -> Duration {
    usual + Duration::from_secs(bytes / SLOWEST)
}

/// Waits before the try after so many.
pub(in crate::adapters) async fn pause(again: u32) {
    let most = FIRST_PAUSE.saturating_mul(1 << again.min(TRIES));
    tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
}
