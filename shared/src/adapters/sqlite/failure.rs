//! The one place where SQLite's failures are told apart: by result code.

use rusqlite::{Error, ErrorCode};

use crate::ports::TableError;

/// Whether a failed call may succeed later: the disk is full or slow, another process holds the file, memory is short.
fn is_passing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
    )
}

/// SQLite's failure in the port's words.
pub(super) fn failed(error: Error) -> TableError {
    if error.sqlite_error_code().is_some_and(is_passing) {
        TableError::Unavailable(error.into())
    } else {
        TableError::Failed(error.into())
    }
}

/// The same failure once more, for each of the writes that were committed together.
pub(super) fn again(error: &TableError) -> TableError {
    match error {
        TableError::ConditionFailed { change } => TableError::ConditionFailed { change: *change },
        TableError::TooLarge { limit } => TableError::TooLarge { limit: *limit },
        TableError::Unavailable(cause) => TableError::Unavailable(cause.to_string().into()),
        TableError::Failed(cause) => TableError::Failed(cause.to_string().into()),
    }
}
