//! What the file system says, in the port's words.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::ports::StoreError;

/// What was done to which file when the system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} '{}'", path.display())]
struct Refused {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Translates a refusal. A missing file is a failure here: only a reader knows that it means an absent object.
pub(super) fn refused(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    let exhausted = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StoreError::Full,
        _ if exhausted.contains(&source.raw_os_error()) => {
            StoreError::Unavailable(Box::new(Refused { action, path: path.to_owned(), source }))
        }
        _ => StoreError::Failed(Box::new(Refused { action, path: path.to_owned(), source })),
    }
}

/// A failure of the store's own making, such as a writer used wrongly.
pub(super) fn failed(what: impl Into<String>) -> StoreError {
    StoreError::Failed(what.into().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errno: Errno) -> StoreError {
        refused("write", Path::new("object"), errno.into())
    }

    #[test]
    fn no_room_is_full_whoever_sets_the_limit() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            assert!(matches!(of(errno), StoreError::Full), "{errno:?}");
        }
    }

    #[test]
    fn too_many_open_files_pass_and_a_broken_disk_does_not() {
        for errno in [Errno::MFILE, Errno::NFILE] {
            assert!(matches!(of(errno), StoreError::Unavailable(_)), "{errno:?}");
        }
        for errno in [Errno::IO, Errno::ACCESS, Errno::NOENT, Errno::ROFS] {
            assert!(matches!(of(errno), StoreError::Failed(_)), "{errno:?}");
        }
    }
}
