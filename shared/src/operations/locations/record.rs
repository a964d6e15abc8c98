//! The record of an image that an object was registered for: what the object is to it, and what becomes of both; a transaction a step.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::catalog::{Catalog, ChangeError, Stored, StoredRegistration, StoredTask};
use crate::error::Result;
use crate::image::{Digests, Image, Refused, Status};
use crate::operations::attempt::requeued;
use crate::operations::{ATTEMPTS, CompletionSettings, Outcome, contended};
use crate::ports::{Clock, Event, EventKind, Events};
use crate::store::Registration;
use crate::task::{Task, TaskStatus};
use crate::time::Timestamp;

/// How objects are looked at that were registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrarSettings {
    /// How they are hashed.
    pub completion: CompletionSettings,
    /// The most bytes an image may have.
    pub max_bytes: u64,
    /// How often a source that could not be read is tried again.
    pub retries: u32,
    /// How long a task is kept once it has ended.
    pub task_life: Duration,
}

/// What an image is to an object that was registered for it.
pub(super) enum Standing {
    /// It waits for it.
    Waits(Box<Stored>),
    /// It has it.
    Has(Box<Stored>),
    /// Neither: it was deleted, or the object taken away.
    Over,
}

/// How long it is waited before a source is tried again that could not be read.
const PAUSE: Duration = Duration::from_secs(10);

/// Writes down what becomes of objects.
#[derive(Clone, Debug)]
pub(super) struct Record {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    events: Arc<dyn Events>,
    settings: RegistrarSettings,
}

impl Record {
    pub(super) fn new(
        catalog: Catalog,
        clock: Arc<dyn Clock>,
        events: Arc<dyn Events>,
        settings: RegistrarSettings,
    ) -> Self {
        Self { catalog, clock, events, settings }
    }

