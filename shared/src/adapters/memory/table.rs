//! The table in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::ports::{
    Attributes, Change, Condition, Direction, Item, Key, Page, Query, Table, TableError, Write, added,
};

/// The table in memory: what a table promises, in as few words as will do. Gone with the process.
#[derive(Debug, Default)]
pub struct MemoryTable {
    items: Mutex<BTreeMap<Key, Attributes>>,
}

impl MemoryTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    // A commit changes the map in one step, so what a panic elsewhere leaves behind is whole.
    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Attributes>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        Ok(self.items().get(key).map(|attributes| Item { key: key.clone(), attributes: attributes.clone() }))
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let items = self.items();
        let found = keys.iter().filter_map(|key| items.get_key_value(key));
        Ok(found.map(|(key, attributes)| Item { key: key.clone(), attributes: attributes.clone() }).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        query.check()?;
        let items = self.items();
        let first = Key { partition: query.partition.clone(), sort: String::new() };
        let partition = items.range(first..).take_while(|(key, _)| key.partition == query.partition);
        let mut places: Vec<_> =
            partition.filter_map(|(key, attributes)| place(query, key, attributes)).collect();
        places.sort_unstable_by(|a, b| a.order.cmp(&b.order));
        if query.direction == Direction::Descending {
            places.reverse();
        }
        places.retain(|place| is_wanted(query, place.order));
        let more = places.len() > query.limit;
        places.truncate(query.limit);
        let items = places
            .into_iter()
            .map(|place| Item { key: place.key.clone(), attributes: place.attributes.clone() });
        Ok(Page { items: items.collect(), more })
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        write.check()?;
        let mut items = self.items();
        let mut after = Vec::with_capacity(write.changes().len());
        for (change, what) in write.into_changes().into_iter().enumerate() {
            let now = items.get(what.key());
            let (key, condition, next) = match what {
                Change::Put(item, condition) => (item.key, condition, Some(item.attributes)),
                Change::Remove(key, condition) => (key, condition, None),
                Change::Add(_, additions) if !additions.iter().all(|addition| addition.holds(now)) => {
                    return Err(TableError::ConditionFailed { change });
                }
                Change::Add(key, additions) => {
                    let sum = added(now.cloned().unwrap_or_default(), &additions)?;
                    (key, Condition::Always, Some(sum))
                }
                Change::Check(key, condition) => (key, condition, now.cloned()),
            };
            if !condition.holds(now) {
                return Err(TableError::ConditionFailed { change });
            }
            after.push((key, next));
        }
        for (key, next) in after {
            match next {
                Some(attributes) => items.insert(key, attributes),
                None => items.remove(&key),
            };
        }
        Ok(())
    }
}

/// An item and where it stands in the order asked for: by value, then by sort key.
struct Place<'a> {
    order: (&'a str, &'a str),
    key: &'a Key,
    attributes: &'a Attributes,
}

/// Where an item stands, unless the index lacks it.
fn place<'a>(query: &Query, key: &'a Key, attributes: &'a Attributes) -> Option<Place<'a>> {
    let order = match query.index {
        None => (key.sort.as_str(), ""),
        Some(index) => (attributes.get(index.name()).and_then(Value::as_str)?, key.sort.as_str()),
    };
    Some(Place { order, key, attributes })
}

/// Whether a place lies in the range asked for and behind the position to start after.
fn is_wanted(query: &Query, order: (&str, &str)) -> bool {
    let in_range =
        query.range.as_ref().is_none_or(|range| (range.start().as_str()..=range.end()).contains(&order.0));
    let is_behind = query.after.as_ref().is_none_or(|after| {
        let start =
            after.indexed.as_ref().map_or((after.sort.as_str(), ""), |value| (value, after.sort.as_str()));
        match query.direction {
            Direction::Ascending => order > start,
            Direction::Descending => order < start,
        }
    });
    in_range && is_behind
}
