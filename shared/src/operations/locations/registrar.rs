//! Looks at objects that were registered: what they are, how large, what they hash to.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::catalog::{Catalog, ChangeError, Stored, StoredRegistration, StoredTask};
use crate::error::{Error, Result};
use crate::format::Rules;
use crate::id::StoreId;
use crate::image::{Digests, Image, Refused, Status};
use crate::operations::attempt::requeued;
use crate::operations::examination::{Broken, Hashed, Lease, Object, hash, inspect, renewing};
use crate::operations::upload::declared;
use crate::operations::{ATTEMPTS, CompletionSettings, Outcome, Stores, contended};
use crate::ports::{Clock, Event, EventKind, Events, FetchError, Store, StoreError};
use crate::signature::Verify;
use crate::store::{HashState, ObjectKey, Registration};
use crate::task::{Task, TaskStatus};
use crate::time::Timestamp;

/// Looks at objects that were registered.
#[derive(Clone, Debug)]
pub struct Registrar {
    catalog: Catalog,
    stores: Stores,
    clock: Arc<dyn Clock>,
    events: Arc<dyn Events>,
    rules: Rules,
    settings: RegistrarSettings,
}

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

/// How long it is waited before a source is tried again that could not be read.
const PAUSE: Duration = Duration::from_secs(10);

/// What an image is to an object that was registered for it.
enum Standing {
    /// It waits for it.
    Waits(Box<Stored>),
    /// It has it.
    Has(Box<Stored>),
    /// Neither: it was deleted, or the object taken away.
    Over,
}

/// What came of looking at an object.
enum Found {
    /// What there is to know; without digests when nobody asked for them.
    Known(Option<Digests>, Option<u64>),
    /// There is more to hash: the next run goes on.
    More,
    /// Somebody else works on it by now.
    Lost,
}

/// Why an object could not be looked at.
enum Trouble {
    /// It is not to be had, or not to be taken, and never will be.
    Refused(String),
    /// It cannot be had now.
    Passing(String),
    /// A fault of the table.
    Fault(Error),
}

/// A registration, which is its own lease.
struct RegistrationLease<'a> {
    catalog: &'a Catalog,
    held: &'a mut StoredRegistration,
}

impl Lease for RegistrationLease<'_> {
    fn hashed(&self) -> Option<&HashState> {
        self.held.registration.hashed.as_ref()
    }

    async fn keep(&mut self, hashed: Option<HashState>, due: Timestamp) -> Result<bool> {
        let registration = self.held.registration.clone();
        // Whoever gets on has no failed tries behind him.
        let tries = if hashed.is_some() { 0 } else { registration.tries };
        let kept = Registration { hashed: hashed.or(registration.hashed), tries, due, ..registration };
        self.write(kept).await
    }
}

impl RegistrationLease<'_> {
    /// Writes it down; `false` when somebody else has it.
    async fn write(&mut self, next: Registration) -> Result<bool> {
        match self.catalog.keep_registration(self.held, next).await {
            Ok(kept) => *self.held = kept,
            Err(ChangeError::Lost) => return Ok(false),
            Err(ChangeError::Table(error)) => return Err(error),
        }
        Ok(true)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(reason) => Self::Refused(reason),
            Error::Content(refusal) => Self::Refused(refusal.to_string()),
            Error::Unavailable(_) => Self::Passing(cause(&error)),
            other => Self::Refused(cause(&other)),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Refused("There is no object at the location.".to_owned()),
            error => Error::from(error).into(),
        }
    }
}

/// Why a store could not read. What a source answered is for who named it; what a store says of itself is not.
fn cause(error: &Error) -> String {
    let source = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<FetchError>());
    source.map_or_else(|| "The object could not be read.".to_owned(), |fetch| format!("{fetch}."))
}

impl Registrar {
    /// What looks at objects in these stores; `rules` are what data is held to.
    pub fn new(
        catalog: Catalog,
        stores: Stores,
        clock: Arc<dyn Clock>,
        events: Arc<dyn Events>,
        rules: Rules,
        settings: RegistrarSettings,
    ) -> Self {
        Self { catalog, stores, clock, events, rules, settings }
    }

