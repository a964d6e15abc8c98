//! An object on its way out: one ranged request, and another from the byte reached whenever a connection breaks.

use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::failure::{nonsense, told};
use crate::error::Cause;
use crate::ports::{ByteStream, StoreError};

/// Connections in a row that may break without having brought a byte.
const FRUITLESS: u32 = 4;

/// How long a connection may bring nothing while we wait for it.
const STALLED: Duration = Duration::from_secs(30);

/// The body of an answer.
pub(in crate::adapters) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Cause>> + Send>>;

/// Streams a range of what lies at a path. `ask` has an answer of exactly as many bytes as the range it is given.
pub(in crate::adapters) async fn read<A, F>(
    path: String,
    range: Range<u64>,
    ask: A,
) -> Result<ByteStream, StoreError>
where
    A: Fn(Range<u64>) -> F + Send + 'static,
    F: Future<Output = Result<Pieces, StoreError>> + Send + 'static,
{
    let body = Some(ask(range.clone()).await?);
    let reading = Reading { ask, path, rest: range, body, fruitless: 0 };
    Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
}

struct Reading<A> {
    ask: A,
    path: String,
    /// What has not come yet.
    rest: Range<u64>,
    body: Option<Pieces>,
    fruitless: u32,
}

impl<A, F> Reading<A>
where
    A: Fn(Range<u64>) -> F,
    F: Future<Output = Result<Pieces, StoreError>>,
{
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        while !self.rest.is_empty() {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => (self.ask)(self.rest.clone()).await?,
            };
            match timeout(STALLED, body.next()).await {
                Ok(Some(Ok(bytes))) => {
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
                Ok(Some(Err(broken))) => self.give_up_after_some(broken)?,
                Ok(None) => self.give_up_after_some("the body ended early".into())?,
                Err(stalled) => self.give_up_after_some(stalled.into())?,
            }
        }
        Ok(None)
    }

    fn give_up_after_some(&mut self, cause: Cause) -> Result<(), StoreError> {
        self.fruitless += 1;
        if self.fruitless < FRUITLESS {
            return Ok(());
        }
        Err(StoreError::Unavailable(told("read on in", &self.path, cause)))
    }
}
