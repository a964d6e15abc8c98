//! What this deployment offers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::http::ApiError;
use shared::identity::Caller;
use shared::operations::{Info, StoreInfo};

/// A store as the API shows it. What is true is the text "true", and what is not is left out: clients know it so.
#[derive(Debug, Serialize)]
pub(crate) struct StoreView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'static str>,
    #[serde(rename = "read-only", skip_serializing_if = "Option::is_none")]
    read_only: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    detail: Option<StoreDetailView>,
}

/// What administrators see of it.
#[derive(Debug, Serialize)]
struct StoreDetailView {
    #[serde(rename = "type")]
    kind: &'static str,
    weight: i64,
    properties: Map<String, Value>,
}

impl From<&StoreInfo> for StoreView {
    fn from(store: &StoreInfo) -> Self {
        Self {
            id: store.id.to_string(),
            description: store.description.clone(),
            default: store.is_default.then_some("true"),
            read_only: store.is_read_only.then_some("true"),
            detail: None,
        }
    }
}

type StoresView = BTreeMap<&'static str, Vec<StoreView>>;

fn listed(stores: impl Iterator<Item = StoreView>) -> Json<StoresView> {
    Json(BTreeMap::from([("stores", stores.collect())]))
}

/// Shows how images can be imported.
#[utoipa::path(get, path = "/v2/info/import", operation_id = "showImportInfo", tag = "info",
    responses(
        (status = 200, description = "The methods that are enabled",
            body = ref("#/components/schemas/ImportInfo"), content_type = "application/json")))]
pub(crate) async fn import(State(info): State<Info>, _: Caller) -> Json<Value> {
    let enabled: Vec<_> = info.import_methods().iter().map(|method| method.name()).collect();
    let methods = json!({ "description": "Import methods available.", "type": "array", "value": enabled });
    Json(json!({ "import-methods": methods }))
}

/// Lists the stores.
#[utoipa::path(get, path = "/v2/info/stores", operation_id = "listStores", tag = "info",
    responses(
        (status = 200, description = "The stores",
            body = ref("#/components/schemas/Stores"), content_type = "application/json")))]
pub(crate) async fn stores(State(info): State<Info>, _: Caller) -> Json<StoresView> {
    listed(info.stores().iter().map(StoreView::from))
}

/// Lists the stores with how they are configured.
#[utoipa::path(get, path = "/v2/info/stores/detail", operation_id = "listStoreDetails", tag = "info",
    responses(
        (status = 200, description = "The stores",
            body = ref("#/components/schemas/StoreDetails"), content_type = "application/json"),
        (status = 403, description = "The caller may not")))]
pub(crate) async fn store_details(
    State(info): State<Info>,
    caller: Caller,
) -> Result<Json<StoresView>, ApiError> {
    let detailed = |store: &StoreInfo| {
        let properties = store.properties.clone();
        let detail = StoreDetailView { kind: store.kind, weight: store.weight, properties };
        StoreView { detail: Some(detail), ..store.into() }
    };
    Ok(listed(info.store_details(&caller)?.iter().map(detailed)))
}
