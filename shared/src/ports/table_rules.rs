//! What the table's port promises whatever the engine: what a write and a query may ask, when a condition holds.
//! Every adapter refuses the same things before it asks its engine.

use std::collections::HashSet;

use serde_json::Value;

use super::table::{
    Addition, Attributes, Change, Condition, Index, Item, Key, MAX_ITEM_BYTES, Query, TableError, Write,
    item_bytes,
};

/// The most bytes a partition may have (DynamoDB's limit).
const MAX_PARTITION_BYTES: usize = 2048;
/// The most bytes a sort key or an index attribute may have (DynamoDB's limit).
const MAX_SORT_BYTES: usize = 1024;
/// How deep lists and maps may nest in an attribute (DynamoDB's limit).
const MAX_DEPTH: usize = 32;
/// Names that an engine gives to the key.
const KEY_NAMES: [&str; 2] = ["PK", "SK"];

impl Key {
    /// Whether an item can lie there at all. One that cannot is absent to every read.
    pub fn is_possible(&self) -> bool {
        (1..=MAX_PARTITION_BYTES).contains(&self.partition.len())
            && (1..=MAX_SORT_BYTES).contains(&self.sort.len())
    }
}

impl Condition {
    /// Whether it holds of what lies at the key now.
    pub fn holds(&self, now: Option<&Attributes>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => now.is_none(),
            Self::Present => now.is_some(),
            Self::Equals(name, value) => now.and_then(|attributes| attributes.get(name)) == Some(value),
        }
    }
}

impl Write {
    /// The most a write's items may hold together, in bytes (DynamoDB `TransactWriteItems`).
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;

    /// Refuses what no table takes.
    ///
    /// # Errors
    /// `TooLarge` for an item over the limit, or items over it together; `Failed` for a write that breaks the port's
    /// rules: 1 to 100 changes, each at its own possible key, attributes as [`Attributes`] and [`Index`] say.
    pub fn check(&self) -> Result<(), TableError> {
        if self.changes().is_empty() || self.changes().len() > Self::MAX_CHANGES {
            return Err(refused(format!("a write of {} changes", self.changes().len())));
        }
        let mut keys = HashSet::with_capacity(self.changes().len());
        let mut total = 0;
        for change in self.changes() {
            if !change.key().is_possible() {
                return Err(refused("a key that is empty or too long"));
            }
            if !keys.insert(change.key()) {
                return Err(refused("two changes at one key"));
            }
            match change {
                Change::Put(item, _) => total += check_item(item)?,
                Change::Add(_, additions) => check_additions(additions)?,
                Change::Remove(..) | Change::Check(..) => {}
            }
        }
        if total > Self::MAX_BYTES { Err(TableError::TooLarge { limit: Self::MAX_BYTES }) } else { Ok(()) }
    }
}

/// The item's size, if a table takes it.
fn check_item(item: &Item) -> Result<usize, TableError> {
    let size = item_bytes(item);
    if size > MAX_ITEM_BYTES {
        return Err(TableError::TooLarge { limit: MAX_ITEM_BYTES });
    }
    check_names(&item.attributes)?;
    for value in item.attributes.values() {
        check_value(value, 1)?;
    }
    for index in Index::ALL {
        match item.attributes.get(index.name()) {
            None => {}
            Some(Value::String(text)) if (1..=MAX_SORT_BYTES).contains(&text.len()) => {}
            Some(_) => return Err(refused("an index attribute that is no string, empty or too long")),
        }
    }
    Ok(size)
}

fn check_names(attributes: &Attributes) -> Result<(), TableError> {
    if KEY_NAMES.iter().any(|name| attributes.contains_key(*name)) {
        return Err(refused("an attribute with the name of a key"));
    }
    if attributes.contains_key("") { Err(refused("an attribute without a name")) } else { Ok(()) }
}

fn check_value(value: &Value, depth: usize) -> Result<(), TableError> {
    match value {
        _ if depth > MAX_DEPTH => Err(refused("an attribute that is nested too deep")),
        Value::Number(number) if !number.is_i64() => Err(refused("a number that is no 64-bit integer")),
        Value::Array(values) => values.iter().try_for_each(|value| check_value(value, depth + 1)),
        Value::Object(map) if map.contains_key("") => Err(refused("an attribute without a name")),
        Value::Object(map) => map.values().try_for_each(|value| check_value(value, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn check_additions(additions: &[Addition]) -> Result<(), TableError> {
    let names: HashSet<_> = additions.iter().map(|addition| addition.name.as_str()).collect();
    if names.is_empty() || names.len() != additions.len() {
        return Err(refused("an addition to no attribute, or twice to one"));
    }
    let taken = |name: &str| {
        name.is_empty() || KEY_NAMES.contains(&name) || Index::ALL.iter().any(|index| index.name() == name)
    };
    if names.into_iter().any(taken) {
        Err(refused("an addition to an attribute that is no counter"))
    } else {
        Ok(())
    }
}

impl Query {
    /// Refuses what no table answers.
    ///
    /// # Errors
    /// `Failed` for a query that breaks the port's rules: a limit of 0, an impossible partition, a bound or a position
    /// longer than a sort key, a position that does not fit the order.
    pub fn check(&self) -> Result<(), TableError> {
        if self.limit == 0 {
            return Err(refused("a query for no item"));
        }
        if !(1..=MAX_PARTITION_BYTES).contains(&self.partition.len()) {
            return Err(refused("a partition that is empty or too long"));
        }
        if self
            .range
            .as_ref()
            .is_some_and(|range| range.start().len().max(range.end().len()) > MAX_SORT_BYTES)
        {
            return Err(refused("a range bound that is too long"));
        }
        let Some(after) = &self.after else { return Ok(()) };
        if after.indexed.is_some() != self.index.is_some() {
            return Err(refused("a position of another order"));
        }
        let lengths = 1..=MAX_SORT_BYTES;
        let possible = after.indexed.iter().chain([&after.sort]).all(|text| lengths.contains(&text.len()));
        if possible { Ok(()) } else { Err(refused("a position that is empty or too long")) }
    }
}

impl Addition {
    /// Whether its bound, if it has one, holds when it is added to what lies at the key now. It does not where there is no
    /// counter to add to.
    pub fn holds(&self, now: Option<&Attributes>) -> bool {
        let Some(at_most) = self.at_most else { return true };
        let now = now.and_then(|attributes| attributes.get(&self.name)).map_or(Some(0), Value::as_i64);
        now.is_some_and(|now| now.saturating_add(self.amount) <= at_most)
    }
}

/// What the attributes are after the additions. Bounds are looked at by [`Addition::holds`].
///
/// # Errors
/// `Failed` when an attribute is no integer, or the sum is none that fits in an `i64`.
pub fn added(mut attributes: Attributes, additions: &[Addition]) -> Result<Attributes, TableError> {
    for Addition { name, amount, .. } in additions {
        let now = attributes.get(name).map_or(Some(0), Value::as_i64);
        let sum = now
            .and_then(|now| now.checked_add(*amount))
            .ok_or_else(|| refused("an addition to no counter"))?;
        attributes.insert(name.clone(), sum.into());
    }
    Ok(attributes)
}

fn refused(what: impl Into<String>) -> TableError {
    TableError::Failed(what.into().into())
}
