//! An object on its way out: one ranged request, and another from the byte reached whenever a connection breaks.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream as Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::time::timeout;

use super::Bucket;
use super::failure::{broken_off, nonsense, refused};
use crate::error::Cause;
use crate::ports::{ByteStream, StoreError};

/// Connections in a row that may break without having brought a byte.
const FRUITLESS: u32 = 4;

/// How long a connection may bring nothing while we wait for it.
const STALLED: Duration = Duration::from_secs(30);

/// Streams a range of an object.
pub(super) async fn read(
    bucket: Arc<Bucket>,
    path: String,
    range: Range<u64>,
) -> Result<ByteStream, StoreError> {
    let mut reading = Reading { bucket, path, rest: range, body: None, fruitless: 0 };
    reading.body = Some(reading.ask().await?);
    Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
}

struct Reading {
    bucket: Arc<Bucket>,
    path: String,
    /// What has not come yet.
    rest: Range<u64>,
    body: Option<Body>,
    fruitless: u32,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        while !self.rest.is_empty() {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.ask().await?,
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
                Ok(Some(Err(broken))) => self.give_up_after_some(broken.into())?,
                Ok(None) => self.give_up_after_some("the body ended early".into())?,
                Err(stalled) => self.give_up_after_some(stalled.into())?,
            }
        }
        Ok(None)
    }

    /// Asks for what has not come yet.
    async fn ask(&self) -> Result<Body, StoreError> {
        let Range { start, end } = self.rest;
        let request = self.bucket.client().await.get_object().bucket(self.bucket.name()).key(&self.path);
        let sent = request.range(format!("bytes={start}-{}", end - 1)).send().await;
        let answer = sent.map_err(|error| refused("read", &self.path, &error))?;
        let len = answer.content_length().and_then(|len| u64::try_from(len).ok());
        // A range beyond the end is cut, and a server that knows no ranges sends the whole.
        if len != Some(end - start) {
            return Err(nonsense(&self.path, format!("{start}..{end} was asked for, {len:?} bytes offered")));
        }
        Ok(answer.body)
    }

    fn give_up_after_some(&mut self, cause: Cause) -> Result<(), StoreError> {
        self.fruitless += 1;
        if self.fruitless >= FRUITLESS { Err(broken_off(&self.path, cause)) } else { Ok(()) }
    }
}
