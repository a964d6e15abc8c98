//! What a project uses and how much it may: the resources that Keystone's unified limits name. Pure.

use std::fmt;

use crate::error::Error;
use crate::id::ProjectId;
use crate::ports::{Limit, ProjectLimits};

/// Bytes of the unit that limits on bytes are set in.
const MIB: u64 = 1 << 20;

/// What is counted and limited, project by project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of stored data.
    ImageSizeTotal,
    /// Bytes of data that is staged or being imported.
    ImageStageTotal,
    /// Images that are not deleted.
    ImageCountTotal,
    /// Images whose data is on its way: uploaded, staged or imported.
    ImageCountUploading,
}

impl Resource {
    /// Every resource, in the order Glance tells of them.
    pub const ALL: [Self; 4] =
        [Self::ImageSizeTotal, Self::ImageStageTotal, Self::ImageCountTotal, Self::ImageCountUploading];

    /// As Keystone and the API name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImageSizeTotal => "image_size_total",
            Self::ImageStageTotal => "image_stage_total",
            Self::ImageCountTotal => "image_count_total",
            Self::ImageCountUploading => "image_count_uploading",
        }
    }

    /// The resource of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// How much one of what a limit is set in is: bytes are limited by the MiB, images one by one.
    pub const fn unit(self) -> u64 {
        match self {
            Self::ImageSizeTotal | Self::ImageStageTotal => MIB,
            Self::ImageCountTotal | Self::ImageCountUploading => 1,
        }
    }
}

/// An amount of every resource, in bytes or images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Images that are not deleted.
    pub images: u64,
    /// Bytes stored for them, and announced for uploads under way.
    pub bytes: u64,
    /// Images whose data is on its way.
    pub uploading: u64,
    /// Bytes staged, and of imports under way.
    pub staged: u64,
}

impl Usage {
    /// So much of each resource.
    pub fn by(amount: impl Fn(Resource) -> u64) -> Self {
        Self {
            images: amount(Resource::ImageCountTotal),
            bytes: amount(Resource::ImageSizeTotal),
            uploading: amount(Resource::ImageCountUploading),
            staged: amount(Resource::ImageStageTotal),
        }
    }

    /// This and that together.
    #[must_use]
    pub fn plus(&self, other: Self) -> Self {
        Self::by(|resource| self.of(resource).saturating_add(other.of(resource)))
    }

    /// The amount of one resource.
    pub const fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::ImageSizeTotal => self.bytes,
            Resource::ImageStageTotal => self.staged,
            Resource::ImageCountTotal => self.images,
            Resource::ImageCountUploading => self.uploading,
        }
    }
}

/// The most a project may use of every resource, in bytes or images; `None` is any amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    size_total: Option<u64>,
    stage_total: Option<u64>,
    count_total: Option<u64>,
    count_uploading: Option<u64>,
}

impl From<&ProjectLimits> for Allowance {
    /// A resource nobody has registered a limit for is limited to nothing, as in Glance.
    fn from(limits: &ProjectLimits) -> Self {
        let most = |resource: Resource| match limits.of(resource.name()) {
            Limit::AtMost(limit) => Some(limit.saturating_mul(resource.unit())),
            Limit::Unlimited => None,
            Limit::Unregistered => Some(0),
        };
        Self {
            size_total: most(Resource::ImageSizeTotal),
            stage_total: most(Resource::ImageStageTotal),
            count_total: most(Resource::ImageCountTotal),
            count_uploading: most(Resource::ImageCountUploading),
        }
    }
}

impl Allowance {
    /// So many bytes of stored data, and of everything else any amount.
    pub fn of_bytes(most: Option<u64>) -> Self {
        Self { size_total: most, ..Self::default() }
    }

    /// The most of one resource.
    pub const fn of(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::ImageSizeTotal => self.size_total,
            Resource::ImageStageTotal => self.stage_total,
            Resource::ImageCountTotal => self.count_total,
            Resource::ImageCountUploading => self.count_uploading,
        }
    }

    /// What a project would have too much of if so much more were added to what it uses; `None` when nothing. Of `open`, if
    /// that is a resource, it may become more still: nobody said how much.
    pub fn exceeded(&self, used: &Usage, wanted: &Usage, open: Option<Resource>) -> Option<Exceeded> {
        Resource::ALL.into_iter().find_map(|resource| {
            let (limit, used, wanted) = (self.of(resource)?, used.of(resource), wanted.of(resource));
            // What nobody wants more of is not exceeded by this request.
            let is_wanted = wanted > 0 || open == Some(resource);
            (is_wanted && used.saturating_add(wanted) > limit).then_some(Exceeded {
                resource,
                limit,
                used,
                wanted,
            })
        })
    }
}

