//! The stores beside the default one: each is told what `store` is told.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::Value;

use super::{Config, Secret, Setting, StoreAdapter, StoreConfig};
use crate::id::StoreId;

/// Stores by id, written as an object of JSON with an object for each, with the keys of `store`; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoreStores(BTreeMap<StoreId, StoreConfig>);

/// What no store says of itself: its name is the table's.
const OF_THE_DEFAULT: &str = "id";

impl MoreStores {
    /// The stores.
    pub fn iter(&self) -> impl Iterator<Item = &StoreConfig> {
        self.0.values()
    }
}

impl FromStr for MoreStores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // A file's tables come as JSON, too: so no function carries what reads TOML.
        let tables: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_str(text).map_err(|error| format!("must be an object of JSON: {error}"))?;
        let mut stores = BTreeMap::new();
        for (id, table) in tables {
            let (id, store) = store(&id, &table).map_err(|why| format!("{id}{why}"))?;
            stores.insert(id, store);
        }
        Ok(Self(stores))
    }
}

/// One store, told by the settings of the default one.
fn store(id: &str, table: &BTreeMap<String, Value>) -> Result<(StoreId, StoreConfig), String> {
    let store = id.parse::<StoreId>().map_err(|error| format!(": {error}"))?;
    let mut config = Config::default();
    config.store.id = store.clone();
    for (key, value) in table {
        let setting = Setting::of(&format!("store.{key}")).filter(|_| key != OF_THE_DEFAULT);
        let setting = setting.ok_or_else(|| format!(".{key}: there is no such setting of a store"))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => {
                let kind = kind(other);
                return Err(format!(".{key}: must be a text, a whole number, true or false, not {kind}"));
            }
        };
        (setting.set)(&mut config, &text).map_err(|why| format!(".{key}: {why}"))?;
    }
    Ok((store, config.store))
}

/// What a value is, in a word: it may be a secret.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Number(_) => "a fraction",
        Value::Bool(_) | Value::String(_) => "a value of another kind",
    }
}

/// The ids alone: there may be secrets in what was written.
impl fmt::Display for MoreStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.keys().map(StoreId::as_str).collect();
        f.write_str(&ids.join(","))
    }
}

impl StoreConfig {
    /// The directory of a store that is one, in the data directory unless it is somewhere else.
    pub fn directory(&self, data: &Path, is_default: bool) -> PathBuf {
        match &self.directory {
            Some(directory) => directory.clone(),
            None if is_default => data.join("store"),
            None => data.join("stores").join(self.id.as_str()),
        }
    }

    /// Whether images can be added to it.
    pub fn takes_data(&self) -> bool {
        self.adapter != StoreAdapter::Http
    }

    /// Who asks the server, when that is not whoever the SDK finds.
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        Some((self.access_key_id.as_deref()?, self.secret_access_key.as_ref()?))
    }
}

impl Config {
    /// Every store, the default first.
    pub fn stores(&self) -> impl Iterator<Item = &StoreConfig> {
        std::iter::once(&self.store).chain(self.stores.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_written_with_the_keys_of_the_default_one() {
        let json =
            r#"{"slow": {"adapter": "s3", "bucket": "b", "weight": -1}, "near": {"description": "here"}}"#;
        let stores: MoreStores = json.parse().unwrap();
        let told: Vec<_> = stores
            .iter()
            .map(|store| (store.id.as_str(), store.adapter, store.weight, store.description.as_deref()))
            .collect();
        let near = ("near", StoreAdapter::File, 0, Some("here"));
        assert_eq!(told, [near, ("slow", StoreAdapter::S3, -1, None)]);
        assert_eq!(" ".parse::<MoreStores>().unwrap(), MoreStores::default());
    }

    #[test]
    fn what_is_wrong_is_named_by_store_and_key() {
        for (text, fault) in [
            (r#"{"slow": {"colour": "red"}}"#, "slow.colour: there is no such setting of a store"),
            (r#"{"slow": {"id": "other"}}"#, "slow.id: there is no such setting of a store"),
            (r#"{"slow": {"weight": "heavy"}}"#, "slow.weight: must be a whole number, not 'heavy'"),
            (r#"{"a b": {"weight": 1}}"#, "a b: store id must be 1 to 64 letters, digits, '_' or '-'"),
            (
                "{\"slow\": {\"bucket\": []}}",
                "slow.bucket: must be a text, a whole number, true or false, not a list",
            ),
        ] {
            assert_eq!(text.parse::<MoreStores>().unwrap_err(), fault);
        }
    }

    #[test]
    fn secrets_of_stores_are_not_shown() {
        let stores: MoreStores =
            r#"{"slow": {"access_key_id": "me", "secret_access_key": "hidden"}}"#.parse().unwrap();
        assert_eq!(stores.to_string(), "slow");
        assert!(!format!("{stores:?}").contains("hidden"));
    }
}
