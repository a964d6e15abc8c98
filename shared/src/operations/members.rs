//! Members: with whom an image is shared, and what they make of it.
//!
//! The owner's project adds and removes members; a member says whether it takes the image, and sees no other member.

use super::contention::Tries;
use super::{Context, find, find_as, tell_of};
use crate::catalog::{ChangeError, Stored};
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::identity::Caller;
use crate::image::{Image, Member, MemberStatus, Visibility};
use crate::policy::{self, Operation, Target};
use crate::ports::EventKind;

/// Operations on the members of images.
#[derive(Clone, Debug)]
pub struct Members {
    context: Context,
    limit: Option<usize>,
}

impl Members {
    /// Operations in a context. `limit` is how many members an image may have; `None` is no limit.
    pub fn new(context: Context, limit: Option<usize>) -> Self {
        Self { context, limit }
    }

    /// Lists the members of an image (`GET /v2/images/{image_id}/members`), by project; a member finds only itself. Cost: one
    /// read and one query, or two reads.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the image; `Forbidden` when it is not shared, or neither the caller's nor shared
    /// with the caller.
    pub async fn list(&self, caller: &Caller, id: &ImageId) -> Result<Vec<Member>> {
        let (Stored { image, .. }, is_member) =
            find_as(&self.context, Operation::GetMembers, caller, id).await?;
        check_shared(&image)?;
        let catalog = &self.context.catalog;
        match caller.project() {
            Some(project) if is_member => Ok(catalog.member(id, project).await?.into_iter().collect()),
            _ if image.members == 0 => Ok(Vec::new()),
            _ => catalog.members(id).await,
        }
    }

    /// Shows a member (`GET /v2/images/{image_id}/members/{member_id}`). Cost: two reads, and one more by a member.
    ///
    /// # Errors
    /// `NotFound` for whatever keeps the caller from it.
    pub async fn show(&self, caller: &Caller, id: &ImageId, project: &ProjectId) -> Result<Member> {
        let absent = |_| not_found(id, project);
        let (Stored { image, .. }, is_member) =
            find_as(&self.context, Operation::GetImage, caller, id).await?;
        check_shared(&image).map_err(absent)?;
        let target = Target::image(&image).shared(is_member);
        self.context.policy.check(Operation::GetMember, caller, target).map_err(absent)?;
        self.member(caller, &image, project).await
    }

    /// Shares an image with a project (`POST /v2/images/{image_id}/members`): a member from now on, which has not said yet
    /// whether it takes the image. Cost: one read and one write. A second run is a conflict.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` when the image is not the caller's or not shared; `LimitExceeded` over the quota; `Conflict`
    /// when the project is a member already.
    pub async fn add(&self, caller: &Caller, id: &ImageId, project: ProjectId) -> Result<Member> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::AddMember, caller, id).await?;
            check_shared(&seen.image)?;
            if tries.queue().await? {
                continue;
            }
            self.check_limit(&seen.image)?;
            let now = self.context.clock.now();
            let member = Member {
                image: id.clone(),
                project: project.clone(),
                status: MemberStatus::Pending,
                created_at: now,
                updated_at: now,
            };
            match self.context.catalog.add_member(&seen, &member).await {
                Ok(()) => {
                    tell_of(&self.context, EventKind::MemberCreate, &seen.image, Some(project)).await;
                    return Ok(member);
                }
                Err(ChangeError::Lost) if self.context.catalog.member(id, &project).await?.is_some() => {
                    let text = format!("Project {project} is already associated with image {id}.");
                    return Err(Error::Conflict(text));
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Says what a member makes of an image (`PUT /v2/images/{image_id}/members/{member_id}`). Cost: two reads, one more by
    /// the member itself, and one write. A second run changes the time alone.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the image or the member; `Forbidden` when the image is not shared, or the caller
    /// is neither the member nor an administrator.
    pub async fn set_status(
        &self,
        caller: &Caller,
        id: &ImageId,
        project: &ProjectId,
        status: MemberStatus,
    ) -> Result<Member> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let Stored { image, .. } = find(&self.context, Operation::GetImage, caller, id).await?;
            check_shared(&image)?;
            let seen = self.member(caller, &image, project).await?;
            let target = Target::image(&image).shared(caller.project() == Some(project));
            self.context.policy.check(Operation::ModifyMember, caller, target)?;
            let member = Member { status, updated_at: self.context.clock.now(), ..seen.clone() };
            match self.context.catalog.set_member(&image, &seen, &member).await {
                Ok(()) => {
                    tell_of(&self.context, EventKind::MemberUpdate, &image, Some(member.project.clone()))
                        .await;
                    return Ok(member);
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Shares an image with a project no more (`DELETE /v2/images/{image_id}/members/{member_id}`). Cost: two reads and one
    /// write. A second run finds nothing.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the image or the member; `Forbidden` when the image is not shared, or not the
    /// caller's.
    pub async fn remove(&self, caller: &Caller, id: &ImageId, project: &ProjectId) -> Result<()> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let (seen, is_member) = find_as(&self.context, Operation::GetImage, caller, id).await?;
            check_shared(&seen.image)?;
            let member = self.member(caller, &seen.image, project).await?;
            let target = Target::image(&seen.image).shared(is_member);
            self.context.policy.check(Operation::DeleteMember, caller, target)?;
            if tries.queue().await? {
                continue;
            }
            match self.context.catalog.remove_member(&seen, project).await {
                Ok(()) => {
                    tell_of(&self.context, EventKind::MemberDelete, &seen.image, Some(member.project)).await;
                    return Ok(());
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Reads a member that the caller may know of: its own project's, or any of its own image.
    async fn member(&self, caller: &Caller, image: &Image, project: &ProjectId) -> Result<Member> {
        let admin = self.context.policy.is_admin(caller);
        let known = admin || policy::owns(caller, image) || caller.project() == Some(project);
        let member = if known { self.context.catalog.member(&image.id, project).await? } else { None };
        member.ok_or_else(|| not_found(&image.id, project))
    }

    fn check_limit(&self, image: &Image) -> Result<()> {
        let members = usize::try_from(image.members).unwrap_or(usize::MAX).saturating_add(1);
        match self.limit {
            Some(limit) if members > limit => {
                Err(Error::LimitExceeded(format!("an image may have at most {limit} members, not {members}")))
            }
            _ => Ok(()),
        }
    }
}

fn check_shared(image: &Image) -> Result<()> {
    if image.visibility == Visibility::Shared {
        return Ok(());
    }
    let (id, visibility) = (&image.id, image.visibility.name());
    Err(Error::Forbidden(format!("Only shared images have members, and image {id} is {visibility}.")))
}

fn not_found(id: &ImageId, project: &ProjectId) -> Error {
    Error::NotFound(format!("{project} not found in the member list of the image {id}."))
}
