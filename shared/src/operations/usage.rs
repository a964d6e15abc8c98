//! What projects use, and how much they may.

use super::contention::Tries;
use super::{ATTEMPTS, Context, Images};
use crate::catalog::{BoundedError, Catalog, ChangeError};
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::identity::Caller;
use crate::image::Image;
use crate::ports::ProjectLimits;
use crate::usage::{Allowance, Resource, Usage};

/// How much a project uses of one resource and how much it may, in the unit limits are set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceUsage {
    /// The resource.
    pub resource: Resource,
    /// How much is used: of bytes the whole MiB.
    pub usage: u64,
    /// The most there may be; `None` is any amount.
    pub limit: Option<u64>,
}

impl Images {
    /// What a project uses. Cost: one read.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table.
    pub async fn usage(&self, project: &ProjectId) -> Result<Usage> {
        self.context.catalog.usage(project).await
    }

    /// What the caller's project uses and may use of each resource (`GET /v2/info/usage`); of nothing without a project. Cost:
    /// one read, and the limits.
    ///
    /// # Errors
    /// `Forbidden` for a token that is not a project's; `Unavailable` when nobody can tell the limits.
    pub async fn usage_of_caller(&self, caller: &Caller) -> Result<Vec<ResourceUsage>> {
        self.context.policy.check_scope(caller)?;
        let Some(project) = caller.project() else { return Ok(Vec::new()) };
        let allowed = allowed_to(&self.context, caller, project).await?;
        let used = self.context.catalog.usage(project).await?;
        let of = |resource: Resource| ResourceUsage {
            resource,
            usage: used.of(resource) / resource.unit(),
            limit: allowed.of(resource).map(|limit| limit / resource.unit()),
        };
        Ok(Resource::ALL.map(of).into())
    }
}

/// How much the owner of an image may use; any amount when nobody owns it. Cost: what telling limits costs.
///
/// # Errors
/// `Unavailable` when nobody can tell: who cannot be told a limit has none to rely on.
pub(super) async fn allowed(context: &Context, caller: &Caller, image: &Image) -> Result<Allowance> {
    match &image.owner {
        Some(project) => allowed_to(context, caller, project).await,
        None => Ok(Allowance::default()),
    }
}

/// How much a project may use. Limits that were told with the caller are those of the caller's project: what an
/// administrator makes for another is then held to none, as it is to none of the owner's in Glance.
async fn allowed_to(context: &Context, caller: &Caller, project: &ProjectId) -> Result<Allowance> {
    match caller.limits() {
        Some(told) if caller.project() == Some(project) => {
            Ok(Allowance::from(&ProjectLimits::new(told.clone())))
        }
        Some(_) => Ok(Allowance::default()),
        None => Ok(Allowance::from(&*context.limits.of(project).await?)),
    }
}

/// Which limit the table would not go beyond, as an error; `None` when there is room by now. Cost: one read.
///
/// # Errors
/// A fault of the table.
pub(super) async fn over_limit(
    context: &Context,
    before: Option<&Image>,
    after: &Image,
    allowed: &Allowance,
) -> Result<Option<Error>> {
    let Some(project) = &after.owner else { return Ok(None) };
    let exceeded = context.catalog.exceeded(before, after, allowed).await?;
    Ok(exceeded.map(|exceeded| exceeded.by(project)))
}

/// What comes of a change within limits that was not made: another try, after a while. Cost: one read when a limit held it.
///
/// # Errors
/// `LimitExceeded` when the owner may have no more; `Stale` when it was tried long enough; a fault of the table.
pub(super) async fn again_within(
    context: &Context,
    (before, after): (&Image, &Image),
    allowed: &Allowance,
    refused: BoundedError,
    tries: &mut Tries<'_>,
) -> Result<()> {
    match refused {
        BoundedError::Change(ChangeError::Lost) => {}
        BoundedError::Change(ChangeError::Table(error)) => return Err(error),
        BoundedError::OverLimit => {
            if let Some(error) = over_limit(context, Some(before), after, allowed).await? {
                return Err(error);
            }
        }
    }
    tries.again().await
}

/// Sets a project's counters to what its images are. Answers what they said, and what they say now. A second run changes
/// nothing. Cost: a query and a batch of reads for each 100 images, again while the images change.
///
/// # Errors
/// `Stale` when the project's images kept changing; `Unavailable`, `Internal` for a fault of the table.
pub async fn recount(catalog: &Catalog, project: &ProjectId) -> Result<(Usage, Usage)> {
    for _ in 0..ATTEMPTS {
        match catalog.recount_usage(project).await {
            Ok(recounted) => return Ok(recounted),
            Err(ChangeError::Lost) => {}
            Err(ChangeError::Table(error)) => return Err(error),
        }
    }
    Err(Error::Stale(format!(
        "the images of project {project} are being changed by other requests, try again"
    )))
}