    /// Goes on with an object that was registered, if nobody else does, and begins no new stretch from `until` on, if it is given. A
    /// second run finds it done. Cost: two reads and two writes to begin, one look at how large it is, at most six reads to look into
    /// it; then, where it is hashed, a read of what is left of it with a write for each stretch and each third of a lease; two reads
    /// and a write to end.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table: it is due again when the lease ends.
    pub async fn advance(&self, seen: &StoredRegistration, until: Option<Timestamp>) -> Result<Outcome> {
        let now = self.clock.now();
        if seen.registration.due > now {
            return Ok(Outcome::Busy);
        }
        let taken =
            Registration { due: now.plus(self.settings.completion.lease), ..seen.registration.clone() };
        match self.catalog.keep_registration(seen, taken).await {
            Ok(held) => self.run(held, until).await,
            Err(ChangeError::Lost) => Ok(Outcome::Busy),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// How long one has an object that is looked at.
    pub(super) fn lease(&self) -> Duration {
        self.settings.completion.lease
    }

    /// Goes on with an object whose lease is held. Cost: as said there.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub(super) async fn run(
        &self,
        mut held: StoredRegistration,
        until: Option<Timestamp>,
    ) -> Result<Outcome> {
        self.begin_task(&held).await?;
        if self.clock.now() >= held.registration.ends {
            return self.give_up(&held, "The location could not be looked at in time.").await;
        }
        match self.look(&mut held, until).await {
            Ok(Found::Known(digests, virtual_size)) => self.take(&held, digests, virtual_size).await,
            Ok(Found::More) => Ok(Outcome::Unfinished),
            Ok(Found::Lost) => Ok(Outcome::Busy),
            Err(Trouble::Refused(reason)) => self.give_up(&held, &reason).await,
            Err(Trouble::Passing(reason)) => self.again(&held, &reason).await,
            Err(Trouble::Fault(error)) => Err(error),
        }
    }

    /// Finds out what there is to know, and gives the image what it may have before that.
    async fn look(&self, held: &mut StoredRegistration, until: Option<Timestamp>) -> Result<Found, Trouble> {
        let image = match self.standing(held).await.map_err(Trouble::Fault)? {
            Standing::Waits(seen) | Standing::Has(seen) => seen.image,
            Standing::Over => return Ok(Found::Lost),
        };
        let store = Arc::clone(self.store(&held.location.store)?);
        let size = self.size(held, &*store, &image).await?;
        let Some(virtual_size) = self.inspect(held, &*store, &image, size).await? else {
            return Ok(Found::Lost);
        };
        let registration = &held.registration;
        if !registration.hashes {
            return Ok(Found::Known(None, virtual_size));
        }
        // Without a hash to be held to before, an image that has no data yet can be used at once.
        let is_first = image.status == Status::Importing;
        if is_first && (registration.given.is_none() || registration.at_its_word) {
            let stops = until.is_some_and(|until| self.clock.now() >= until);
            match self.activate(held, virtual_size, stops).await.map_err(Trouble::Fault)? {
                Some(attached) if stops => {
                    *held = attached;
                    return Ok(Found::More);
                }
                Some(attached) => *held = attached,
                None => return Ok(Found::Lost),
            }
        }
        match self.digests(held, &image, &*store, size, until).await? {
            Some(digests) => Ok(Found::Known(Some(digests), virtual_size)),
            None if held.registration.due <= self.clock.now() => Ok(Found::More),
            None => Ok(Found::Lost),
        }
    }

    /// What the object hashes to. Has an image data that nobody has hashed, that is hashed too, and is the same.
    async fn digests(
        &self,
        held: &mut StoredRegistration,
        image: &Image,
        store: &dyn Store,
        size: u64,
        until: Option<Timestamp>,
    ) -> Result<Option<Digests>, Trouble> {
        let found = match held.registration.found.clone() {
            Some(found) => found,
            None => {
                let key = held.location.key.clone();
                let Some(found) = self.hash(held, (store, &key), size, until).await? else { return Ok(None) };
                found
            }
        };
        let others = image.locations.first().filter(|_| !held.is_attached() && image.digests.is_none());
        let Some(own) = others else { return Ok(Some(found)) };
        if held.registration.found.is_none() {
            let due = self.clock.now().plus(self.settings.completion.lease);
            let found = Some(found.clone());
            let next = Registration { found, hashed: None, tries: 0, due, ..held.registration.clone() };
            let mut lease = RegistrationLease { catalog: &self.catalog, held };
            if !lease.write(next).await.map_err(Trouble::Fault)? {
                return Ok(None);
            }
        }
        let store = Arc::clone(self.store(&own.store)?);
        let Some(has) = self.hash(held, (&*store, &own.key), size, until).await? else { return Ok(None) };
        match unlike(&has, &found) {
            Some(differs) => Err(Trouble::Refused(differs)),
            None => Ok(Some(found)),
        }
    }

    fn store(&self, id: &StoreId) -> Result<&Arc<dyn Store>, Trouble> {
        let absent = || Error::internal(format!("an object lies in store '{id}', which is not configured"));
        self.stores.get(id).ok_or_else(|| Trouble::Fault(absent()))
    }

    /// How many bytes there are, which is written down once it is known.
    async fn size(
        &self,
        held: &mut StoredRegistration,
        store: &dyn Store,
        image: &Image,
    ) -> Result<u64, Trouble> {
        if let Some(size) = held.registration.size {
            return Ok(size);
        }
        let size = store.size(&held.location.key).await?;
        let most = self.settings.max_bytes;
        let refusal = match image.size {
            _ if size == 0 => "The object at the location is empty.".to_owned(),
            _ if size > most => format!("The object has {size} bytes, and the limit is {most}."),
            Some(other) if other != size => format!("The object has {size} bytes, and the image {other}."),
            _ => {
                // With the next write: nothing is lost when this one is not made.
                held.registration.size = Some(size);
                return Ok(size);
            }
        };
        Err(Trouble::Refused(refusal))
    }

    /// Looks into data that the image does not have yet. Answers the size of the disk; nothing when somebody else has the object.
    async fn inspect(
        &self,
        held: &mut StoredRegistration,
        store: &dyn Store,
        image: &Image,
        size: u64,
    ) -> Result<Option<Option<u64>>, Trouble> {
        let declared = declared(image).filter(|_| !held.is_attached());
        if declared.is_none() {
            return Ok(Some(image.virtual_size));
        }
        let key = held.location.key.clone();
        let inspecting = inspect(&self.rules, store, &key, declared, size);
        let mut lease = RegistrationLease { catalog: &self.catalog, held };
        let inspected = renewing(self.settings.completion, &*self.clock, &mut lease, inspecting).await;
        let Some(judged) = inspected.map_err(Trouble::Fault)? else { return Ok(None) };
        Ok(Some(judged?.map_err(Error::from)?.virtual_size))
    }

    /// Hashes what is left of some bytes; `None` when the next run goes on, or somebody else.
    async fn hash(
        &self,
        held: &mut StoredRegistration,
        (store, key): (&dyn Store, &ObjectKey),
        size: u64,
        until: Option<Timestamp>,
    ) -> Result<Option<Digests>, Trouble> {
        let given = held.registration.given.clone();
        let verifier = given.as_ref().map(|given| given as &dyn Verify);
        let object = Object { store, key, size, verifier };
        let mut lease = RegistrationLease { catalog: &self.catalog, held };
        let hashed = hash(self.settings.completion, &*self.clock, &mut lease, object, until).await;
        let (digests, digest) = match hashed {
            Ok(Hashed::Whole(digests, digest)) => (digests, digest),
            Ok(Hashed::Unfinished | Hashed::Lost) => return Ok(None),
            Err(Broken::Table(error)) => return Err(Trouble::Fault(error)),
            Err(Broken::Source(error)) => return Err(error.into()),
        };
        if let Some(given) = &given {
            given.verify(&digests, digest.as_deref())?;
        }
        Ok(Some(digests))
    }

    /// Gives an image its data before it is hashed, which somebody else is to go on with if this worker stops. `None` when it waits for it no more.
    async fn activate(
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
    async fn take(
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
    async fn again(&self, held: &StoredRegistration, reason: &str) -> Result<Outcome> {
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
    async fn give_up(&self, held: &StoredRegistration, reason: &str) -> Result<Outcome> {
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
                    let task = self.ended(held, |task, now, due| match was_said {
                        true => task.failed(reason, now, due),
                        false => task.succeeded(result.clone(), now, due),
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

    async fn standing(&self, held: &StoredRegistration) -> Result<Standing> {
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
    async fn is_held(&self, held: &StoredRegistration) -> Result<bool> {
        let blob = self.catalog.blob(&held.location).await?;
        Ok(blob.and_then(|blob| blob.registration).is_some_and(|stored| stored.is_same_as(held)))
    }

    /// Notes that the work of a task has begun.
    async fn begin_task(&self, held: &StoredRegistration) -> Result<()> {
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

fn unlike(has: &Digests, found: &Digests) -> Option<String> {
    (has != found).then(|| format!("The data hashes to {}, and the image's to {}.", found.sha512, has.sha512))
}
