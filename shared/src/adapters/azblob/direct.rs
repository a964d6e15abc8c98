//! Parts that clients bring through the gateway, each a block.

use futures_util::StreamExt as _;
use http::Method;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use super::Inner;
use super::account::Asked;
use super::blocks::Written;
use crate::adapters::objects::failure::told;
use crate::adapters::objects::{Fault, checked};
use crate::ports::{Part, PartBody, PartError, StoreError};
use crate::store::{ArrivedPart, ObjectKey, PartGrant};

impl Inner {
    /// Takes a part whose leave was looked at: its bytes go on as they come, the last of them when all are as they were declared.
    pub(super) async fn take(&self, grant: &PartGrant, body: PartBody) -> Result<String, PartError> {
        const ACTION: &str = "write a part of";
        if !self.is_marked(&grant.key).await? {
            return Err(PartError::Ended);
        }
        let (block, path) = (self.block(grant.number, grant.checksum.clone()), self.names.object(&grant.key));
        let id = block.id();
        let query = [("blockid", id.as_str()), ("comp", "block")];
        let fault = Fault::default();
        let frames = checked(grant, body, fault.clone()).map(|bytes| bytes.map(Frame::data));
        let body = StreamBody::new(frames).boxed_unsync();
        let asked = Asked { query: &query, ..Asked::new(ACTION, Method::PUT, &path) };
        let sent = self.account.stream(&asked, grant.len(), body).await;
        // What was wrong with the body is why the request failed.
        if let Some(fault) = fault.take() {
            return Err(fault);
        }
        let answer = sent.map_err(|cause| StoreError::Unavailable(told(ACTION, &path, cause)))?;
        if !answer.status.is_success() {
            return Err(asked.refused(answer.status, &answer.headers).into());
        }
        if !self.is_marked(&grant.key).await? {
            return Err(PartError::Ended);
        }
        Ok(block.etag())
    }

    /// Brings a part whose bytes are here.
    pub(super) async fn bring(&self, key: &ObjectKey, part: &Part) -> Result<(), StoreError> {
        if !self.is_marked(key).await? {
            return Err(StoreError::NotFound);
        }
        self.write_block(key, part.number, &part.bytes).await.map(drop)
    }

    pub(super) async fn arrived(
        &self,
        key: &ObjectKey,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        if !self.is_marked(key).await? {
            return Err(StoreError::NotFound);
        }
        let latest = self.latest(&self.names.object(key)).await?;
        let behind = latest.iter().filter(|written| written.block.number > after);
        Ok(behind.take(limit as usize).map(Written::arrived).collect())
    }

    pub(super) async fn assemble(&self, key: &ObjectKey, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        if !self.is_marked(key).await? {
            return self.size(key).await.map(drop);
        }
        let path = self.names.object(key);
        let latest = self.latest(&path).await?;
        if latest.iter().map(Written::arrived).eq(parts.iter().cloned()) {
            self.commit(&path, &latest).await?;
            return self.unmark(key).await;
        }
        // An earlier run may have been stopped before it took the mark away.
        match self.size(key).await {
            Ok(len) if len == parts.iter().map(|part| part.len).sum::<u64>() => self.unmark(key).await,
            Ok(_) | Err(StoreError::NotFound) => {
                Err(StoreError::Failed("a part has changed since, or is missing".into()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Written {
    fn arrived(&self) -> ArrivedPart {
        let (etag, checksum) = (self.block.etag(), self.block.checksum.clone());
        ArrivedPart { number: self.block.number, len: self.len, etag, checksum }
    }
}
