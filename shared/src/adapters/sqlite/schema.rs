//! The file: how it is opened, what is in it, and which version of that it holds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::Cause;

/// The version of [`TABLES`] that this program writes, kept in the file as `user_version`.
const VERSION: i32 = 1;

/// An item lies in `items` whole; each of its index attributes has an entry beside it.
/// Rows lie in the order of their primary key, so a page of a partition is neighbouring pages of the file.
const TABLES: &str = "
    CREATE TABLE items (
        pk TEXT NOT NULL, sk TEXT NOT NULL, attributes TEXT NOT NULL,
        PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE TABLE entries (
        name TEXT NOT NULL, pk TEXT NOT NULL, value TEXT NOT NULL, sk TEXT NOT NULL,
        PRIMARY KEY (name, pk, value, sk)
    ) WITHOUT ROWID;
";

/// How long to wait for another process that writes, before the table counts as unavailable.
const BUSY: Duration = Duration::from_secs(5);
/// How many statements a connection keeps prepared: every shape of query there is, and room.
const STATEMENTS: usize = 48;

/// Why a file could not be opened as a table.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer program wrote it; this one would lose what it does not know.
    #[error(
        "{path} has table version {found}, and this program knows versions up to {known}: use a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest version this program knows.
        known: i32,
    },
    /// It is no table, or cannot be read or written.
    #[error("cannot open {path} as a table")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: Cause,
    },
}

impl OpenError {
    pub(super) fn unusable(path: &Path, source: impl Into<Cause>) -> Self {
        Self::Unusable { path: path.to_owned(), source: source.into() }
    }
}

/// Opens the file to write, and makes what is not there yet.
pub(super) fn create(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let unusable = |error| OpenError::unusable(path, error);
    let mut connection = connect(path, flags).map_err(unusable)?;
    let found = prepare(&mut connection).map_err(unusable)?;
    if found > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    persist_entry(path).map_err(|error| OpenError::unusable(path, error))?;
    Ok(connection)
}

/// Opens the file, which is there, to read.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    // A reader of a write-ahead log keeps its place in shared memory, so the file itself is opened to write.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true)?;
    // At most 4 MB of pages: room for the upper levels of the tree over some hundred thousand rows, so that a row anywhere costs one
    // read of the file.
    connection.pragma_update(None, "cache_size", -4096)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // At most 1 MB of pages a connection; the system's own cache holds the rest.
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Brings the file to this program's version, unless it is a newer one. Returns the version it had.
fn prepare(connection: &mut Connection) -> rusqlite::Result<i32> {
    // An item with its listing attributes is 1 to 2 KB: in pages of 8 KB it needs no overflow page.
    // Takes effect in a new file only.
    connection.pragma_update(None, "page_size", 8192)?;
    let found = version(connection)?;
    if found > VERSION {
        return Ok(found);
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Every 16 MB the log is folded into the file, and it is not left larger than that. More often costs writers a
    // third of their throughput, for the fold waits for the disk twice.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 2000, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 16 * 1024 * 1024, |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Asked again, now that no other process can be making the tables.
    if version(&transaction)? == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the file's name in its directory durable: an fsync of a file does not promise that.
fn persist_entry(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
