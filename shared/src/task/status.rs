//! The four states of a task and the moves between them (Glance `domain`).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Asked for.
    Pending,
    /// At work.
    Processing,
    /// Done.
    Success,
    /// Given up; its message says why.
    Failure,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Success, Self::Failure];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// Whether nothing more comes of such a task.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failure)
    }

    /// Moves on.
    ///
    /// # Errors
    /// `Conflict` when there is no such move.
    pub fn advance_to(self, next: Self) -> Result<Self> {
        let allowed: &[Self] = match self {
            Self::Pending => &[Self::Processing, Self::Failure],
            Self::Processing => &[Self::Success, Self::Failure],
            Self::Success | Self::Failure => &[],
        };
        if allowed.contains(&next) {
            return Ok(next);
        }
        let (from, to) = (self.name(), next.name());
        Err(Error::Conflict(format!("Task status transition from {from} to {to} is not allowed")))
    }
}

#[cfg(test)]
mod tests {
    use super::TaskStatus::{self, *};

    #[test]
    fn of_16_moves_4_are_allowed() {
        let moves = [(Pending, Processing), (Pending, Failure), (Processing, Success), (Processing, Failure)];
        for from in TaskStatus::ALL {
            for to in TaskStatus::ALL {
                assert_eq!(from.advance_to(to).is_ok(), moves.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }
}