    /// Gives an image its data before it is hashed, which somebody else is to go on with if this worker stops. `None` when it waits for it no more.
    pub(super) async fn activate(
        &self,
        held: &StoredRegistration,
        virtual_size: Option<u64>,
        stops: bool,
    ) -> Result<Option<StoredRegistration>> {
        for _ in 0..ATTEMPTS {
            let Standing::Waits(seen) = self.standing(held).await? else { return Ok(None) };
            let after = self.with_data(&seen.image, held, None, virtual_size)?;
            let now = self.clock.now();
            let due = if stops { now } else { now.plus(self.settings.completion.lease) };
            let rest = Registration { due, tries: 0, ..held.registration.clone() };
            match self.catalog.attach_registered((&seen, &after), held, Some(rest), None).await {
                Ok(kept) => {
                    self.tell(EventKind::Activate, &after).await;
                    return Ok(kept);
                }
                Err(ChangeError::Lost) if self.is_held(held).await? => {}
                Err(ChangeError::Lost) => return Ok(None),
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(contended(held.location.key.image()))
    }

    /// Gives an image its data, or tells what the data it has hashes to; the registration is over.
    pub(super) async fn take(
        &self,
        held: &StoredRegistration,
        digests: Option<Digests>,
        virtual_size: Option<u64>,
    ) -> Result<Outcome> {
        for _ in 0..ATTEMPTS {
            let (seen, after, kind) = match self.standing(held).await? {
                Standing::Over => return Ok(Outcome::Ended),
                Standing::Waits(seen) => {
                    if let Some(differs) = differing(&seen.image, digests.as_ref()) {
                        return self.give_up(held, &differs).await;
                    }
                    let after = self.with_data(&seen.image, held, digests.as_ref(), virtual_size)?;
                    (seen, after, EventKind::Activate)
                }
                Standing::Has(seen) => {
                    let updated_at = self.clock.now();
                    let after =
                        Image { digests: digests.clone(), hashing: false, updated_at, ..seen.image.clone() };
                    (seen, after, EventKind::Update)
                }
            };
            let task = self.ended(held, |task, now, due| {
                task.succeeded(json!({ "image_id": seen.image.id.as_str() }), now, due)
            });
            let task = task.await?;
            let task = task.as_ref().map(|(seen, after)| (seen, after));
            match self.catalog.attach_registered((&seen, &after), held, None, task).await {
                Ok(_) => {
                    self.tell(kind, &after).await;
                    return Ok(Outcome::Active);
                }
                Err(ChangeError::Lost) if self.is_held(held).await? => {}
                Err(ChangeError::Lost) => return Ok(Outcome::Busy),
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(contended(held.location.key.image()))
    }

    /// The image with the object as its data, or as one more place of it.
    fn with_data(
        &self,
        image: &Image,
        held: &StoredRegistration,
        digests: Option<&Digests>,
        virtual_size: Option<u64>,
    ) -> Result<Image> {
        let mut locations = image.locations.clone();
        locations.push(held.location.clone());
        let mut notes = image.notes.clone();
        let Registration { note, given, hashes, .. } = &held.registration;
        if !note.is_empty() {
            notes.insert(held.location.key.blob().clone(), note.clone());
        }
        let waited = Image { locations, notes, upload: None, updated_at: self.clock.now(), ..image.clone() };
        if image.status != Status::Importing {
            return Ok(waited);
        }
        Ok(Image {
            status: image.status.advance_to(Status::Active)?,
            size: held.registration.size,
            virtual_size,
            digests: digests.cloned(),
            given: given.clone(),
            hashing: *hashes && digests.is_none(),
            ..waited
        })
    }

    /// Tries a source again later, or gives up.
    pub(super) async fn again(&self, held: &StoredRegistration, reason: &str) -> Result<Outcome> {
        let registration = &held.registration;
        if registration.tries >= self.settings.retries {
            return self.give_up(held, reason).await;
        }
        let key = &held.location.key;
        tracing::info!(image = %key.image(), reason, "an object that was registered could not be read and is tried again");
        let due = self.clock.now().plus(PAUSE);
        let later = Registration { due, tries: registration.tries + 1, ..registration.clone() };
        match self.catalog.keep_registration(held, later).await {
            Ok(_) => Ok(Outcome::Unfinished),
            Err(ChangeError::Lost) => Ok(Outcome::Busy),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// Ends a registration that comes to nothing: an image that waits is as it was, and one that has the data keeps it without a hash, or with the
    /// one that was said, and the task tells that it is not so. The object stays where it is, for it is not the image's.
    pub(super) async fn give_up(&self, held: &StoredRegistration, reason: &str) -> Result<Outcome> {
        tracing::info!(image = %held.location.key.image(), reason, "an object that was registered was given up");
        for _ in 0..ATTEMPTS {
            let (standing, now) = (self.standing(held).await?, self.clock.now());
            let (done, outcome) = match standing {
                Standing::Over => return Ok(Outcome::Ended),
                Standing::Waits(seen) => {
                    let task = self.ended(held, |task, now, due| task.failed(reason, now, due)).await?;
                    let task = task.as_ref().map(|(seen, after)| (seen, after));
                    let after = match seen.image.status {
                        Status::Importing => {
                            let (session, store) =
                                (held.location.key.blob().clone(), held.location.store.clone());
                            let refused = Refused { session, reason: reason.to_owned(), store: Some(store) };
                            Image { refused: Some(refused), ..requeued(&seen.image, now)? }
                        }
                        _ => Image { upload: None, updated_at: now, ..seen.image.clone() },
                    };
                    let done = self.catalog.drop_registration((&seen, &after), held, task).await;
                    (done, Outcome::Refused(reason.to_owned()))
                }
                Standing::Has(seen) => {
                    let result = json!({ "image_id": seen.image.id.as_str() });
                    let was_said = held.registration.given.is_some();
                    let task = self.ended(held, |task, now, due| {
                        if was_said {
                            task.failed(reason, now, due)
                        } else {
                            task.succeeded(result.clone(), now, due)
                        }
                    });
                    let task = task.await?;
                    let task = task.as_ref().map(|(seen, after)| (seen, after));
                    let after = Image { hashing: false, ..seen.image.clone() };
                    let done = self.catalog.attach_registered((&seen, &after), held, None, task).await;
                    (done.map(drop), Outcome::Active)
                }
            };
            match done {
                Ok(()) => return Ok(outcome),
                Err(ChangeError::Lost) if self.is_held(held).await? => {}
                Err(ChangeError::Lost) => return Ok(Outcome::Busy),
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(contended(held.location.key.image()))
    }

    pub(super) async fn standing(&self, held: &StoredRegistration) -> Result<Standing> {
        let Some(found) = self.catalog.find(held.location.key.image()).await? else {
            return Ok(Standing::Over);
        };
        Ok(match &found.image {
            image if !image.status.is_live() => Standing::Over,
            image if image.lies_at(&held.location) => Standing::Has(Box::new(found)),
            image if image.upload.as_ref() == Some(&held.location) => Standing::Waits(Box::new(found)),
            _ => Standing::Over,
        })
    }

    /// Whether nobody else has gone on with a registration.
    pub(super) async fn is_held(&self, held: &StoredRegistration) -> Result<bool> {
        let blob = self.catalog.blob(&held.location).await?;
        Ok(blob.and_then(|blob| blob.registration).is_some_and(|stored| stored.is_same_as(held)))
    }

    /// Notes that the work of a task has begun.
    pub(super) async fn begin_task(&self, held: &StoredRegistration) -> Result<()> {
        let Some(seen) = self.catalog.task(&held.registration.task).await? else { return Ok(()) };
        if seen.task.status != TaskStatus::Pending {
            return Ok(());
        }
        let begun = seen.task.begun(self.clock.now(), seen.task.due_at)?;
        match self.catalog.replace_task(&seen, &begun).await {
            Ok(_) | Err(ChangeError::Lost) => Ok(()),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// The task as it was read and as it ends; nothing when it has ended or is gone.
    async fn ended(
        &self,
        held: &StoredRegistration,
        rule: impl Fn(&Task, Timestamp, Timestamp) -> Result<Task> + Send,
    ) -> Result<Option<(StoredTask, Task)>> {
        let Some(seen) = self.catalog.task(&held.registration.task).await? else { return Ok(None) };
        if seen.task.status.is_final() {
            return Ok(None);
        }
        let now = self.clock.now();
        let task = match seen.task.status {
            TaskStatus::Pending => seen.task.begun(now, seen.task.due_at)?,
            _ => seen.task.clone(),
        };
        let ended = rule(&task, now, now.plus(self.settings.task_life))?;
        Ok(Some((seen, ended)))
    }

    async fn tell(&self, kind: EventKind, image: &Image) {
        let (owner, at) = (image.owner.clone(), self.clock.now());
        self.events.publish(Event { kind, image: image.id.clone(), owner, member: None, at }).await;
    }
}

/// Why data is not that which an image has already.
fn differing(image: &Image, digests: Option<&Digests>) -> Option<String> {
    let (has, found) = image.digests.as_ref().zip(digests)?;
    unlike(has, found)
}

pub(super) fn unlike(has: &Digests, found: &Digests) -> Option<String> {
    (has != found).then(|| format!("The data hashes to {}, and the image's to {}.", found.sha512, has.sha512))
}