/// A limit that was not kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    resource: Resource,
    limit: u64,
    used: u64,
    wanted: u64,
}

impl Exceeded {
    /// The error of a project's request.
    pub fn by(self, project: &ProjectId) -> Error {
        Error::LimitExceeded(format!("Project {project} is over a limit for [{self}]"))
    }
}

/// In the words of Glance (`oslo.limit`), in the unit of the limit, rounded up so that the sum is over it.
impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.resource.unit();
        write!(
            f,
            "Resource {} is over limit of {} due to current usage {} and delta {}",
            self.resource.name(),
            self.limit / unit,
            self.used.div_ceil(unit),
            self.wanted.div_ceil(unit)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(limits: &[(&str, i64)]) -> Allowance {
        (&ProjectLimits::new(limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit)))).into()
    }

    #[test]
    fn a_resource_has_one_name() {
        for resource in Resource::ALL {
            assert_eq!(Resource::parse(resource.name()), Some(resource));
        }
        assert_eq!(Resource::parse("images"), None);
    }

    #[test]
    fn bytes_are_limited_by_the_mib_and_what_is_unregistered_to_nothing() {
        let allowed = allowance(&[("image_size_total", 2), ("image_count_total", -1)]);
        assert_eq!(allowed.of(Resource::ImageSizeTotal), Some(2 << 20));
        assert_eq!(allowed.of(Resource::ImageCountTotal), None);
        assert_eq!(allowed.of(Resource::ImageCountUploading), Some(0));
    }

    #[test]
    fn a_limit_is_exceeded_by_what_is_beyond_it() {
        let allowed = allowance(&[
            ("image_size_total", 2),
            ("image_stage_total", 0),
            ("image_count_total", 3),
            ("image_count_uploading", 1),
        ]);
        let used = Usage { images: 2, bytes: 2 << 20, ..Usage::default() };
        let said = |used: &Usage, wanted: Usage| {
            let open = (wanted.uploading > 0).then_some(Resource::ImageSizeTotal);
            allowed.exceeded(used, &wanted, open).map(|exceeded| exceeded.to_string()).unwrap_or_default()
        };
        assert_eq!(said(&used, Usage { images: 1, ..Usage::default() }), "");
        assert_eq!(
            said(&used, Usage { images: 2, ..Usage::default() }),
            "Resource image_count_total is over limit of 3 due to current usage 2 and delta 2"
        );
        assert_eq!(
            said(&used, Usage { uploading: 1, ..Usage::default() }),
            "",
            "an upload of unknown size may begin at the limit"
        );
        assert_eq!(
            said(&used, Usage { uploading: 1, bytes: 1, ..Usage::default() }),
            "Resource image_size_total is over limit of 2 due to current usage 2 and delta 1"
        );
        let over = Usage { images: 4, bytes: (2 << 20) + 1, uploading: 1, staged: 0 };
        assert_eq!(
            said(&over, Usage { uploading: 1, ..Usage::default() }),
            "Resource image_size_total is over limit of 2 due to current usage 3 and delta 0"
        );
        let project: ProjectId = "p1".parse().unwrap();
        assert_eq!(said(&Usage { images: 0, ..over }, Usage { images: 1, ..Usage::default() }), "");
        let wanted = Usage { uploading: 1, ..Usage::default() };
        let staging = Some(Resource::ImageStageTotal);
        assert_eq!(
            allowed.exceeded(&Usage::default(), &wanted, staging),
            None,
            "what is there is not over it"
        );
        let staged = Usage { staged: 1, ..Usage::default() };
        let exceeded = allowed.exceeded(&staged, &wanted, staging).unwrap().to_string();
        assert_eq!(
            exceeded,
            "Resource image_stage_total is over limit of 0 due to current usage 1 and delta 0"
        );
        let error = allowed.exceeded(&over, &wanted, Some(Resource::ImageSizeTotal)).unwrap().by(&project);
        assert!(matches!(error, Error::LimitExceeded(_)), "{error:?}");
        assert!(error.to_string().starts_with("Project p1 is over a limit for [Resource image_size_total"));
    }
}
