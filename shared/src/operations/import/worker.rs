//! The work of imports: one object at a time, by whoever takes its lease.
//!
//! 1. *Fill.* The source is opened, the object cut and begun; then every part is brought that has not arrived, while the lease is renewed.
//! 2. *Examine.* The object is made whole, looked into and hashed, as one that a client brought.
//! 3. *Step.* The image's record says what has become of the object and, if it was the last, of the import; one transaction.
//!
//! Who takes a lease asks for a look at it when it ends, so that who dies is followed within its term; the reaper hands on what
//! even that look forgot. Every step may happen twice.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde_json::json;

use super::abroad::{AbroadPorts, expected, explained};
use super::fill::{Begun, stream};
use super::lease::{Ended, Lease};
use super::session::session;
use super::source::Source;
use super::step::image_at;
use crate::catalog::{
    BlobState, BoundedError, Catalog, ChangeError, ImportStep, Stored, StoredSession, StoredTask, TaskStep,
};
use crate::error::{Error, Result};
use crate::format::Rules;
use crate::id::ImageId;
use crate::image::{Accepted, Course, DiskFormat, Ending, Found, Image, ImportSource, Location};
use crate::import::Plugins;
use crate::operations::contention::Tries;
use crate::operations::examination::{Examined, Examiner, Whole};
use crate::operations::upload::declared;
use crate::operations::{CompletionSettings, Outcome, Stores};
use crate::ports::{
    Clock, Event, EventKind, Events, Fetch, FetchError, FetchRequest, Ids, Job, Queue, StoreError, Validator,
};
use crate::store::{Expected, Filling, ObjectKey, PartLayout, Phase, Session};
use crate::task::Task;
use crate::time::Timestamp;
use crate::transfer::remake::RemakeError;
use crate::transfer::{Intake, Patience, layout};
use crate::usage::{Allowance, Resource};

/// What is told of a source that wants a token, or another.
const DENIED: &str = "the source answered 401";

/// How often an object is tried again, when nothing of it came in between.
const TRIES: u32 = 4;

/// The first pause; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(2);

/// Does what imports want.
#[derive(Clone, Debug)]
pub struct Importer {
    catalog: Catalog,
    stores: Stores,
    pub(super) ports: ImporterPorts,
    examiner: Examiner,
    pub(super) settings: ImporterSettings,
}

/// What an importer needs from outside.
#[derive(Clone, Debug)]
pub struct ImporterPorts {
    /// Who fetches what users named.
    pub fetch: Arc<dyn Fetch>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn Ids>,
    /// Who is told what happened.
    pub events: Arc<dyn Events>,
    /// Who is told what is to be done next.
    pub queue: Arc<dyn Queue>,
    /// Who knows other regions; nobody where none is asked.
    pub abroad: Option<AbroadPorts>,
}

/// How imports are worked on.
#[derive(Clone, Debug)]
pub struct ImporterSettings {
    /// How long a worker that died keeps others from going on. A living one renews its lease every third of it.
    pub lease: Duration,
    /// How long it may take to fill one store.
    pub life: Duration,
    /// How a source that does not say how long it is is taken in; its parts are those of every object.
    pub intake: Intake,
    /// How a source is asked again.
    pub patience: Patience,
    /// What is done to data before it is an image's.
    pub plugins: Plugins,
    /// What data is held to.
    pub rules: Rules,
    /// How many bytes are hashed before it is written down, and in one run.
    pub completion: CompletionSettings,
    /// How long a task is kept once it has ended.
    pub task_life: Duration,
    /// What values images may take over from other regions.
    pub accepted: Arc<Accepted>,
    /// How names of properties begin that they take over.
    pub extra_properties: Vec<String>,
}

/// Why an object is not filled.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The source will not give its bytes, for this reason: no store can have them.
    Source(String),
    /// The source takes no token, or not this one.
    Denied,
    /// The store that is written to.
    Store(StoreError),
    /// Anything else, which may pass.
    Other(Error),
}

