//! The table in a SQLite file.

use std::path::Path;

use shared::adapters::sqlite::SqliteTable;
use tempfile::TempDir;

fn open(directory: &Path) -> SqliteTable {
    SqliteTable::open(directory.join("table.db")).unwrap()
}

fn fresh() -> (SqliteTable, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(directory.path()), directory)
}

/// A table that was closed and opened again before it is used.
fn reopened() -> (SqliteTable, TempDir) {
    let (table, directory) = fresh();
    drop(table);
    (open(directory.path()), directory)
}

mod new {
    shared::table_contract!(super::fresh());
}

mod again {
    shared::table_contract!(super::reopened());
}
