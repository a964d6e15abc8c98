//! An object on its way in: segments, and the manifest that makes one object of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::Inner;
use super::account::Asked;
use super::failure::refused;
use super::names::Segment;
use crate::ports::{Chunks, ObjectWriter, Part, StoreError};
use crate::store::ObjectKey;

/// A segment as a manifest names it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) segment: Segment,
    pub(super) md5: String,
    pub(super) len: u64,
}

impl Inner {
    /// Writes a part as a segment of its own, and answers what it is. Nothing of it stays when parts may not come any more.
    pub(super) async fn write_segment(
        &self,
        key: &ObjectKey,
        number: u32,
        bytes: &Chunks,
    ) -> Result<Written, StoreError> {
        let segment = Segment::new(number, None);
        let path = self.names.url(&self.names.segment(key, &segment));
        let md5 = self.write(&path, "write a part at", bytes).await?;
        // Who removes the object takes its mark away before it looks for segments: this one is seen by it, or sees that.
        if !self.is_marked(key).await? {
            self.delete(&path).await?;
            return Err(StoreError::Failed("the object was removed while it was written".into()));
        }
        Ok(Written { segment, md5, len: bytes.len() })
    }

    /// Makes the object of segments, in their order.
    pub(super) async fn write_manifest(&self, key: &ObjectKey, parts: &[Written]) -> Result<(), StoreError> {
        let entry = |part: &Written| {
            let path = self.names.in_manifest(&self.names.segment(key, &part.segment));
            json!({"path": path, "etag": part.md5, "size_bytes": part.len})
        };
        let mut entries: Vec<Value> = parts.iter().map(entry).collect();
        if entries.len() > self.manifest_entries {
            let mut manifests = Vec::new();
            for (at, entries) in entries.chunks(self.manifest_entries).enumerate() {
                let name = self.names.manifest(key, at);
                self.put_manifest(&self.names.url(&name), entries).await?;
                manifests
                    .push(json!({"path": self.names.in_manifest(&name), "etag": null, "size_bytes": null}));
            }
            entries = manifests;
        }
        self.put_manifest(&self.names.object(key), &entries).await
    }

    async fn put_manifest(&self, path: &str, entries: &[Value]) -> Result<(), StoreError> {
        const ACTION: &str = "write the manifest of";
        let body = Chunks::from(vec![Value::from(entries).to_string().into()]);
        let asked = Asked {
            action: ACTION,
            method: Method::PUT,
            path,
            query: "multipart-manifest=put",
            headers: HeaderMap::new(),
            body,
        };
        let answer = self.account.answer(&asked).await?;
        if answer.status.is_success() { Ok(()) } else { Err(refused(ACTION, path, answer.status)) }
    }
}

/// An object whose segments come.
#[derive(Debug)]
pub(super) struct SwiftWriter {
    inner: Arc<Inner>,
    key: ObjectKey,
    written: Mutex<BTreeMap<u32, Written>>,
}

impl SwiftWriter {
    pub(super) async fn begin(inner: Arc<Inner>, key: ObjectKey) -> Result<Self, StoreError> {
        inner.mark(&key).await?;
        Ok(Self { inner, key, written: Mutex::default() })
    }
}

#[async_trait]
impl ObjectWriter for SwiftWriter {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        let written = self.inner.write_segment(&self.key, part.number, &part.bytes).await?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(part.number, written);
        Ok(())
    }

    async fn complete(&self) -> Result<(), StoreError> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let parts: Vec<_> = written.into_values().collect();
        self.inner.write_manifest(&self.key, &parts).await?;
        self.inner.unmark(&self.key).await
    }
}
