//! How much a project may have.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::Cause;
use crate::id::ProjectId;

/// Tells the limits of projects (Identity API v3, "Unified limits").
#[async_trait]
pub trait Limits: Debug + Send + Sync {
    /// The limits of one project. An answer may be as old as the adapter keeps one.
    ///
    /// # Errors
    /// When nobody can be asked now.
    async fn of(&self, project: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError>;
}

/// What a project may have of each resource: its own limit, or else the one registered for every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectLimits(BTreeMap<String, i64>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("the limits of the project cannot be told now")]
pub struct LimitsError(#[source] pub Cause);

impl ProjectLimits {
    /// By the resource's name, in the resource's unit; a negative limit is none.
    pub fn new(limits: impl IntoIterator<Item = (String, i64)>) -> Self {
        Self(limits.into_iter().collect())
    }

    /// By the resource's name, in the resource's unit; a negative limit is none.
    pub fn all(&self) -> &BTreeMap<String, i64> {
        &self.0
    }

    /// What there may be of a resource.
    pub fn of(&self, resource: &str) -> Limit {
        match self.0.get(resource) {
            None => Limit::Unregistered,
            Some(&limit) => u64::try_from(limit).map_or(Limit::Unlimited, Limit::AtMost),
        }
    }
}

/// What there may be of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much, in the resource's unit.
    AtMost(u64),
    /// Any amount: somebody has set it to -1.
    Unlimited,
    /// Nobody has registered a limit for the resource. Glance takes that for 0.
    Unregistered,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_none_or_unregistered() {
        let limits =
            ProjectLimits::new([("image_count_total".to_owned(), 3), ("image_size_total".to_owned(), -1)]);
        assert_eq!(limits.of("image_count_total"), Limit::AtMost(3));
        assert_eq!(limits.of("image_size_total"), Limit::Unlimited);
        assert_eq!(limits.of("image_stage_total"), Limit::Unregistered);
    }
}