impl Trouble {
    pub(super) fn of_source(location: &Location, error: StoreError) -> Self {
        match error {
            StoreError::NotFound => {
                Self::Source(format!("the data to be imported is not in store '{}' any more", location.store))
            }
            StoreError::Failed(cause) => {
                tracing::warn!(key = %location.key, %cause, "what is to be imported cannot be read");
                Self::Source(format!("store '{}' does not give the data to be imported", location.store))
            }
            error @ (StoreError::Full | StoreError::Unavailable(_)) => Self::Other(error.into()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::NotThere(401) => Self::Denied,
            other => Self::Source(other.to_string()),
        }
    }
}

impl From<RemakeError> for Trouble {
    fn from(error: RemakeError) -> Self {
        match error {
            RemakeError::Store(error) => Self::Other(error.into()),
            RemakeError::Fetch(error) => error.into(),
            other => Self::Source(other.to_string()),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

fn gone() -> Trouble {
    Trouble::Source("there is no data any more that could be imported".to_owned())
}

/// What is wrong, for the owner; the log hears why.
fn said(location: &Location, error: &dyn std::error::Error) -> String {
    let (key, store) = (&location.key, &location.store);
    tracing::warn!(%key, %store, %error, cause = ?error.source(), "an object could not be imported");
    error.to_string()
}

/// What an object is to its image.
enum Standing {
    /// Waited for, by this import.
    Expected(Box<Stored>, Course),
    /// Its data, or put by to be.
    Taken,
    /// Nothing any more.
    Ended,
}

/// How far an object has come.
enum Step {
    /// All of it is there.
    Filled,
    /// There was no more time.
    Unfinished,
    /// Somebody else has it, or nobody.
    Lost,
}

impl Importer {
    /// An importer over a catalog and its stores.
    pub fn new(catalog: Catalog, stores: Stores, ports: ImporterPorts, settings: ImporterSettings) -> Self {
        let clock = Arc::clone(&ports.clock);
        let (rules, completion) = (settings.rules.clone(), settings.completion);
        let examiner = Examiner::new(catalog.clone(), stores.clone(), clock, rules, completion);
        Self { catalog, stores, ports, examiner, settings }
    }

    /// Goes on with an object of an import, if nobody else does, and begins no new part and no new stretch from `until` on, if it is
    /// given. What is left is a job, and due. A second run finds it done. Cost: a read and a write to take it, two reads of the
    /// record; each byte read once from the source, written once, and read once to be hashed; a write for each third of the lease; one to commit.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table: the object is due again when the lease ends.
    pub async fn advance(&self, location: &Location, until: Option<Timestamp>) -> Result<Outcome> {
        let Some(blob) = self.catalog.blob(location).await? else { return Ok(Outcome::Ended) };
        let session = match (blob.state, blob.session) {
            (BlobState::Attached | BlobState::Staged, _) => return Ok(Outcome::Active),
            (BlobState::Garbage, _) => return Ok(Outcome::Ended),
            (BlobState::Writing, Some(session)) if session.session.phase.is_import() => session,
            (BlobState::Writing, _) => return Ok(Outcome::None),
        };
        let now = self.ports.clock.now();
        let watch = |after| self.ports.queue.enqueue_after(Job::Import(location.clone()), after);
        if session.session.due > now {
            watch(session.session.due.since(now)).await;
            return Ok(Outcome::Busy);
        }
        let taken = Session { due: now.plus(self.settings.lease), ..session.session.clone() };
        let mut held = match self.catalog.keep_session(&session, taken).await {
            Ok(held) => {
                watch(self.settings.lease).await;
                held
            }
            Err(ChangeError::Lost) => return Ok(Outcome::Busy),
            Err(ChangeError::Table(error)) => return Err(error),
        };
        match self.work(&mut held, until).await {
            Ok(outcome) => Ok(outcome),
            Err(Trouble::Other(Error::Stale(_))) => self.passed_over(location).await,
            Err(Trouble::Source(reason)) => self.fail(&held, &reason, true).await,
            Err(Trouble::Denied) => self.fail(&held, DENIED, true).await,
            Err(
                Trouble::Store(StoreError::Unavailable(cause)) | Trouble::Other(Error::Unavailable(cause)),
            ) => self.again(&held, Error::Unavailable(cause)).await,
            Err(Trouble::Store(error)) => self.fail(&held, &said(location, &error), false).await,
            Err(Trouble::Other(error)) => self.fail(&held, &said(location, &error), false).await,
        }
    }

    async fn work(&self, held: &mut StoredSession, until: Option<Timestamp>) -> Result<Outcome, Trouble> {
        let (mut seen, mut course) = match self.standing(&held.location).await? {
            Standing::Expected(seen, course) => (seen, course),
            Standing::Taken => return Ok(Outcome::Active),
            Standing::Ended => return Ok(self.leave(&held.location).await),
        };
        if held.session.ends.is_some_and(|ends| self.ports.clock.now() >= ends) {
            return Ok(self.fail(held, "it took longer than an import may", false).await?);
        }
        if let Some(abroad) = course.unasked().filter(|_| held.session.phase == Phase::Filling) {
            let progress = AtomicU64::new(held.session.filling.bytes);
            let token = held.session.filling.token.clone();
            let asking = self.ask_abroad(abroad, &seen.image, token.as_deref());
            let Some(remote) = self.under_lease(held, &progress, asking).await? else {
                return Ok(self.passed_over(&held.location).await?);
            };
            self.step(held, |course| course.learned(remote.clone())).await?;
            (seen, course) = match self.standing(&held.location).await? {
                Standing::Expected(seen, course) => (seen, course),
                Standing::Taken => return Ok(Outcome::Active),
                Standing::Ended => return Ok(self.leave(&held.location).await),
            };
        }
        if held.session.phase == Phase::Streaming {
            return Ok(self.restart(held).await?);
        }
        if held.session.phase == Phase::Filling {
            let image = seen.image.clone();
            let image = course.remote.iter().fold(image, |image, remote| remote.taken_over(image));
            let filled = self.fill(held, &image, &course, until).await;
            match filled.map_err(|trouble| explained(trouble, &course, self.ports.clock.now()))? {
                Step::Filled => {}
                Step::Unfinished => return Ok(self.unfinished(held).await?),
                Step::Lost => return Ok(self.passed_over(&held.location).await?),
            }
        }
        match self.examiner.make_whole(held).await? {
            Whole::Yes => {}
            Whole::Missing => {
                let session = Session { phase: Phase::Filling, ..held.session.clone() };
                *held = self.keep(held, session).await?;
                return Ok(self.unfinished(held).await?);
            }
            Whole::Not(reason) => return Ok(self.fail(held, &reason, false).await?),
        }
        let examined = self.examiner.examine(held, until).await?;
        let is_copy = course.first_there().is_some() || course.source == ImportSource::CopyImage;
        Ok(match examined {
            Examined::Sound { digests, virtual_size } => {
                let found = Found { size: held.session.layout.size, virtual_size, digests };
                self.step(held, |course| course.arrived(&held.location, found.clone())).await?
            }
            Examined::Refused(reason) => self.fail(held, &reason, !is_copy).await?,
            Examined::Unfinished => {
                self.ports.queue.enqueue(Job::Import(held.location.clone())).await;
                Outcome::Unfinished
            }
            Examined::Lost => self.passed_over(&held.location).await?,
        })
    }

    /// What an object is to its image now.
    async fn standing(&self, location: &Location) -> Result<Standing> {
        let Some(seen) = self.catalog.find(location.key.image()).await? else { return Ok(Standing::Ended) };
        let course = seen.image.import.clone().filter(|_| seen.image.status.is_live());
        let waits = course.as_ref().is_some_and(|course| course.waiting().any(|at| at == location));
        Ok(match course {
            _ if !seen.image.status.is_live() => Standing::Ended,
            _ if waits || seen.image.lies_at(location) => Standing::Taken,
            Some(course) if course.awaits(location) => Standing::Expected(Box::new(seen), course),
            Some(_) | None => Standing::Ended,
        })
    }

    /// What became of an object whose lease was lost: to somebody who goes on with it, or to its end.
    async fn passed_over(&self, location: &Location) -> Result<Outcome> {
        Ok(match self.standing(location).await? {
            Standing::Expected(..) => Outcome::Busy,
            Standing::Taken => Outcome::Active,
            Standing::Ended => self.leave(location).await,
        })
    }

    /// Opens the source of an object: for a copy the heaviest store that has the bytes.
    async fn source(
        &self,
        image: &Image,
        course: &Course,
        known: Option<Validator>,
        token: Option<String>,
    ) -> Result<Source, Trouble> {
        let copies: Vec<Location> = course.there().chain(&image.locations).cloned().collect();
        if let Some(source) = self.copy(&copies).await? {
            return Ok(source);
        }
        let max_bytes = self.settings.intake.max_bytes;
        let remake = self.settings.plugins.remake(image, max_bytes);
        match &course.source {
            ImportSource::WebDownload { uri } => {
                let url = self.ports.fetch.check(uri).map_err(FetchError::from)?;
                let request = FetchRequest { max_bytes, validator: known, ..FetchRequest::whole(url) };
                let (fetch, patience) = (Arc::clone(&self.ports.fetch), self.settings.patience);
                Ok(match remake {
                    None => Source::url(fetch, request, patience).await?,
                    Some(remake) => Source::remade_url(fetch, request, patience, (&remake, None)).await?,
                })
            }
            ImportSource::GlanceDirect => {
                let staged = image.staged.as_ref().ok_or_else(gone)?;
                let store = Arc::clone(self.stores.holding(&staged.store)?);
                match remake {
                    None => {
                        let source = Source::object(store, staged.clone()).await;
                        source.map_err(|error| Trouble::of_source(staged, error))
                    }
                    Some(remake) => Source::remade_object(store, staged, &remake).await,
                }
            }
            ImportSource::GlanceDownload(_) => {
                self.source_abroad(image, course, known, token.as_deref()).await
            }
            ImportSource::CopyImage => Err(gone()),
        }
    }

    /// What has been imported already, in the heaviest store that gives it; `None` when it is in none yet.
    async fn copy(&self, copies: &[Location]) -> Result<Option<Source>, Trouble> {
        let mut trouble = None;
        for location in self.stores.in_order(copies, &[]) {
            let store = Arc::clone(self.stores.holding(&location.store)?);
            match Source::object(store, location.clone()).await {
                Ok(source) => return Ok(Some(source)),
                Err(error) => trouble = Some(Trouble::of_source(location, error)),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    async fn fill(
        &self,
        held: &mut StoredSession,
        image: &Image,
        course: &Course,
        until: Option<Timestamp>,
    ) -> Result<Step, Trouble> {
        let progress = Arc::new(AtomicU64::new(held.session.filling.bytes));
        let location = held.location.clone();
        let known = held.session.filling.validator.as_deref().and_then(Validator::parse);
        // To plan a conversion may take a while.
        let opening = self.source(image, course, known, held.session.filling.token.clone());
        let Some(mut source) = self.under_lease(held, &progress, opening).await? else {
            return Ok(Step::Lost);
        };
        let is_copy = image.digests.is_some() || course.found.is_some();
        let made = declared(&self.settings.plugins.remade(image.clone())).filter(|_| !is_copy);
        let expected = expected(course, &source);
        let store = Arc::clone(self.stores.holding(&location.store)?);
        let Some(size) = source.size else {
            let session = Session { phase: Phase::Streaming, ..held.session.clone() };
            *held = self.keep(held, session).await?;
            let streaming =
                stream(&self.settings.intake, &*store, &location.key, source, Arc::clone(&progress));
            let Some(size) = self.under_lease(held, &progress, streaming).await? else {
                return Ok(Step::Lost);
            };
            let whole = PartLayout { size, part_bytes: size.max(1) };
            self.filled(held, whole, made, expected).await?;
            return Ok(Step::Filled);
        };
        let max = self.settings.intake.max_bytes;
        if size > max {
            let why = format!("its {size} bytes exceed the limit of {max} bytes for an image");
            return Err(Trouble::Source(why));
        }
        if held.session.upload.is_none() {
            let cut = layout(store.part_limits(), self.settings.intake.part_bytes, size)?;
            let upload =
                if size == 0 { None } else { Some(store.begin_direct(&location.key, size, None).await?) };
            let validator = source.validator.as_ref().map(|known| known.as_str().to_owned());
            let filling = Filling { validator, ..held.session.filling.clone() };
            let session = Session { layout: cut, upload, filling, ..held.session.clone() };
            *held = self.keep(held, session).await?;
        } else if held.session.layout.size != size {
            return Err(FetchError::Changed.into());
        }
        if let Some(upload) = held.session.upload.clone() {
            let begun =
                Begun { store: &store, key: &location.key, upload: &upload, layout: held.session.layout };
            let filling = begun.fill(&mut source, &progress, &*self.ports.clock, until);
            match self.under_lease(held, &progress, filling).await? {
                Some(true) => {}
                Some(false) => return Ok(Step::Unfinished),
                None => return Ok(Step::Lost),
            }
        }
        let cut = held.session.layout;
        self.filled(held, cut, made, expected).await?;
        Ok(Step::Filled)
    }

    /// Works while the lease is renewed; `None` when it was lost.
    async fn under_lease<T>(
        &self,
        held: &mut StoredSession,
        progress: &AtomicU64,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<Option<T>, Trouble> {
        let (catalog, clock, term) = (&self.catalog, &*self.ports.clock, self.settings.lease);
        let lease = Lease { catalog, clock, term, progress };
        let done = tokio::select! {
            biased;
            done = work => done.map(Some),
            ended = lease.keep(held) => match ended {
                Ended::Lost => Ok(None),
                Ended::Unknown(error) => Err(error.into()),
            },
        };
        held.session = lease.noted(held);
        done
    }

    /// All parts are there; what they must be is said now, for it may be something else than what was imported.
    async fn filled(
        &self,
        held: &mut StoredSession,
        layout: PartLayout,
        declared: Option<DiskFormat>,
        expected: Option<Expected>,
    ) -> Result<(), Trouble> {
        let due = self.ports.clock.now().plus(self.settings.lease);
        let expected = expected.unwrap_or_else(|| held.session.expected.clone());
        let session =
            Session { phase: Phase::Filled, layout, declared, expected, due, ..held.session.clone() };
        *held = self.keep(held, session).await?;
        Ok(())
    }

    async fn keep(&self, held: &StoredSession, session: Session) -> Result<StoredSession> {
        self.catalog.keep_session(held, session).await.map_err(|error| match error {
            ChangeError::Lost => Error::Stale("the lease of an object was lost".to_owned()),
            ChangeError::Table(error) => error,
        })
    }

    /// Leaves the rest to another run, at once.
    async fn unfinished(&self, held: &StoredSession) -> Result<Outcome> {
        self.keep(held, Session { due: self.ports.clock.now(), ..held.session.clone() }).await?;
        self.ports.queue.enqueue(Job::Import(held.location.clone())).await;
        Ok(Outcome::Unfinished)
    }

    /// Leaves it to another run, after a while; or gives it up, when that was done often enough.
    async fn again(&self, held: &StoredSession, error: Error) -> Result<Outcome> {
        said(&held.location, &error);
        let tries = held.session.filling.tries;
        if tries >= TRIES {
            return self
                .fail(held, "the store, or what is read from, was unavailable too often", false)
                .await;
        }
        let filling = Filling { tries: tries + 1, ..held.session.filling.clone() };
        let due = self.ports.clock.now().plus(PAUSE.saturating_mul(1 << tries));
        self.keep(held, Session { due, filling, ..held.session.clone() }).await?;
        Ok(Outcome::Unfinished)
    }

    /// Begins an object anew, under another key: what the last worker wrote may still come.
    async fn restart(&self, held: &StoredSession) -> Result<Outcome> {
        let (old, now) = (&held.location, self.ports.clock.now());
        let key = ObjectKey::new(old.key.image().clone(), self.ports.ids.ulid(now));
        let new = Location { store: old.store.clone(), key };
        self.step(held, |course| course.instead(old, &new)).await
    }

    /// Says that a store, or every one that still waits, will not have the bytes.
    async fn fail(&self, held: &StoredSession, reason: &str, all: bool) -> Result<Outcome> {
        tracing::info!(image = %held.location.key.image(), store = %held.location.store, reason, "an import failed");
        let failed = |course: Course| {
            if all { course.failed_all(reason) } else { course.failed(&held.location, reason) }
        };
        match self.step(held, failed).await? {
            Outcome::Active => Ok(Outcome::Refused(reason.to_owned())),
            other => Ok(other),
        }
    }

    /// Writes down what has become of an object, with all that follows from it.
    async fn step(&self, held: &StoredSession, change: impl Fn(Course) -> Course) -> Result<Outcome> {
        let location = &held.location;
        let mut tries = Tries::new(&self.catalog, location.key.image());
        // Without a turn it is tried all the same: the bytes are there.
        let _in_turn = tries.queue().await;
        let mut is_over_limit = false;
        loop {
            let (seen, course) = match self.standing(location).await? {
                Standing::Expected(seen, course) => (seen, course),
                Standing::Taken => return Ok(Outcome::Active),
                Standing::Ended => return Ok(self.leave(location).await),
            };
            let most = Allowance::of_bytes(course.most_bytes);
            let changed = if is_over_limit {
                let limit = Resource::ImageSizeTotal.name();
                course.failed_all(&format!("the project would use more than its limit {limit} allows"))
            } else {
                change(course)
            };
            let now = self.ports.clock.now();
            let after = image_at(&seen.image, changed, &self.settings.plugins, now)?;
            match self.commit(held, &seen, &after, &most, now).await {
                Ok(begun) => {
                    for location in begun {
                        self.ports.queue.enqueue(Job::Import(location)).await;
                    }
                    self.ended(&seen.image, &after).await;
                    return Ok(Outcome::Active);
                }
                Err(BoundedError::OverLimit) => is_over_limit = true,
                Err(BoundedError::Change(ChangeError::Lost)) => tries.again().await?,
                // It may have happened: whoever is next finds out.
                Err(BoundedError::Change(ChangeError::Table(error))) => return Err(error),
            }
        }
    }

    /// One transaction; the objects that it begins.
    async fn commit(
        &self,
        held: &StoredSession,
        seen: &Stored,
        after: &Image,
        allowed: &Allowance,
        now: Timestamp,
    ) -> Result<Vec<Location>, BoundedError> {
        let (Some(before), Some(course)) = (&seen.image.import, &after.import) else {
            return Err(Error::internal("a step of no import").into());
        };
        let kept = || (held.session.verifier.clone(), held.session.filling.token.clone());
        let begun: Vec<(Location, Session)> = course
            .writing()
            .filter(|at| !before.awaits(at))
            .map(|at| (at.clone(), session(after, course, kept(), now, self.settings.life)))
            .collect();
        let task = match course.ending() {
            Ending::Open => None,
            ending => self.ended_task(&after.id, course, &ending, now).await?,
        };
        let task = task.as_ref().map_or(TaskStep::Keep, |(seen, task)| TaskStep::Replace(seen, task));
        let step = ImportStep { held: Some(held), begun: &begun, task, allowed, now };
        self.catalog.step_import(seen, after, &step).await?;
        Ok(begun.into_iter().map(|(location, _)| location).collect())
    }

    /// The task of an import that has ended; `None` when it has been forgotten, or has ended before.
    async fn ended_task(
        &self,
        image: &ImageId,
        course: &Course,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<Option<(StoredTask, Task)>> {
        let Some(seen) = self.catalog.task(&course.task).await? else { return Ok(None) };
        let due = now.plus(self.settings.task_life);
        let failures: Vec<_> =
            course.failures().map(|(store, reason)| format!("{store}: {reason}")).collect();
        let ended = match ending {
            Ending::Failed(reason) => seen.task.failed(reason, now, due),
            Ending::Open | Ending::Done(_) => {
                let stores: Vec<_> = course.there().map(|at| at.store.as_str()).collect();
                let result = json!({ "image_id": image, "stores": stores });
                seen.task
                    .succeeded(result, now, due)
                    .map(|task| Task { message: failures.join("; "), ..task })
            }
        };
        Ok(ended.ok().map(|task| (seen, task)))
    }

    /// Tells what has happened, and has removed what is not needed any more.
    async fn ended(&self, before: &Image, after: &Image) {
        let mut kinds = vec![EventKind::Update];
        if before.locations.is_empty() && !after.locations.is_empty() {
            kinds.extend([EventKind::Upload, EventKind::Activate]);
        }
        for kind in kinds {
            let (owner, at) = (after.owner.clone(), self.ports.clock.now());
            let event = Event { kind, image: after.id.clone(), owner, member: None, at };
            self.ports.events.publish(event).await;
        }
        let is_over = after.import.as_ref().is_none_or(|course| !course.is_open());
        if is_over || before.staged != after.staged {
            self.ports.queue.enqueue(Job::Reap).await;
        }
    }

    /// Removes what was perhaps written after the import had ended: nobody ever waits for its key again.
    async fn leave(&self, location: &Location) -> Outcome {
        let removed = match self.stores.holding(&location.store) {
            Ok(store) => store.remove(&location.key).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(key = %location.key, %error, "an object whose import has ended could not be removed");
        }
        Outcome::Ended
    }
}
