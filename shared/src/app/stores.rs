//! The stores, as they are configured.

use std::sync::Arc;

#[cfg(any(feature = "file", feature = "memory", feature = "s3"))]
use super::not_built;
use super::{App, StartError};
#[cfg(feature = "aws")]
use crate::adapters::aws::Host;
use crate::config::{StoreAdapter, StoreConfig};
use crate::operations::{Bucket, StoreInfo, Stores};
use crate::ports::Store;

impl App {
    /// Opens the stores.
    ///
    /// # Errors
    /// [`StartError`] when one cannot be opened or was not built in.
    pub fn stores(&self) -> Result<Stores, StartError> {
        self.each_store(|store| self.store(store))
    }

    /// Opens the stores a function in the cloud has: S3.
    ///
    /// # Errors
    /// [`StartError`] when another is configured.
    #[cfg(feature = "s3")]
    pub fn cloud_stores(&self) -> Result<Stores, StartError> {
        self.each_store(|store| match store.adapter {
            StoreAdapter::S3 => Ok(s3(Host::FUNCTION, store)),
            other => Err(not_built("store.adapter", other)),
        })
    }

    fn each_store(
        &self,
        open: impl Fn(&StoreConfig) -> Result<Arc<dyn Store>, StartError>,
    ) -> Result<Stores, StartError> {
        let stores = self.config.stores().map(|store| Ok((store.id.clone(), store.weight, open(store)?)));
        Ok(Stores::many(self.config.store.id.clone(), stores.collect::<Result<Vec<_>, StartError>>()?))
    }

    #[allow(unreachable_patterns, reason = "only a program with every adapter knows them all")]
    fn store(&self, store: &StoreConfig) -> Result<Arc<dyn Store>, StartError> {
        match store.adapter {
            #[cfg(feature = "file")]
            StoreAdapter::File => {
                let root = store.directory(&self.config.data, store.id == self.config.store.id);
                let opened = crate::adapters::file::FileStore::open(&root);
                Ok(Arc::new(opened.map_err(|cause| super::cannot_open(&root, cause))?))
            }
            #[cfg(feature = "memory")]
            StoreAdapter::Memory => Ok(Arc::new(crate::adapters::memory::MemoryStore::new())),
            #[cfg(feature = "s3")]
            StoreAdapter::S3 => Ok(s3(Host::MACHINE, store)),
            other => Err(not_built("store.adapter", other)),
        }
    }

    /// A store, as administrators may know it.
    pub(super) fn store_info(&self, store: &StoreConfig) -> StoreInfo {
        let (upload, is_default) = (&self.config.upload, store.id == self.config.store.id);
        let (kind, properties) = match store.adapter {
            StoreAdapter::File => {
                let directory = store.directory(&self.config.data, is_default).display().to_string();
                ("file", serde_json::json!({ "data_dir": directory, "thin_provisioning": false }))
            }
            StoreAdapter::Memory => ("memory", serde_json::json!({})),
            StoreAdapter::S3 => {
                let properties = serde_json::json!({
                    "s3_store_large_object_size": upload.part_mib,
                    "s3_store_large_object_chunk_size": upload.part_mib,
                    "s3_store_thread_pools": upload.parts_in_flight,
                });
                ("s3", properties)
            }
        };
        StoreInfo {
            id: store.id.clone(),
            is_default,
            kind,
            weight: store.weight,
            description: store.description.clone(),
            properties: properties.as_object().cloned().unwrap_or_default(),
        }
    }

    /// The buckets that stores lie in.
    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let buckets = self.config.stores().filter(|store| store.adapter == StoreAdapter::S3);
        buckets
            .map(|store| Bucket {
                store: store.id.clone(),
                name: store.bucket.clone().unwrap_or_default(),
                prefix: store.prefix.clone(),
            })
            .collect()
    }
}

#[cfg(feature = "s3")]
fn s3(host: Host, store: &StoreConfig) -> Arc<dyn Store> {
    use crate::adapters::aws::credentials;
    use crate::adapters::s3::{S3Settings, S3Store};

    let mut aws = super::aws(host, store.endpoint.as_ref(), store.region.as_ref());
    aws.credentials = store.credentials().map(|(id, secret)| credentials(id, secret.reveal()));
    Arc::new(S3Store::new(S3Settings {
        aws,
        bucket: store.bucket.clone().unwrap_or_default(),
        prefix: store.prefix.clone(),
        path_style: store.path_style,
        public_endpoint: store.public_endpoint.clone(),
    }))
}
