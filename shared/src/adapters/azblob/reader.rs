//! An object on its way out.

use std::ops::Range;
use std::sync::Arc;

use http::Method;

use super::Inner;
use super::account::Asked;
use crate::adapters::objects::{self, Pieces, asking};
use crate::ports::{ByteStream, StoreError};
use crate::store::ObjectKey;

/// Streams a range of an object.
pub(super) async fn read(
    inner: Arc<Inner>,
    key: &ObjectKey,
    range: Range<u64>,
) -> Result<ByteStream, StoreError> {
    let path = inner.names.object(key);
    let of = path.clone();
    let ask = move |rest| {
        let (inner, path) = (Arc::clone(&inner), of.clone());
        async move { ask(&inner, &path, rest).await }
    };
    objects::read(path, range, ask).await
}

async fn ask(inner: &Inner, path: &str, range: Range<u64>) -> Result<Pieces, StoreError> {
    let asked = Asked { headers: asking::range(&range)?, ..Asked::new("read", Method::GET, path) };
    let answer = inner.account.send(&asked).await?;
    if !answer.status().is_success() {
        return Err(asked.refused(answer.status(), answer.headers()));
    }
    asking::ranged(answer, path, range)
}
