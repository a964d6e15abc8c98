//! The key-value table: four calls that DynamoDB, its compatibles and a SQL database can all answer.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use serde_json::Value;

use super::Cause;

/// An item's attributes beside its key. Numbers are integers that fit in an `i64`.
pub type Attributes = serde_json::Map<String, Value>;

/// Where an item lies. Both halves are non-empty; a partition is at most 2048 bytes, a sort key 1024 (DynamoDB's limits).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Names the partition.
    pub partition: String,
    /// Orders the item within its partition, by bytes.
    pub sort: String,
}

/// One item of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it lies.
    pub key: Key,
    /// What it holds: at most 400 KB with the key (DynamoDB's limit), on every adapter.
    pub attributes: Attributes,
}

/// A second order of a partition's items: by the string in one attribute, then by sort key. Items that lack the
/// attribute are not in it. What an order means is up to who writes the items: it may differ from partition to partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// By attribute `lsi1`.
    First,
    /// By attribute `lsi2`.
    Second,
    /// By attribute `lsi3`.
    Third,
    /// By attribute `lsi4`.
    Fourth,
}

impl Index {
    /// Every index a table has. DynamoDB takes five, all when the table is made.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Third, Self::Fourth];

    /// The index's name, which is also the attribute it orders by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "lsi1",
            Self::Second => "lsi2",
            Self::Third => "lsi3",
            Self::Fourth => "lsi4",
        }
    }
}

/// Which way a query walks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// A place in an ordered partition. It need not be the place of an item that still exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The sort key.
    pub sort: String,
    /// The index attribute's value, when the query goes by an index.
    pub indexed: Option<String>,
}

/// An ordered read of a part of one partition. Always strongly consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The partition to read.
    pub partition: String,
    /// The order: by sort key, or by an index.
    pub index: Option<Index>,
    /// Only items whose ordering value (sort key, or the index attribute) lies in this range.
    pub range: Option<RangeInclusive<String>>,
    /// Which way to walk.
    pub direction: Direction,
    /// Start behind this place. One outside `range` is as good as the nearer end of the range.
    pub after: Option<Position>,
    /// At most this many items, at least 1.
    pub limit: usize,
}

impl Query {
    /// A walk of the whole partition by sort key, smallest first.
    pub fn partition(partition: impl Into<String>, limit: usize) -> Self {
        Self {
            partition: partition.into(),
            index: None,
            range: None,
            direction: Direction::Ascending,
            after: None,
            limit,
        }
    }
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In the order asked for.
    pub items: Vec<Item>,
    /// False when nothing follows; true when something may.
    pub more: bool,
}

/// What must hold of the item that lies at a change's key when it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no item.
    Absent,
    /// There is an item.
    Present,
    /// There is an item and the attribute has this value.
    Equals(String, Value),
}

/// What is added to one integer attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The attribute.
    pub name: String,
    /// How much, which may be nothing or less than nothing.
    pub amount: i64,
    /// The most the sum may be, if there is such a bound: otherwise the change's condition does not hold. So a limit and what
    /// it limits are one write, and nobody reads first.
    pub at_most: Option<i64>,
}

impl Addition {
    /// An addition without a bound.
    pub fn new(name: impl Into<String>, amount: i64) -> Self {
        Self { name: name.into(), amount, at_most: None }
    }

    /// The same with a bound on the sum.
    #[must_use]
    pub fn at_most(self, most: i64) -> Self {
        Self { at_most: Some(most), ..self }
    }
}

/// One change of one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Writes the item whole, over what was there.
    Put(Item, Condition),
    /// Removes the item; one that is absent already is no error.
    Remove(Key, Condition),
    /// Adds to integer attributes; an absent item or attribute counts as 0. Every bound of theirs must hold of the sum.
    Add(Key, Vec<Addition>),
    /// Changes nothing, but must hold for the rest to be written.
    Check(Key, Condition),
}

impl Change {
    /// Where the change happens.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(item, _) => &item.key,
            Self::Remove(key, _) | Self::Add(key, _) | Self::Check(key, _) => key,
        }
    }
}

/// Changes that happen all together or not at all: 1 to 100 (DynamoDB's limit), no two at one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    changes: Vec<Change>,
}

impl Write {
    /// The most changes one write takes (DynamoDB `TransactWriteItems`).
    pub const MAX_CHANGES: usize = 100;

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The changes, in the order they were added: the order that [`TableError::ConditionFailed`] counts in.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes, for an adapter that takes them over.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

impl Extend<Change> for Write {
    fn extend<T: IntoIterator<Item = Change>>(&mut self, changes: T) {
        self.changes.extend(changes);
    }
}

/// The table. Every read sees every write that was answered before it began.
#[async_trait]
pub trait Table: Debug + Send + Sync {
    /// Reads one item.
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError>;

    /// Reads several items, in no promised order; absent ones are left out. Any number of distinct keys.
    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError>;

    /// Reads a part of a partition in order.
    async fn query(&self, query: &Query) -> Result<Page, TableError>;

    /// Writes all changes or none; when it answers `Ok`, they are durable.
    async fn commit(&self, write: Write) -> Result<(), TableError>;
}

/// Why the table did not do as asked. Nothing was written, unless `Unavailable` says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A condition did not hold.
    #[error("the condition of change {change} did not hold")]
    ConditionFailed {
        /// The first change whose condition failed, counted from 0.
        change: usize,
    },
    /// An item is larger than a table takes.
    #[error("an item is larger than {limit} bytes")]
    TooLarge {
        /// The most an item may hold, in bytes.
        limit: usize,
    },
    /// Throttled, in conflict with other writes, or unreachable, after retries. A write whose answer was lost may have happened.
    #[error("the table is unavailable")]
    Unavailable(#[source] Cause),
    /// Refused or broken: trying again will not help.
    #[error("the table failed")]
    Failed(#[source] Cause),
}

/// The most one item may hold, keys and attribute names included, in bytes (DynamoDB's item limit).
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// An item's size as every adapter counts it: the length of its key and of its attributes as JSON, in bytes.
/// JSON is never shorter than DynamoDB's own count, so what passes here passes there.
pub fn item_bytes(item: &Item) -> usize {
    let attributes = serde_json::to_vec(&item.attributes).map_or(usize::MAX, |json| json.len());
    attributes.saturating_add(item.key.partition.len()).saturating_add(item.key.sort.len())
}
