//! Whole objects: written, looked at and removed; and the marks of those whose parts may come.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Inner;
use super::account::{Asked, code};
use crate::adapters::objects::failure::nonsense;
use crate::ports::{Chunks, StoreError};
use crate::store::ObjectKey;

const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");
const BLOCK_BLOB: HeaderValue = HeaderValue::from_static("BlockBlob");
const DELETE_SNAPSHOTS: HeaderName = HeaderName::from_static("x-ms-delete-snapshots");

/// Whatever is there.
pub(super) const ANY: HeaderValue = HeaderValue::from_static("*");

/// What the server says when a name is to be new and is not: the second is the older answer.
const IS_THERE: [&str; 2] = ["BlobAlreadyExists", "ConditionNotMet"];

/// How often a removal looks again at an object that is made whole meanwhile.
const LOOKS: u32 = 4;

impl Inner {
    /// Writes what lies at a path in one request.
    pub(super) async fn put(
        &self,
        path: &str,
        action: &'static str,
        bytes: &Chunks,
    ) -> Result<(), StoreError> {
        let headers = HeaderMap::from_iter([(BLOB_TYPE, BLOCK_BLOB)]);
        let asked = Asked { headers, body: bytes.clone(), ..Asked::new(action, Method::PUT, path) };
        let answer = self.account.answer(&asked).await?;
        if answer.status.is_success() { Ok(()) } else { Err(asked.refused(answer.status, &answer.headers)) }
    }

    /// Begins what comes in parts.
    pub(super) async fn mark(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.put(&self.names.mark(key), "begin", &Chunks::default()).await
    }

    /// Whether parts may come.
    pub(super) async fn is_marked(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        match self.look(&self.names.mark(key)).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has no more parts come.
    pub(super) async fn unmark(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.delete(&self.names.mark(key)).await.map(drop)
    }

    pub(super) async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.look(&self.names.object(key)).await
    }

    /// How many bytes lie at a path.
    async fn look(&self, path: &str) -> Result<u64, StoreError> {
        let asked = Asked::new("look at", Method::HEAD, path);
        let answer = self.account.answer(&asked).await?;
        if !answer.status.is_success() {
            return Err(asked.refused(answer.status, &answer.headers));
        }
        let len = answer.told(&CONTENT_LENGTH).and_then(|len| len.parse().ok());
        len.ok_or_else(|| nonsense(path, "an object without a length"))
    }

    /// Removes what lies at a path, and says whether it did.
    async fn delete(&self, path: &str) -> Result<bool, StoreError> {
        let headers = HeaderMap::from_iter([(DELETE_SNAPSHOTS, HeaderValue::from_static("include"))]);
        let asked = Asked { headers, ..Asked::new("remove", Method::DELETE, path) };
        let answer = self.account.answer(&asked).await?;
        if answer.status.is_success() {
            return Ok(true);
        }
        match asked.refused(answer.status, &answer.headers) {
            StoreError::NotFound => Ok(false),
            error => Err(error),
        }
    }

    /// Removes an object and all that was begun of it. Without its mark no part is written any more that could be used.
    pub(super) async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.unmark(key).await?;
        let path = self.names.object(key);
        for _ in 0..LOOKS {
            // With a whole object go the blocks that came later.
            if self.delete(&path).await? || self.discard(&path).await? {
                return Ok(());
            }
        }
        Err(StoreError::Failed(format!("'{path}' was made whole again and again").into()))
    }

    /// Removes the blocks of what is not whole: there is no other way than to make an object of none of them. `false` when it is whole.
    async fn discard(&self, path: &str) -> Result<bool, StoreError> {
        match self.blocks(path).await {
            Ok(blocks) if !blocks.is_empty() => {}
            Ok(_) | Err(StoreError::NotFound) => return Ok(true),
            Err(error) => return Err(error),
        }
        Ok(self.commit(path, &[]).await? && self.delete(path).await?)
    }
}

/// Whether a name that was to be new is not.
pub(super) fn is_there(headers: &HeaderMap) -> bool {
    IS_THERE.contains(&code(headers))
}
