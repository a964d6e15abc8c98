//! Reading: a few connections, lent to blocking threads one read at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value as Parameter;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use tokio::sync::Semaphore;

use super::failure::failed;
use super::schema::{self, OpenError};
use crate::ports::{Attributes, Direction, Item, Key, Page, Position, Query, TableError};

/// The most connections that read at once: SQLite's reads are bound by the processor, and each costs memory.
const READERS: usize = 4;

/// The connections that read; opened when first needed, kept for the next read.
#[derive(Debug)]
pub(super) struct Readers {
    turns: Semaphore,
    idle: Arc<Idle>,
}

#[derive(Debug)]
struct Idle {
    path: PathBuf,
    connections: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens the first connection, to see that it can be done.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let first = schema::open_to_read(path).map_err(|error| OpenError::unusable(path, error))?;
        let idle = Idle { path: path.to_owned(), connections: Mutex::new(vec![first]) };
        Ok(Self { turns: Semaphore::new(READERS), idle: Arc::new(idle) })
    }

    /// Runs a read on a thread that may wait for the disk.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, TableError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, TableError> + Send + 'static,
    {
        let _turn = self.turns.acquire().await.map_err(|closed| TableError::Failed(closed.into()))?;
        let idle = Arc::clone(&self.idle);
        let reading = tokio::task::spawn_blocking(move || {
            let connection = idle.take()?;
            let found = read(&connection);
            idle.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            found
        });
        reading.await.map_err(|gone| TableError::Failed(gone.into()))?
    }
}

impl Idle {
    fn take(&self) -> Result<Connection, TableError> {
        let idle = self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_to_read(&self.path).map_err(failed), Ok)
    }
}

const GET: &str = "SELECT attributes FROM items WHERE pk = ?1 AND sk = ?2";

/// Reads one item.
pub(super) fn get(connection: &Connection, key: &Key) -> Result<Option<Item>, TableError> {
    let mut statement = connection.prepare_cached(GET).map_err(failed)?;
    let found = statement.query_row([&key.partition, &key.sort], |row| Ok(parse(text(row, 0)?))).optional();
    let attributes = found.map_err(failed)?.transpose()?;
    Ok(attributes.map(|attributes| Item { key: key.clone(), attributes }))
}

/// Reads several items, as they were at one moment.
pub(super) fn get_batch(connection: &Connection, keys: &[Key]) -> Result<Vec<Item>, TableError> {
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    keys.iter().filter_map(|key| get(&snapshot, key).transpose()).collect()
}

/// Reads a part of a partition in order.
pub(super) fn query(connection: &Connection, query: &Query) -> Result<Page, TableError> {
    let (sql, parameters) = statement(query);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(parameters)).map_err(failed)?;
    let mut page = Page::default();
    while let Some(row) = rows.next().map_err(failed)? {
        // The statement asks for one item more than the page takes, to know whether there is one.
        if page.items.len() == query.limit {
            page.more = true;
            break;
        }
        let sort = text(row, 0).map_err(failed)?.to_owned();
        let attributes = parse(text(row, 1).map_err(failed)?)?;
        page.items.push(Item { key: Key { partition: query.partition.clone(), sort }, attributes });
    }
    Ok(page)
}

// The entries lead: their order is the one asked for.
const BY_INDEX: &str = "SELECT i.sk, i.attributes \
    FROM entries e CROSS JOIN items i ON i.pk = e.pk AND i.sk = e.sk WHERE e.pk = ? AND e.name = ?";
const BY_SORT_KEY: &str = "SELECT i.sk, i.attributes FROM items i WHERE i.pk = ?";

/// The statement for a query: one text for each shape of query, so that it is prepared once.
pub(super) fn statement(query: &Query) -> (String, Vec<Parameter>) {
    let mut parameters = vec![Parameter::from(query.partition.clone())];
    let (behind, near, far, towards) = match query.direction {
        Direction::Ascending => (">", ">=", "<=", "ASC"),
        Direction::Descending => ("<", "<=", ">=", "DESC"),
    };
    let (select, value, place, order) = if let Some(index) = query.index {
        parameters.push(index.name().to_owned().into());
        (BY_INDEX, "e.value", " AND (e.value, e.sk) {} (?, ?)", format!("e.value {towards}, e.sk {towards}"))
    } else {
        (BY_SORT_KEY, "i.sk", " AND i.sk {} ?", format!("i.sk {towards}"))
    };
    let (mut first, last) = ends(query);
    let mut sql = select.to_owned();
    if let Some(after) = query.after.as_ref().filter(|after| !is_before(query.direction, after, first)) {
        // Only one of two lower bounds can be searched for, so the weaker one is left out.
        first = None;
        sql.push_str(&place.replace("{}", behind));
        parameters.extend(after.indexed.iter().chain([&after.sort]).map(|text| text.clone().into()));
    }
    for (end, compare) in [(first, near), (last, far)] {
        if let Some(end) = end {
            sql.extend([" AND ", value, " ", compare, " ?"]);
            parameters.push(end.clone().into());
        }
    }
    sql.extend([" ORDER BY ", &order, " LIMIT ?"]);
    parameters.push(i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX).into());
    (sql, parameters)
}

/// Whether a position lies before the range, which then starts at its own end.
fn is_before(direction: Direction, after: &Position, first: Option<&String>) -> bool {
    let value = after.indexed.as_ref().unwrap_or(&after.sort);
    first.is_some_and(|first| match direction {
        Direction::Ascending => value < first,
        Direction::Descending => value > first,
    })
}

/// The ends of the range in the order they are met.
fn ends(query: &Query) -> (Option<&String>, Option<&String>) {
    let Some(range) = &query.range else { return (None, None) };
    match query.direction {
        Direction::Ascending => (Some(range.start()), Some(range.end())),
        Direction::Descending => (Some(range.end()), Some(range.start())),
    }
}

/// A column's text, without a copy.
fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}

fn parse(text: &str) -> Result<Attributes, TableError> {
    serde_json::from_str(text).map_err(|error| TableError::Failed(error.into()))
}
