//! One write, in two steps: all that can refuse it is decided before the first row changes, so a refused write leaves
//! nothing to undo and the writes committed with it are not disturbed.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::failure::failed;
use super::reader;
use crate::ports::{Attributes, Change, Condition, Index, Key, TableError, Write, added};

/// A write whose conditions hold: the rows to change.
pub(super) struct Plan {
    steps: Vec<Step>,
}

struct Step {
    key: Key,
    before: Option<Attributes>,
    after: Option<Attributes>,
}

impl Plan {
    /// Decides a write against what lies in the table now.
    ///
    /// # Errors
    /// `ConditionFailed`, or `Failed` when an addition meets no counter.
    pub(super) fn new(connection: &Connection, write: Write) -> Result<Self, TableError> {
        let mut steps = Vec::with_capacity(write.changes().len());
        for (change, what) in write.into_changes().into_iter().enumerate() {
            let before = reader::get(connection, what.key())?.map(|item| item.attributes);
            let (key, condition, after) = match what {
                Change::Put(item, condition) => (item.key, condition, Some(item.attributes)),
                Change::Remove(key, condition) => (key, condition, None),
                Change::Add(_, additions)
                    if !additions.iter().all(|addition| addition.holds(before.as_ref())) =>
                {
                    return Err(TableError::ConditionFailed { change });
                }
                Change::Add(key, additions) => {
                    let sum = added(before.clone().unwrap_or_default(), &additions)?;
                    (key, Condition::Always, Some(sum))
                }
                Change::Check(_, condition) if condition.holds(before.as_ref()) => continue,
                Change::Check(..) => return Err(TableError::ConditionFailed { change }),
            };
            if !condition.holds(before.as_ref()) {
                return Err(TableError::ConditionFailed { change });
            }
            steps.push(Step { key, before, after });
        }
        Ok(Self { steps })
    }

    /// Changes the rows. An error leaves some of them changed: the transaction around it must be rolled back.
    pub(super) fn apply(&self, connection: &Connection) -> Result<(), TableError> {
        self.steps.iter().try_for_each(|step| step.apply(connection))
    }
}

const PUT: &str = "INSERT INTO items (pk, sk, attributes) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (pk, sk) DO UPDATE SET attributes = excluded.attributes";
const REMOVE: &str = "DELETE FROM items WHERE pk = ?1 AND sk = ?2";
const ENTER: &str = "INSERT INTO entries (name, pk, value, sk) VALUES (?1, ?2, ?3, ?4)";
const LEAVE: &str = "DELETE FROM entries WHERE name = ?1 AND pk = ?2 AND value = ?3 AND sk = ?4";

impl Step {
    fn apply(&self, connection: &Connection) -> Result<(), TableError> {
        let Key { partition, sort } = &self.key;
        if let Some(attributes) = &self.after {
            let text = serde_json::to_string(attributes).map_err(|error| TableError::Failed(error.into()))?;
            execute(connection, PUT, params![partition, sort, text])?;
        } else if self.before.is_some() {
            execute(connection, REMOVE, params![partition, sort])?;
        }
        for index in Index::ALL {
            let (left, entered) = (indexed(self.before.as_ref(), index), indexed(self.after.as_ref(), index));
            if left == entered {
                continue;
            }
            if let Some(value) = left {
                execute(connection, LEAVE, params![index.name(), partition, value, sort])?;
            }
            if let Some(value) = entered {
                execute(connection, ENTER, params![index.name(), partition, value, sort])?;
            }
        }
        Ok(())
    }
}

fn indexed(attributes: Option<&Attributes>, index: Index) -> Option<&str> {
    attributes.and_then(|attributes| attributes.get(index.name())).and_then(Value::as_str)
}

fn execute(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<(), TableError> {
    let run = |connection: &Connection| connection.prepare_cached(sql)?.execute(parameters);
    run(connection).map(drop).map_err(failed)
}
