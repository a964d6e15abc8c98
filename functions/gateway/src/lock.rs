//! One process at a time on one data directory.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::GatewayError;

/// The directory, taken. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataLock {
    directory: PathBuf,
    _file: File,
}

impl DataLock {
    /// Takes the directory; makes it first, for its owner alone, when it is not there.
    pub(crate) fn take(directory: &Path) -> Result<Self, GatewayError> {
        let fault = |source| GatewayError::Data { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fault)?;
        let file = File::create(directory.join("lock")).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { directory: directory.canonicalize().map_err(fault)?, _file: file }),
            Err(TryLockError::WouldBlock) => Err(GatewayError::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(fault(source)),
        }
    }

    /// The directory, from the root.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}
