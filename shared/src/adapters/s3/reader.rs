//! An object on its way out.

use std::ops::Range;
use std::sync::Arc;

use futures_util::stream;

use super::Bucket;
use super::failure::refused;
use crate::adapters::objects::failure::nonsense;
use crate::adapters::objects::{self, Pieces};
use crate::error::Cause;
use crate::ports::{ByteStream, StoreError};

/// Streams a range of an object.
pub(super) async fn read(
    bucket: Arc<Bucket>,
    path: String,
    range: Range<u64>,
) -> Result<ByteStream, StoreError> {
    let of = path.clone();
    let ask = move |rest| {
        let (bucket, path) = (Arc::clone(&bucket), of.clone());
        async move { ask(&bucket, &path, rest).await }
    };
    objects::read(path, range, ask).await
}

async fn ask(bucket: &Bucket, path: &str, Range { start, end }: Range<u64>) -> Result<Pieces, StoreError> {
    let request = bucket.client().await.get_object().bucket(bucket.name()).key(path);
    let sent = request.range(format!("bytes={start}-{}", end - 1)).send().await;
    let answer = sent.map_err(|error| refused("read", path, &error))?;
    let len = answer.content_length().and_then(|len| u64::try_from(len).ok());
    // A range beyond the end is cut, and a server that knows no ranges sends the whole.
    if len != Some(end - start) {
        return Err(nonsense(path, format!("{start}..{end} was asked for, {len:?} bytes offered")));
    }
    Ok(Box::pin(stream::unfold(answer.body, async |mut body| {
        let bytes = body.next().await?;
        Some((bytes.map_err(Cause::from), body))
    })))
}
