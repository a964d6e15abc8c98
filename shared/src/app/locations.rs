//! Where stores are, and what looks at data that was registered there.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::catalog::Catalog;
use crate::config::{StoreAdapter, StoreConfig};
use crate::operations::{
    Addresses, Context, Locations, LocationsSettings, Registrar, RegistrarSettings, Shown, Stores,
};
use crate::store::{Address, Takes};

impl App {
    /// Operations on where images lie. Opens no store.
    pub fn locations(&self, context: &Context) -> Locations {
        let settings = LocationsSettings {
            addresses: self.addresses(),
            sources: Arc::new(self.config.egress.rules.clone()),
            do_secure_hash: self.config.locations.do_secure_hash,
            task_life: self.task_life(),
            shown: Shown {
                locations: self.config.locations.show_multiple_locations,
                direct_url: self.config.locations.show_image_direct_url,
            },
            most: self.config.limits.locations,
        };
        Locations::new(context.clone(), settings)
    }

    /// What looks at objects that were registered, for [`Locations::looking`].
    pub fn registrar(&self, catalog: &Catalog, stores: &Stores) -> Registrar {
        let settings = RegistrarSettings {
            completion: self.completion_settings(),
            max_bytes: self.config.limits.image_size_bytes,
            retries: self.config.locations.http_retries,
            task_life: self.task_life(),
        };
        let (clock, events) = (Arc::clone(&self.clock), Arc::clone(&self.events));
        let rules = self.config.image.rules();
        Registrar::new(catalog.clone(), stores.clone(), clock, events, rules, settings)
    }

    fn task_life(&self) -> Duration {
        Duration::from_hours(self.config.tasks.time_to_live_hours)
    }

    fn addresses(&self) -> Addresses {
        Addresses::new(
            self.config.stores().map(|store| (store.id.clone(), store.weight, self.address(store))),
        )
    }

    fn address(&self, store: &StoreConfig) -> Address {
        match store.adapter {
            StoreAdapter::File => {
                let directory = store.directory(&self.config.data, store.id == self.config.store.id);
                let directory = std::path::absolute(&directory).unwrap_or(directory);
                let prefix = format!("file://{}/objects/", directory.display());
                Address { prefix, takes: Takes::Nothing }
            }
            StoreAdapter::Memory => {
                Address { prefix: format!("memory://{}/", store.id), takes: Takes::Nothing }
            }
            StoreAdapter::Swift => {
                let container = store.container.clone().unwrap_or_default();
                Address { prefix: format!("swift://{container}/{}", store.prefix), takes: Takes::Nothing }
            }
            StoreAdapter::Azblob => {
                let (account, container) = (store.azure.account_name.clone(), store.container.clone());
                let (account, container) = (account.unwrap_or_default(), container.unwrap_or_default());
                let prefix = format!("azblob://{account}/{container}/{}", store.prefix);
                Address { prefix, takes: Takes::Nothing }
            }
            StoreAdapter::Gcs => {
                let bucket = store.bucket.clone().unwrap_or_default();
                Address { prefix: format!("gs://{bucket}/{}", store.prefix), takes: Takes::Nothing }
            }
            StoreAdapter::Http => Address { prefix: String::new(), takes: Takes::Web },
            StoreAdapter::S3 => {
                let (name, prefix) = (store.bucket.clone().unwrap_or_default(), store.prefix.clone());
                let server = store.endpoint.as_deref().map(authority).map(str::to_owned);
                let shown = format!("s3://{name}/{prefix}");
                Address { prefix: shown, takes: Takes::Bucket { name, prefix, server } }
            }
        }
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::app::App;
    use crate::config::{Config, Sources};

    #[test]
    fn a_store_is_told_of_by_a_url_without_credentials() {
        let stores = r#"{"far": {"adapter": "s3", "bucket": "pictures", "prefix": "glint/", "endpoint": "http://ceph:7480/",
            "access_key_id": "me", "secret_access_key": "hidden"}, "near": {"directory": "/srv/near"}}"#;
        let config = Config::load(&Sources::default().with_flag("stores", stores)).unwrap();
        let addresses = App::new(config).addresses();
        let told = format!("{addresses:?}");
        assert!(
            told.contains("s3://pictures/glint/") && told.contains(r#"server: Some("ceph:7480")"#),
            "{told}"
        );
        assert!(
            told.contains("file:///srv/near/objects/") && told.contains("glint-data/store/objects/"),
            "{told}"
        );
        assert!(!told.contains("hidden") && !told.contains("\"me\""), "{told}");
    }
}
