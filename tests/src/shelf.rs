//! Data that others have written, and the stores that give it: the web, and a bucket beside what the service writes there.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use shared::adapters::memory::MemoryStore;
use shared::id::StoreId;
use shared::operations::Addresses;
use shared::ports::{ByteStream, Chunks, FetchError, ObjectWriter, PartLimits, Store, StoreError};
use shared::store::{Address, ObjectKey, Takes};

/// The store that gives what is on the web.
pub const WEB: &str = "web";

/// The store whose bucket has objects of others.
pub const BUCKET: &str = "pictures";

/// What a URL has in it whose source serves all of it or nothing.
pub const WHOLE: &str = "/whole/";

/// What others have written, by URL or by key.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    named: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl Shelf {
    /// Puts something there.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.named.lock().unwrap().insert(name.to_owned(), Bytes::copy_from_slice(bytes));
    }

    /// What is there.
    pub fn names(&self) -> Vec<String> {
        self.named.lock().unwrap().keys().cloned().collect()
    }

    fn get(&self, name: &str) -> Option<Bytes> {
        self.named.lock().unwrap().get(name).cloned()
    }
}

/// A store with objects of others beside its own.
#[derive(Debug)]
pub(crate) struct ShelfStore {
    pub(crate) own: MemoryStore,
    pub(crate) shelf: Shelf,
    /// The web is read and never written.
    pub(crate) is_web: bool,
}

impl ShelfStore {
    fn given(&self, name: &str) -> Result<Bytes, StoreError> {
        let absent = || {
            if self.is_web {
                StoreError::Failed(Box::new(FetchError::NotThere(404)))
            } else {
                StoreError::NotFound
            }
        };
        // Of the web, no server is told of a fragment.
        let asked = if self.is_web { name.split('#').next().unwrap_or_default() } else { name };
        self.shelf.get(asked).ok_or_else(absent)
    }
}

#[async_trait]
impl Store for ShelfStore {
    fn part_limits(&self) -> PartLimits {
        self.own.part_limits()
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.own.put(key, bytes).await
    }

    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        self.own.begin(key, size).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        let Some(name) = key.name() else { return self.own.read(key, range).await };
        let bytes = self.given(name)?;
        if self.is_web && name.contains(WHOLE) && range.start > 0 {
            return Err(StoreError::Failed(Box::new(FetchError::NoRanges)));
        }
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        if range.end > bytes.len() {
            return Err(StoreError::Failed("the source is shorter by now".into()));
        }
        Ok(Box::pin(futures_util::stream::iter([Ok(bytes.slice(range))])))
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        match key.name() {
            Some(name) => Ok(self.given(name)?.len() as u64),
            None => self.own.size(key).await,
        }
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        match key.name() {
            None => self.own.remove(key).await,
            Some(_) if self.is_web => Ok(()),
            Some(name) => {
                self.shelf.named.lock().unwrap().remove(name);
                Ok(())
            }
        }
    }
}

/// Where stores of these ids and weights are.
pub(crate) fn addresses<'a>(stores: impl Iterator<Item = (&'a StoreId, i64)>) -> Addresses {
    Addresses::new(stores.map(|(id, weight)| (id.clone(), weight, address(id.as_str()))))
}

fn address(id: &str) -> Address {
    match id {
        WEB => Address { prefix: String::new(), takes: Takes::Web },
        BUCKET => {
            let (name, prefix) = (BUCKET.to_owned(), "glint/".to_owned());
            Address {
                prefix: "s3://pictures/glint/".to_owned(),
                takes: Takes::Bucket { name, prefix, server: None },
            }
        }
        other => Address { prefix: format!("memory://{other}/"), takes: Takes::Nothing },
    }
}
