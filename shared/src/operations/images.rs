//! Image records: create, show, update, delete, tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::contention::Tries;
use super::usage::{allowed, over_limit};
use super::{ATTEMPTS, Context, Locations, Told, contended, find, tell};
use crate::catalog::{BoundedError, ChangeError, Due, Stored};
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId};
use crate::identity::Caller;
use crate::image::{Accepted, Image, NewImage, PageLimits, Patch, Quotas, Status, Visibility, check_tag};
use crate::import::ImportMethod;
use crate::policy::{self, Operation, Target};
use crate::ports::{EventKind, Job};

/// Operations on image records.
#[derive(Clone, Debug)]
pub struct Images {
    pub(super) context: Context,
    pub(super) settings: ImagesSettings,
    locations: Option<Locations>,
}

/// What is configured about image records.
#[derive(Clone, Debug)]
pub struct ImagesSettings {
    /// How many tags and properties an image may have.
    pub quotas: Quotas,
    /// How long pages of a list are.
    pub pages: PageLimits,
    /// What values images may take.
    pub accepted: Arc<Accepted>,
    /// How data can be imported.
    pub import_methods: Vec<ImportMethod>,
    /// The stores there are, the default first.
    pub stores: Vec<StoreId>,
}

impl Images {
    /// Operations in a context.
    pub fn new(context: Context, settings: ImagesSettings) -> Self {
        Self { context, settings, locations: None }
    }

    /// The same operations, which tell where data lies.
    #[must_use]
    pub fn locating(self, locations: Locations) -> Self {
        Self { locations: Some(locations), ..self }
    }

    /// What is told of where an image's data lies, with its record. Cost: none.
    pub fn told(&self, caller: &Caller, image: &Image) -> Told {
        let stores = || image.locations.iter().map(|at| at.store.clone()).collect();
        let unlocated = || Told { stores: stores(), ..Told::default() };
        self.locations.as_ref().map_or_else(unlocated, |locations| locations.told(caller, image))
    }

    /// Where data lies, when patches may change it.
    pub fn relocatable(&self) -> Option<&Locations> {
        self.locations.as_ref().filter(|locations| locations.are_shown())
    }

    /// How long pages of a list are.
    pub fn pages(&self) -> PageLimits {
        self.settings.pages
    }

    /// The methods of import that are enabled, for who registers an image.
    pub fn import_methods(&self) -> &[ImportMethod] {
        &self.settings.import_methods
    }

    /// The stores that can be chosen, for who registers an image: none, where there is no choice.
    pub fn choice_of_stores(&self) -> &[StoreId] {
        if self.settings.stores.len() > 1 { &self.settings.stores } else { &[] }
    }

    /// Registers an image (`POST /v2/images`). Cost: one write and no read. A second run with the same id is a conflict.
    ///
    /// # Errors
    /// `Invalid`, `Forbidden`, `LimitExceeded` as the attributes deserve; `LimitExceeded`, too, when its owner may have no
    /// more images; `Conflict` when the id is taken, be it by an image that was deleted; `Unavailable` when nobody can tell
    /// the owner's limits.
    pub async fn create(&self, caller: &Caller, body: Value) -> Result<Image> {
        self.context.policy.check_scope(caller)?;
        let new = NewImage::parse(body)?;
        let id = new.id.clone().unwrap_or_else(|| self.context.ids.image_id());
        let image = new.into_image(id, caller.project().cloned(), self.context.clock.now())?;
        self.settings.accepted.check_new(&image)?;
        if !self.context.policy.is_admin(caller) && !policy::owns(caller, &image) {
            return Err(Error::Forbidden(
                "You are not permitted to create images owned by another project.".to_owned(),
            ));
        }
        self.context.policy.check(Operation::AddImage, caller, Target::new_image(&image))?;
        self.check_visibility(caller, None, &image)?;
        self.context.policy.check_properties(caller, &image)?;
        self.settings.quotas.check(&image)?;
        self.register(caller, &image).await?;
        tell(&self.context, EventKind::Create, &image).await;
        Ok(self.context.policy.readable(caller, image))
    }

    /// Writes a new image, if its owner may have one more.
    async fn register(&self, caller: &Caller, image: &Image) -> Result<()> {
        let allowed = allowed(&self.context, caller, image).await?;
        for _ in 0..ATTEMPTS {
            match self.context.catalog.create(image, &allowed).await {
                Ok(()) => return Ok(()),
                Err(BoundedError::Change(ChangeError::Lost)) => {
                    return Err(Error::Conflict(format!("Image ID {} already exists!", image.id)));
                }
                Err(BoundedError::Change(ChangeError::Table(error))) => return Err(error),
                Err(BoundedError::OverLimit) => {
                    if let Some(error) = over_limit(&self.context, None, image, &allowed).await? {
                        return Err(error);
                    }
                }
            }
        }
        Err(contended(&image.id))
    }

    /// Shows an image (`GET /v2/images/{image_id}`). Cost: one read.
    ///
    /// # Errors
    /// `NotFound` when the image is absent or the caller may not see it.
    pub async fn show(&self, caller: &Caller, id: &ImageId) -> Result<Image> {
        let image = find(&self.context, Operation::GetImage, caller, id).await?.image;
        Ok(self.context.policy.readable(caller, image))
    }

