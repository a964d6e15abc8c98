//! How much projects may have, as this process was told.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::ProjectId;
use crate::ports::{Limits, LimitsError, ProjectLimits};

/// One limit for every project, and those of projects that have their own.
#[derive(Debug)]
pub struct ConfiguredLimits {
    default: Arc<ProjectLimits>,
    projects: BTreeMap<ProjectId, Arc<ProjectLimits>>,
}

impl ConfiguredLimits {
    /// The limits of every project, by resource and in its unit, and what is otherwise for some.
    pub fn new<'a>(
        default: impl IntoIterator<Item = (&'a str, i64)>,
        projects: &'a BTreeMap<ProjectId, BTreeMap<String, i64>>,
    ) -> Self {
        let default: BTreeMap<_, _> =
            default.into_iter().map(|(resource, limit)| (resource.to_owned(), limit)).collect();
        let of = |own: &BTreeMap<String, i64>| {
            Arc::new(ProjectLimits::new(default.clone().into_iter().chain(own.clone())))
        };
        let projects = projects.iter().map(|(project, own)| (project.clone(), of(own))).collect();
        Self { default: Arc::new(ProjectLimits::new(default)), projects }
    }
}

#[async_trait]
impl Limits for ConfiguredLimits {
    async fn of(&self, project: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        Ok(Arc::clone(self.projects.get(project).unwrap_or(&self.default)))
    }
}

/// Nobody who could tell: the limits are somebody's whom this program was built without. It serves what needs no limit.
#[derive(Clone, Copy, Debug)]
pub struct UntoldLimits;

#[async_trait]
impl Limits for UntoldLimits {
    async fn of(&self, _: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        Err(LimitsError("this program was built without who tells the limits".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Limit;

    #[tokio::test]
    async fn a_project_has_its_own_limits_over_those_of_all() {
        let own = BTreeMap::from([("image_count_total".to_owned(), 7)]);
        let own = BTreeMap::from([("p1".parse().unwrap(), own)]);
        let limits = ConfiguredLimits::new([("image_count_total", 2), ("image_size_total", -1)], &own);
        for (project, expected) in [("p1", 7), ("p2", 2)] {
            let told = limits.of(&project.parse().unwrap()).await.unwrap();
            assert_eq!(told.of("image_count_total"), Limit::AtMost(expected), "{project}");
            assert_eq!(told.of("image_size_total"), Limit::Unlimited, "{project}");
        }
    }

    #[tokio::test]
    async fn limits_nobody_can_tell_are_not_taken_for_none() {
        assert!(UntoldLimits.of(&"p1".parse().unwrap()).await.is_err());
    }
}
