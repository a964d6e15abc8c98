//! What the service does: each operation reads as the API reference does. Find, may the caller, is it allowed now,
//! change, commit, tell.

mod actions;
mod arrivals;
mod attempt;
mod completion;
mod contention;
mod copies;
mod download;
mod examination;
mod images;
mod import;
mod info;
mod list;
mod locations;
mod members;
mod progress;
mod reaper;
mod sessions;
mod signatures;
mod stage;
mod stores;
mod tasks;
mod upload;
mod usage;

use std::sync::Arc;

use crate::catalog::{Catalog, ChangeError, Stored};
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::identity::Caller;
use crate::image::{Image, Visibility};
use crate::policy::{self, Operation, Policy, Target};
use crate::ports::{Clock, Event, EventKind, Events, Ids, Limits, Queue};

pub use arrivals::{Arrival, Arrivals, ArrivalsSettings, Bucket, Owner};
pub use completion::{Completion, CompletionSettings, Outcome};
pub use download::{Download, ImageInfo, Redirects};
pub use images::{Images, ImagesSettings};
#[cfg(feature = "plugins")]
pub use import::{AbroadPorts, Importer, ImporterPorts, ImporterSettings};
pub use import::{ImportCall, ImportSettings, Imports};
pub use info::{Info, StoreInfo};
pub use list::ImagePage;
pub use locations::{
    Addresses, Locations, LocationsSettings, NewLocation, Place, Registrar, RegistrarSettings, Said, Shown,
    Told,
};
pub use members::Members;
pub use progress::StoreProgress;
pub use reaper::{Interrupted, Reaped, Reaper};
pub use sessions::{BroughtPart, PartState, SessionSettings, SessionState, SessionStatus, SignedPartUrl};
pub use signatures::Signatures;
pub use stores::Stores;
pub use tasks::{TaskPage, Tasks, TasksSettings};
pub use upload::{ImageData, UploadRequest, UploadSettings};
pub use usage::{ResourceUsage, recount};

/// How often an operation starts again when other requests keep changing the image: each of them got through.
const ATTEMPTS: usize = 16;

/// What every operation on a caller's behalf works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// What is kept.
    pub catalog: Catalog,
    /// Who may do what.
    pub policy: Policy,
    /// How much projects may have.
    pub limits: Arc<dyn Limits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Who is told what happened.
    pub events: Arc<dyn Events>,
    /// Who is told that something is due.
    pub queue: Arc<dyn Queue>,
}

/// Reads an image that the caller may do something to. Cost: one read, and one more when the image is shared with others and
/// the caller is neither its owner nor an administrator.
async fn find(context: &Context, operation: Operation, caller: &Caller, id: &ImageId) -> Result<Stored> {
    Ok(find_as(context, operation, caller, id).await?.0)
}

/// As [`find`], and whether the caller sees the image as a member of it alone.
async fn find_as(
    context: &Context,
    operation: Operation,
    caller: &Caller,
    id: &ImageId,
) -> Result<(Stored, bool)> {
    context.policy.check_scope(caller)?;
    let stored = context.catalog.find(id).await?.ok_or_else(|| policy::not_found(id.as_str()))?;
    let is_member = is_member(context, caller, &stored.image).await?;
    context.policy.check(operation, caller, Target::image(&stored.image).shared(is_member))?;
    Ok((stored, is_member))
}

/// Whether an image is shared with the caller's project, whatever the project makes of it; looked up only where that decides
/// whether the caller sees the image.
async fn is_member(context: &Context, caller: &Caller, image: &Image) -> Result<bool> {
    let matters = image.visibility == Visibility::Shared && image.members > 0 && image.status.is_live();
    match caller.project() {
        Some(project) if matters && !context.policy.is_admin(caller) && !policy::owns(caller, image) => {
            Ok(context.catalog.member(&image.id, project).await?.is_some())
        }
        _ => Ok(false),
    }
}

/// The answer when others kept winning.
fn contended(id: &ImageId) -> Error {
    Error::Stale(format!("image {id} is being changed by other requests, try again"))
}

/// The error of a change that is not tried again.
fn refused(error: ChangeError, id: &ImageId) -> Error {
    match error {
        ChangeError::Lost => contended(id),
        ChangeError::Table(error) => error,
    }
}

/// From when on nothing more is begun in an invocation of a function that ends at `deadline`, in milliseconds since 1970: the last
/// tenth of its time is for what was begun. A deadline that has passed is none: some hosts of test runs give one.
pub fn last_begin(deadline: u64, now: crate::time::Timestamp) -> Option<crate::time::Timestamp> {
    let deadline = i64::try_from(deadline).unwrap_or(i64::MAX).saturating_mul(1000);
    let left = crate::time::Timestamp::from_microseconds(deadline).since(now);
    (!left.is_zero()).then(|| now.plus(left / 10 * 9))
}

/// Tells what happened to an image.
async fn tell(context: &Context, kind: EventKind, image: &Image) {
    tell_of(context, kind, image, None).await;
}

/// Tells what happened to a member of an image, or to the image alone.
async fn tell_of(context: &Context, kind: EventKind, image: &Image, member: Option<ProjectId>) {
    let (owner, at) = (image.owner.clone(), context.clock.now());
    let event = Event { kind, image: image.id.clone(), owner, member, at };
    context.events.publish(event).await;
}
