//! How images lie in the table: which items there are, and which change together.
//!
//! | item | partition | sort key |
//! | --- | --- | --- |
//! | record | `image#<id>` | `record` |
//! | blob | `image#<id>` | `blob#<ulid>` |
//! | member | `image#<id>` | `member#<project>` |
//! | member row | `list#member#<project>#0` | `<created_at>#<id>` |
//! | listing row | `list#<scope>#<shard>` | `<created_at>#<id>` |
//! | reference row | `ids#<scope>#<shard>` | `<id>` |
//! | usage | `project#<id>` | `usage` |
//! | due row | `due#<kind>#<shard>` | `<due_at>#<reference>` |
//! | task | `task#<id>` | `record` |
//! | task row | `list#task#0`, `list#task-<column>#0` | `<created_at>#<id>`, behind the column's value |
//! | task of an image | `image#<id>` | `task#<created_at>#<id>` |
//!
//! The record is the truth. Everything else about an image follows from it and is written with it, in one
//! conditional transaction: whoever reads after a change was answered sees all of it.

mod blob;
mod due;
mod image;
mod import;
mod key;
mod listing;
mod member;
mod merge;
mod record;
mod registration;
mod scope;
mod session;
mod task;
mod turns;
mod usage;

use std::sync::Arc;

use crate::error::Error;
use crate::ports::{Change, Table, TableError, Write};

pub use blob::Blob;
pub use due::Due;
pub use image::{Revision, Stored};
pub use import::{ImportStep, TaskStep};
pub use listing::{Listed, Start, Walk};
pub use member::DueMembers;
pub use merge::Listing;
pub use record::BlobState;
pub use registration::{StoredRegistration, TaskChange};
pub use scope::Scope;
pub use session::StoredSession;
pub use task::{DueTask, StoredTask, TaskListing};
pub use turns::Turn;

/// The images' part of the table.
#[derive(Clone, Debug)]
pub struct Catalog {
    table: Arc<dyn Table>,
    listing_shards: u32,
    turns: turns::Turns,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed the image first: what the change was based on is no longer so.
    #[error("the image was changed by another request")]
    Lost,
    /// The table did not do it.
    #[error(transparent)]
    Table(#[from] Error),
}

/// Why a change that limits are held to was not made.
#[derive(Debug, thiserror::Error)]
pub enum BoundedError {
    /// A project would use more than it was said it may.
    #[error("the project would use more than it may")]
    OverLimit,
    /// As any other change.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl From<TableError> for ChangeError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::ConditionFailed { .. } => Self::Lost,
            other => Self::Table(other.into()),
        }
    }
}

impl From<Error> for BoundedError {
    fn from(error: Error) -> Self {
        ChangeError::from(error).into()
    }
}

impl Catalog {
    /// The catalog in a table. `listing_shards` spreads the listing rows of the widest scopes (1 or more); it must not
    /// change once there are images.
    pub fn new(table: Arc<dyn Table>, listing_shards: u32) -> Self {
        Self { table, listing_shards: listing_shards.max(1), turns: turns::Turns::default() }
    }

    async fn commit(&self, write: Write) -> Result<(), ChangeError> {
        Ok(self.table.commit(write).await?)
    }

    /// As [`Self::commit`], of a write that moves a project's counters within bounds.
    async fn commit_bounded(&self, write: Write) -> Result<(), BoundedError> {
        let is_limited = |change: &Change| matches!(change, Change::Add(_, additions) if additions.iter().any(|addition| addition.at_most.is_some()));
        let limited = write.changes().iter().position(is_limited);
        match self.table.commit(write).await {
            // The record comes first: one that has changed is `Lost` before any limit is looked at.
            Err(TableError::ConditionFailed { change }) if limited == Some(change) => {
                Err(BoundedError::OverLimit)
            }
            done => Ok(done.map_err(ChangeError::from)?),
        }
    }
}

#[cfg(test)]
mod tests;
