//! The table in a SQLite file: for one machine that is trusted with its data. What was answered survives `kill -9`
//! and, as far as the disk keeps its word, a power cut.
//!
//! One thread writes, and commits the writes that wait together, so that many clients share one fsync; reads run
//! beside it, each on a connection of its own, on a snapshot that holds every write answered before.

mod failure;
mod plan;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;

use async_trait::async_trait;

pub use schema::OpenError;

use crate::ports::{Item, Key, Page, Query, Table, TableError, Write};
use reader::Readers;
use writer::Writer;

/// The table in a SQLite file. Idle it holds two connections, a few hundred KB each, and one thread.
#[derive(Debug)]
pub struct SqliteTable {
    readers: Readers,
    // Last, so that the last connection to close, which folds the log into the file, is one that writes.
    writer: Writer,
}

impl SqliteTable {
    /// Opens the file, or makes a new one, in a directory that exists. Blocks on the disk for some milliseconds: call
    /// it before serving. More than one process of a machine may hold the same file open.
    ///
    /// # Errors
    /// [`OpenError`] when the file is of a newer program, is no table, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let writing = schema::create(path)?;
        let readers = Readers::open(path)?;
        Ok(Self { writer: Writer::start(writing)?, readers })
    }
}

#[async_trait]
impl Table for SqliteTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let key = key.clone();
        self.readers.read(move |connection| reader::get(connection, &key)).await
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let keys = keys.to_vec();
        self.readers.read(move |connection| reader::get_batch(connection, &keys)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        query.check()?;
        let query = query.clone();
        self.readers.read(move |connection| reader::query(connection, &query)).await
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        write.check()?;
        self.writer.commit(write).await
    }
}