    /// Patches an image (`PATCH /v2/images/{image_id}`): all changes or none. Cost: one read and one write.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict`, `LimitExceeded` as the changes deserve.
    pub async fn update(&self, caller: &Caller, id: &ImageId, patch: &Patch) -> Result<Image> {
        self.context.policy.check_scope(caller)?;
        self.settings.accepted.check_patch(patch)?;
        let changed = self.change(Operation::ModifyImage, caller, id, |image| {
            if patch.is_empty() {
                return Ok(None);
            }
            let patched = patch.apply(image, |action, name| self.context.policy.may(caller, action, name))?;
            if patched.owner != image.owner && !self.context.policy.is_admin(caller) {
                return Err(Error::Forbidden(
                    "Only an administrator may change the owner of an image.".to_owned(),
                ));
            }
            self.check_visibility(caller, Some(image), &patched)?;
            if patched.properties.len() > image.properties.len() || patched.tags.len() > image.tags.len() {
                self.settings.quotas.check(&patched)?;
            }
            Ok(Some(patched))
        });
        Ok(self.context.policy.readable(caller, changed.await?))
    }

    /// Adds a tag (`PUT /v2/images/{image_id}/tags/{tag}`). One that is there already changes nothing. Cost: one read
    /// and at most one write.
    ///
    /// # Errors
    /// `Invalid` for a tag over 255 characters, `LimitExceeded` over the quota, `NotFound`, `Forbidden`.
    pub async fn add_tag(&self, caller: &Caller, id: &ImageId, tag: &str) -> Result<()> {
        check_tag(tag)?;
        let changed = self.change(Operation::ModifyImage, caller, id, |image| {
            let mut tagged = image.clone();
            if !tagged.tags.insert(tag.to_owned()) {
                return Ok(None);
            }
            self.settings.quotas.check(&tagged)?;
            Ok(Some(tagged))
        });
        changed.await.map(drop)
    }

    /// Removes a tag (`DELETE /v2/images/{image_id}/tags/{tag}`). Cost: one read and one write.
    ///
    /// # Errors
    /// `NotFound` when the image or the tag is absent, `Forbidden`.
    pub async fn remove_tag(&self, caller: &Caller, id: &ImageId, tag: &str) -> Result<()> {
        let changed = self.change(Operation::ModifyImage, caller, id, |image| {
            let mut untagged = image.clone();
            if !untagged.tags.remove(tag) {
                return Err(Error::NotFound("The resource could not be found.".to_owned()));
            }
            Ok(Some(untagged))
        });
        changed.await.map(drop)
    }

    /// Deletes an image (`DELETE /v2/images/{image_id}`). Its bytes follow soon after. Cost: one read and one write; while bytes
    /// are on their way one read more, and one write more when an upload session brings them.
    /// A second run finds nothing.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when the image is protected or not the caller's.
    pub async fn delete(&self, caller: &Caller, id: &ImageId) -> Result<()> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::DeleteImage, caller, id).await?;
            if seen.image.protected {
                return Err(Error::Forbidden(format!("Image {id} is protected and cannot be deleted.")));
            }
            if tries.queue().await? {
                continue;
            }
            // Whose parts nobody brings on: no writer has to be waited for.
            let session = match &seen.image.upload {
                Some(location) => {
                    self.context.catalog.blob(location).await?.is_some_and(|blob| blob.session.is_some())
                }
                None => false,
            };
            let now = self.context.clock.now();
            let deleted = tombstone(&seen.image, now)?;
            match self.context.catalog.delete(&seen, &deleted, now).await {
                Ok(()) => {
                    let ended = match (session, &seen.image.upload) {
                        // Left to its due row, it would lie there for as long as a session lasts.
                        (true, Some(location)) => {
                            let due = Due { at: now, location: location.clone() };
                            self.context.catalog.remind(&due).await.is_ok()
                        }
                        _ => false,
                    };
                    if ended || !seen.image.locations.is_empty() || seen.image.staged.is_some() {
                        self.context.queue.enqueue(Job::Reap).await;
                    }
                    tell(&self.context, EventKind::Delete, &seen.image).await;
                    return Ok(());
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Changes an image by a rule, in turn, and again on what is there whenever another process came first; `None` changes
    /// nothing.
    pub(super) async fn change(
        &self,
        operation: Operation,
        caller: &Caller,
        id: &ImageId,
        rule: impl Fn(&Image) -> Result<Option<Image>> + Send,
    ) -> Result<Image> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, operation, caller, id).await?;
            if tries.queue().await? {
                continue;
            }
            let Some(changed) = rule(&seen.image)? else { return Ok(seen.image) };
            let changed = Image { updated_at: self.context.clock.now(), ..changed };
            match self.context.catalog.replace(&seen, &changed).await {
                Ok(Stored { image, .. }) => {
                    tell(&self.context, EventKind::Update, &image).await;
                    return Ok(image);
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Setting public or community needs a right of its own; leaving it does not.
    fn check_visibility(&self, caller: &Caller, before: Option<&Image>, after: &Image) -> Result<()> {
        let operation = match after.visibility {
            _ if before.is_some_and(|before| before.visibility == after.visibility) => return Ok(()),
            Visibility::Public => Operation::PublicizeImage,
            Visibility::Community => Operation::CommunitizeImage,
            Visibility::Shared | Visibility::Private => return Ok(()),
        };
        // Who may set it is asked of the owner before the change, not of the one it makes.
        let target = before.map_or_else(|| Target::new_image(after), Target::image);
        if self.context.policy.allows(operation, caller, target) { Ok(()) } else { Err(policy::forbidden()) }
    }
}

/// What remains of a deleted image: its id stays taken, and its place in lists is known to whoever is paging past it.
fn tombstone(image: &Image, now: crate::time::Timestamp) -> Result<Image> {
    Ok(Image {
        status: image.status.advance_to(Status::Deleted)?,
        updated_at: now,
        tags: BTreeSet::new(),
        properties: BTreeMap::new(),
        ..image.at_rest()
    })
}
