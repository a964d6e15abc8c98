//! What a deployment offers: ways to import, and stores. It is configured, so nothing is read.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::id::StoreId;
use crate::identity::Caller;
use crate::image::Accepted;
use crate::import::ImportMethod;
use crate::policy::{Operation, Policy, Target};

/// Operations on what is configured.
#[derive(Clone, Debug)]
pub struct Info {
    policy: Policy,
    stores: Arc<[StoreInfo]>,
    schemas: Arc<Schemas>,
    import_methods: Arc<[ImportMethod]>,
}

/// What clients check images by.
#[derive(Debug)]
struct Schemas {
    image: Value,
    images: Value,
}

/// A store, as administrators may know it: no credentials are in it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreInfo {
    /// Its id.
    pub id: StoreId,
    /// Whether it takes images nobody chose a store for.
    pub is_default: bool,
    /// Whether nothing can be written to it.
    pub is_read_only: bool,
    /// What it is, in Glance's words where Glance has such a store.
    pub kind: &'static str,
    /// How gladly it is read from, against others: the higher the sooner.
    pub weight: i64,
    /// What people are told of it.
    pub description: Option<String>,
    /// What else is configured about it.
    pub properties: Map<String, Value>,
}

impl Info {
    /// What these stores are, and what values images may take. Nothing can be imported.
    pub fn new(policy: Policy, stores: impl IntoIterator<Item = StoreInfo>, accepted: &Accepted) -> Self {
        // glanceclient asks before nearly every command, and the answer never changes.
        let schemas = Schemas { image: accepted.schema(), images: accepted.page_schema() };
        let (stores, schemas) = (stores.into_iter().collect(), Arc::new(schemas));
        Self { policy, stores, schemas, import_methods: Arc::default() }
    }

    /// The same, with these ways to import enabled.
    #[must_use]
    pub fn importing(self, methods: impl Into<Arc<[ImportMethod]>>) -> Self {
        Self { import_methods: methods.into(), ..self }
    }

    /// The schema of an image (`GET /v2/schemas/image`).
    pub fn image_schema(&self) -> &Value {
        &self.schemas.image
    }

    /// The schema of a page of images (`GET /v2/schemas/images`).
    pub fn images_schema(&self) -> &Value {
        &self.schemas.images
    }

    /// The methods of import that are enabled (`GET /v2/info/import`).
    pub fn import_methods(&self) -> &[ImportMethod] {
        &self.import_methods
    }

    /// The stores, as everybody may know them (`GET /v2/info/stores`).
    pub fn stores(&self) -> &[StoreInfo] {
        &self.stores
    }

    /// The stores and how they are configured (`GET /v2/info/stores/detail`).
    ///
    /// # Errors
    /// `Forbidden` to all but administrators and services.
    pub fn store_details(&self, caller: &Caller) -> Result<&[StoreInfo]> {
        self.policy.check(Operation::StoresInfoDetail, caller, Target::own())?;
        Ok(&self.stores)
    }
}
