//! The stores, as they are configured.

use std::sync::Arc;

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

    /// Opens the stores a function in the cloud has: S3, Google's as it speaks S3, and the web, which others read.
    ///
    /// # Errors
    /// [`StartError`] when another is configured.
    #[cfg(feature = "s3")]
    pub fn cloud_stores(&self) -> Result<Stores, StartError> {
        self.in_cloud(|| Ok(Arc::new(crate::adapters::http_store::HttpStore::elsewhere())))
    }

    /// Opens the same in a function that reads the web. Who asks for these carries the gate, and nobody else.
    ///
    /// # Errors
    /// [`StartError`] when another is configured, or the gate cannot be opened.
    #[cfg(all(feature = "egress", feature = "s3"))]
    pub fn cloud_stores_and_web(&self) -> Result<Stores, StartError> {
        self.in_cloud(|| self.web())
    }

    #[cfg(feature = "s3")]
    fn in_cloud(&self, web: impl Fn() -> Result<Arc<dyn Store>, StartError>) -> Result<Stores, StartError> {
        self.each_store(|store| match store.adapter {
            StoreAdapter::S3 | StoreAdapter::Gcs => Ok(s3(Host::FUNCTION, store)),
            StoreAdapter::Http => web(),
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
            StoreAdapter::S3 | StoreAdapter::Gcs => Ok(s3(Host::MACHINE, store)),
            #[cfg(feature = "swift")]
            StoreAdapter::Swift => swift(store),
            #[cfg(feature = "azblob")]
            StoreAdapter::Azblob => self.azure(store),
            #[cfg(feature = "egress")]
            StoreAdapter::Http => self.web(),
            other => Err(not_built("store.adapter", other)),
        }
    }

    /// What lies at URLs of others.
    #[cfg(feature = "egress")]
    fn web(&self) -> Result<Arc<dyn Store>, StartError> {
        Ok(Arc::new(crate::adapters::http_store::HttpStore::new(self.fetch()?)))
    }

    #[cfg(feature = "azblob")]
    fn azure(&self, store: &StoreConfig) -> Result<Arc<dyn Store>, StartError> {
        use crate::adapters::azblob::{Access, AccountKey, AzureSettings, AzureStore, SasToken};

        let open = || {
            let account = store.azure.account_name.clone().unwrap_or_default();
            let endpoint = format!("https://{account}.blob.core.windows.net");
            let access = match (&store.azure.account_key, &store.azure.sas_token) {
                (Some(key), _) => Access::Key { account, key: AccountKey::parse(key.reveal())? },
                (None, token) => {
                    Access::Signature(SasToken::new(token.as_ref().map_or("", |token| token.reveal())))
                }
            };
            AzureStore::new(AzureSettings {
                access,
                endpoint: store.endpoint.clone().unwrap_or(endpoint),
                public_endpoint: store.public_endpoint.clone(),
                ca_file: store.ca_file.clone(),
                container: store.container.clone().unwrap_or_default(),
                create_container: store.create_container,
                prefix: store.prefix.clone(),
                sealer: sealer(store).map_err(Box::new)?,
                timeout: std::time::Duration::from_secs(store.timeout_seconds),
                clock: Arc::clone(&self.clock),
            })
        };
        let opened: Result<AzureStore, crate::error::Cause> = open();
        Ok(Arc::new(opened.map_err(|cause| StartError::Open { what: format!("store {}", store.id), cause })?))
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
            StoreAdapter::S3 | StoreAdapter::Gcs => {
                let properties = serde_json::json!({
                    "s3_store_large_object_size": upload.part_mib,
                    "s3_store_large_object_chunk_size": upload.part_mib,
                    "s3_store_thread_pools": upload.parts_in_flight,
                });
                (if store.adapter == StoreAdapter::Gcs { "gcs" } else { "s3" }, properties)
            }
            StoreAdapter::Swift | StoreAdapter::Azblob => {
                let properties = serde_json::json!({
                    "container": store.container,
                    "large_object_size": upload.part_mib,
                    "large_object_chunk_size": upload.part_mib,
                });
                (if store.adapter == StoreAdapter::Swift { "swift" } else { "azblob" }, properties)
            }
            StoreAdapter::Http => ("http", serde_json::json!({})),
        };
        StoreInfo {
            id: store.id.clone(),
            is_default,
            is_read_only: !store.takes_data(),
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

/// Where Google's store speaks S3.
#[cfg(feature = "s3")]
const GOOGLE: &str = "https://storage.googleapis.com";

#[cfg(feature = "s3")]
fn s3(host: Host, store: &StoreConfig) -> Arc<dyn Store> {
    use crate::adapters::aws::credentials;
    use crate::adapters::s3::{S3Settings, S3Store};

    let is_google = store.adapter == StoreAdapter::Gcs;
    let or = |told: &Option<String>, of_google: &str| {
        told.clone().or_else(|| is_google.then(|| of_google.to_owned()))
    };
    let endpoint = or(&store.endpoint, GOOGLE);
    // Google's takes any, and this where it has to be one.
    let region = or(&store.region, "auto");
    let mut aws = super::aws(host, endpoint.as_ref(), region.as_ref());
    aws.credentials = store.credentials().map(|(id, secret)| credentials(id, secret.reveal()));
    Arc::new(S3Store::new(S3Settings {
        aws,
        bucket: store.bucket.clone().unwrap_or_default(),
        prefix: store.prefix.clone(),
        path_style: store.path_style || is_google,
        public_endpoint: store.public_endpoint.clone(),
        has_checksums: store.checksums && !is_google,
    }))
}

#[cfg(feature = "swift")]
fn swift(store: &StoreConfig) -> Result<Arc<dyn Store>, StartError> {
    use crate::adapters::swift::{Access, MANIFEST_ENTRIES, SwiftSettings, SwiftStore, TempUrlKey, V1Key};
    use crate::config::{AuthVersion, Secret};

    let told = &store.swift;
    let cannot_open = |cause| StartError::Open { what: format!("store {}", store.id), cause };
    let auth_url = told.auth_url.clone().unwrap_or_default();
    let access = match told.auth_version {
        AuthVersion::V1 => {
            let (user, key) = (told.credentials.username.clone(), told.credentials.password.as_ref());
            let key = V1Key::new(key.map_or("", Secret::reveal));
            Access::V1 { auth_url, user: user.unwrap_or_default(), key }
        }
        AuthVersion::V3 => {
            let credentials = super::identity::credentials(&told.credentials);
            let credentials = credentials.ok_or_else(|| cannot_open("credentials are needed".into()))?;
            let (region, interface) = (store.region.clone(), told.interface.name().to_owned());
            Access::Keystone { auth_url, credentials, region, interface }
        }
    };
    let opened = SwiftStore::new(SwiftSettings {
        access,
        storage_url: store.endpoint.clone(),
        public_endpoint: store.public_endpoint.clone(),
        ca_file: store.ca_file.clone(),
        container: store.container.clone().unwrap_or_default(),
        create_container: store.create_container,
        prefix: store.prefix.clone(),
        temp_url_key: told.temp_url_key.as_ref().map(|key| TempUrlKey::new(key.reveal())),
        sealer: sealer(store)?,
        timeout: std::time::Duration::from_secs(store.timeout_seconds),
        manifest_entries: MANIFEST_ENTRIES,
        nested_manifests: told.nested_manifests,
    });
    Ok(Arc::new(opened.map_err(cannot_open)?))
}

/// What seals the URLs of a store that lead through the gateway. No two stores have one key.
#[cfg(any(feature = "azblob", feature = "swift"))]
fn sealer(store: &StoreConfig) -> Result<crate::store::Sealer, StartError> {
    use sha2::{Digest as _, Sha512};

    use crate::store::{SEAL_KEY_BYTES, Sealer};

    let mut key = [0; SEAL_KEY_BYTES];
    match &store.seal_key {
        Some(secret) => {
            let said = format!("glint seal 1\n{}\n{}", store.id, secret.reveal());
            key = Sha512::digest(said).into();
        }
        None => getrandom::fill(&mut key).map_err(|error| StartError::Open {
            what: format!("store {}", store.id),
            cause: error.to_string().into(),
        })?,
    }
    Ok(Sealer::new(key))
}
