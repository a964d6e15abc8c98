//! The nine states of an image and the moves between them (Glance `domain`).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where an image stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Registered; no bytes yet.
    Queued,
    /// Bytes are arriving.
    Saving,
    /// Bytes are being staged for an import.
    Uploading,
    /// An import is under way.
    Importing,
    /// Bytes are there and may be used.
    Active,
    /// Bytes are there but only administrators may download them.
    Deactivated,
    /// An upload failed for good (obsolete).
    Killed,
    /// Deleted; the record remains so that the id stays taken.
    Deleted,
    /// Deleted, with bytes still to be removed.
    PendingDelete,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Saving,
        Self::Uploading,
        Self::Importing,
        Self::Active,
        Self::Deactivated,
        Self::Killed,
        Self::Deleted,
        Self::PendingDelete,
    ];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Uploading => "uploading",
            Self::Importing => "importing",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Killed => "killed",
            Self::Deleted => "deleted",
            Self::PendingDelete => "pending_delete",
        }
    }

    /// Whether the API still answers for such an image.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Deleted | Self::PendingDelete)
    }

    /// Moves on.
    ///
    /// # Errors
    /// `Conflict` when there is no such move.
    pub fn advance_to(self, next: Self) -> Result<Self> {
        let allowed: &[Self] = match self {
            Self::Queued => &[Self::Saving, Self::Uploading, Self::Importing, Self::Active, Self::Deleted],
            Self::Saving => &[Self::Active, Self::Killed, Self::Deleted, Self::Queued],
            Self::Uploading => &[Self::Importing, Self::Queued, Self::Deleted],
            Self::Importing => &[Self::Active, Self::Deleted, Self::Queued],
            Self::Active => &[Self::PendingDelete, Self::Deleted, Self::Deactivated],
            Self::Deactivated => &[Self::Active, Self::Deleted],
            Self::PendingDelete => &[Self::Deleted, Self::Active],
            Self::Killed => &[Self::Deleted],
            Self::Deleted => &[],
        };
        if allowed.contains(&next) {
            return Ok(next);
        }
        let (from, to) = (self.name(), next.name());
        Err(Error::Conflict(format!("Image status transition from {from} to {to} is not allowed")))
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    #[test]
    fn of_81_moves_23_are_allowed() {
        let moves = [
            (Queued, vec![Saving, Uploading, Importing, Active, Deleted]),
            (Saving, vec![Queued, Active, Killed, Deleted]),
            (Uploading, vec![Queued, Importing, Deleted]),
            (Importing, vec![Queued, Active, Deleted]),
            (Active, vec![Deactivated, Deleted, PendingDelete]),
            (Deactivated, vec![Active, Deleted]),
            (Killed, vec![Deleted]),
            (Deleted, vec![]),
            (PendingDelete, vec![Active, Deleted]),
        ];
        let mut allowed = 0;
        for (from, expected) in moves {
            for to in Status::ALL {
                assert_eq!(from.advance_to(to).is_ok(), expected.contains(&to), "{from:?} to {to:?}");
                allowed += usize::from(from.advance_to(to).is_ok());
            }
        }
        assert_eq!(allowed, 23);
    }
}
