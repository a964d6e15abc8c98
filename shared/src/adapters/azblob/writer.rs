//! An object on its way in: blocks, and the list that makes one object of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::Inner;
use super::blocks::Written;
use crate::ports::{ObjectWriter, Part, StoreError};
use crate::store::ObjectKey;

/// An object whose blocks come.
#[derive(Debug)]
pub(super) struct BlockWriter {
    inner: Arc<Inner>,
    key: ObjectKey,
    written: Mutex<BTreeMap<u32, Written>>,
}

impl BlockWriter {
    pub(super) async fn begin(inner: Arc<Inner>, key: ObjectKey) -> Result<Self, StoreError> {
        inner.mark(&key).await?;
        Ok(Self { inner, key, written: Mutex::default() })
    }
}

#[async_trait]
impl ObjectWriter for BlockWriter {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        let written = self.inner.write_block(&self.key, part.number, &part.bytes).await?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(part.number, written);
        Ok(())
    }

    async fn complete(&self) -> Result<(), StoreError> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parts: Vec<_> = written.into_values().collect();
        if !self.inner.is_marked(&self.key).await? {
            return self.inner.size(&self.key).await.map(drop);
        }
        self.inner.commit(&self.inner.names.object(&self.key), &parts).await?;
        self.inner.unmark(&self.key).await
    }
}
