//! The stores images are kept in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::StoreId;
use crate::image::Location;
use crate::ports::Store;

/// The stores there are, by id, and the one that takes images nobody chose a store for.
#[derive(Clone, Debug)]
pub struct Stores {
    default: StoreId,
    stores: Arc<BTreeMap<StoreId, Held>>,
}

/// The parameter of signed URLs that names a store. It is not signed: every store seals by a key of its own.
const STORE: &str = "store";

#[derive(Debug)]
struct Held {
    store: Arc<dyn Store>,
    weight: i64,
}

impl Stores {
    /// One store, which takes every image.
    pub fn single(id: StoreId, store: Arc<dyn Store>) -> Self {
        Self::many(id.clone(), [(id, 0, store)])
    }

    /// Stores with their weights. `default` is one of them.
    pub fn many(default: StoreId, stores: impl IntoIterator<Item = (StoreId, i64, Arc<dyn Store>)>) -> Self {
        let held = |(id, weight, store)| (id, Held { store, weight });
        Self { default, stores: Arc::new(stores.into_iter().map(held).collect()) }
    }

    /// A store, if there is one of that id.
    pub fn get(&self, id: &StoreId) -> Option<&Arc<dyn Store>> {
        self.stores.get(id).map(|held| &held.store)
    }

    /// Sees that images may be added to a store, if there is one of that id.
    ///
    /// # Errors
    /// `Gone` where they are only read.
    pub fn writable(&self, id: &StoreId) -> Result<()> {
        match self.get(id) {
            Some(store) if store.is_read_only() => {
                Err(Error::Gone(format!("store '{id}' is read-only: no image can be added to it")))
            }
            _ => Ok(()),
        }
    }

    /// The store that an object lies in.
    ///
    /// # Errors
    /// `Internal` when it is not configured.
    pub(super) fn holding(&self, id: &StoreId) -> Result<&Arc<dyn Store>> {
        let missing = || Error::internal(format!("an object lies in store '{id}', which is not configured"));
        self.get(id).ok_or_else(missing)
    }

    /// The store that takes images nobody chose one for.
    pub fn default_id(&self) -> &StoreId {
        &self.default
    }

    /// Their ids, the default first.
    pub fn ids(&self) -> impl Iterator<Item = &StoreId> {
        let others = self.stores.keys().filter(|id| **id != self.default);
        std::iter::once(&self.default).chain(others)
    }

    /// Whether there is more than one, so that clients choose.
    pub fn are_many(&self) -> bool {
        self.stores.len() > 1
    }

    /// The query of a URL that leads to this service, with the store that signed it where that is not the default one.
    pub(super) fn with_store(&self, id: &StoreId, query: String) -> String {
        if *id == self.default { query } else { format!("{query}&{STORE}={id}") }
    }

    /// The store that signed a query.
    pub(super) fn of_query(&self, query: &[(String, String)]) -> Option<(&StoreId, &Arc<dyn Store>)> {
        let named = query.iter().find(|(name, _)| name == STORE);
        let id = named.map_or(Some(self.default.clone()), |(_, id)| id.parse().ok())?;
        self.stores.get_key_value(&id).map(|(id, held)| (id, &held.store))
    }

    /// Where an image is read first, and where next: in the stores that are preferred, in their order, then in the others, the
    /// heavier the sooner, and among equals where it was written first. A store that is not configured any more is left out.
    pub fn in_order<'a>(&self, locations: &'a [Location], prefer: &[StoreId]) -> Vec<&'a Location> {
        let mut known: Vec<_> = locations.iter().filter(|at| self.stores.contains_key(&at.store)).collect();
        let weight = |id: &StoreId| self.stores.get(id).map_or(i64::MIN, |held| held.weight);
        known.sort_by_key(|at| {
            let wanted = prefer.iter().position(|id| *id == at.store).unwrap_or(usize::MAX);
            (wanted, Reverse(weight(&at.store)))
        });
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::memory::MemoryStore;

    fn stores() -> Stores {
        let store =
            |id: &str, weight| (id.parse().unwrap(), weight, Arc::new(MemoryStore::new()) as Arc<dyn Store>);
        Stores::many("near".parse().unwrap(), [store("near", 0), store("far", -5), store("fast", 10)])
    }

    fn at(store: &str) -> Location {
        let key = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ".to_owned();
        Location { store: store.parse().unwrap(), key: key.try_into().unwrap() }
    }

    fn order(prefer: &[&str]) -> Vec<String> {
        let locations = ["far", "gone", "near", "fast"].map(at);
        let prefer: Vec<StoreId> = prefer.iter().map(|id| id.parse().unwrap()).collect();
        stores().in_order(&locations, &prefer).into_iter().map(|at| at.store.as_str().to_owned()).collect()
    }

    #[test]
    fn the_heaviest_store_that_is_configured_is_read_first() {
        assert_eq!(order(&[]), ["fast", "near", "far"]);
    }

    #[test]
    fn what_is_preferred_comes_before_any_weight_in_the_order_it_was_named() {
        assert_eq!(order(&["far", "near"]), ["far", "near", "fast"]);
    }

    #[test]
    fn the_default_is_named_first() {
        assert_eq!(stores().ids().map(StoreId::as_str).collect::<Vec<_>>(), ["near", "far", "fast"]);
    }
}
