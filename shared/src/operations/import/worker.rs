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

use super::abroad::{Regional, expected, explained};
use super::fill::{Begun, stream};
use super::lease::{Ended, Lease};
use super::record::{Record, Standing};
use super::settings::{ImporterPorts, ImporterSettings};
use super::source::Source;
use super::trouble::{Trouble, gone, said};
use crate::catalog::{BlobState, Catalog, ChangeError, StoredSession};
use crate::error::{Error, Result};
use crate::image::{Course, DiskFormat, Found, Image, ImportSource, Location};
use crate::operations::examination::{Examined, Examiner, Whole};
use crate::operations::upload::declared;
use crate::operations::{Outcome, Stores};
use crate::ports::{FetchError, FetchRequest, Job, StoreError, Validator};
use crate::store::{Expected, Filling, PartLayout, Phase, Session};
use crate::time::Timestamp;
use crate::transfer::layout;

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
    ports: ImporterPorts,
    record: Record,
    regional: Regional,
    examiner: Examiner,
    settings: ImporterSettings,
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
        let record = Record::new(catalog.clone(), stores.clone(), ports.clone(), &settings);
        let regional = Regional::new(ports.clone(), &settings);
        Self { catalog, stores, ports, record, regional, examiner, settings }
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
            Err(Trouble::Other(Error::Stale(_))) => self.record.passed_over(location).await,
            Err(Trouble::Source(reason)) => self.record.fail(&held, &reason, true).await,
            Err(Trouble::Denied) => self.record.fail(&held, DENIED, true).await,
            Err(
                Trouble::Store(StoreError::Unavailable(cause)) | Trouble::Other(Error::Unavailable(cause)),
            ) => self.again(&held, Error::Unavailable(cause)).await,
            Err(Trouble::Store(error)) => self.record.fail(&held, &said(location, &error), false).await,
            Err(Trouble::Other(error)) => self.record.fail(&held, &said(location, &error), false).await,
        }
    }

    async fn work(&self, held: &mut StoredSession, until: Option<Timestamp>) -> Result<Outcome, Trouble> {
        let (mut seen, mut course) = match self.record.standing(&held.location).await? {
            Standing::Expected(seen, course) => (seen, course),
            Standing::Taken => return Ok(Outcome::Active),
            Standing::Ended => return Ok(self.record.leave(&held.location).await),
        };
        if held.session.ends.is_some_and(|ends| self.ports.clock.now() >= ends) {
            return Ok(self.record.fail(held, "it took longer than an import may", false).await?);
        }
        if let Some(abroad) = course.unasked().filter(|_| held.session.phase == Phase::Filling) {
            let progress = AtomicU64::new(held.session.filling.bytes);
            let token = held.session.filling.token.clone();
            let asking = self.regional.ask(abroad, &seen.image, token.as_deref());
            let Some(remote) = self.under_lease(held, &progress, asking).await? else {
                return Ok(self.record.passed_over(&held.location).await?);
            };
            self.record.step(held, |course| course.learned(remote.clone())).await?;
            (seen, course) = match self.record.standing(&held.location).await? {
                Standing::Expected(seen, course) => (seen, course),
                Standing::Taken => return Ok(Outcome::Active),
                Standing::Ended => return Ok(self.record.leave(&held.location).await),
            };
        }
        if held.session.phase == Phase::Streaming {
            return Ok(self.record.restart(held).await?);
        }
        if held.session.phase == Phase::Filling {
            let image = seen.image.clone();
            let image = course.remote.iter().fold(image, |image, remote| remote.taken_over(image));
            let filled = self.fill(held, &image, &course, until).await;
            match filled.map_err(|trouble| explained(trouble, &course, self.ports.clock.now()))? {
                Step::Filled => {}
                Step::Unfinished => return Ok(self.unfinished(held).await?),
                Step::Lost => return Ok(self.record.passed_over(&held.location).await?),
            }
        }
        match self.examiner.make_whole(held).await? {
            Whole::Yes => {}
            Whole::Missing => {
                let session = Session { phase: Phase::Filling, ..held.session.clone() };
                *held = self.keep(held, session).await?;
                return Ok(self.unfinished(held).await?);
            }
            Whole::Not(reason) => return Ok(self.record.fail(held, &reason, false).await?),
        }
        let examined = self.examiner.examine(held, until).await?;
        let is_copy = course.first_there().is_some() || course.source == ImportSource::CopyImage;
        Ok(match examined {
            Examined::Sound { digests, virtual_size } => {
                let found = Found { size: held.session.layout.size, virtual_size, digests };
                self.record.step(held, |course| course.arrived(&held.location, found.clone())).await?
            }
            Examined::Refused(reason) => self.record.fail(held, &reason, !is_copy).await?,
            Examined::Unfinished => {
                self.ports.queue.enqueue(Job::Import(held.location.clone())).await;
                Outcome::Unfinished
            }
            Examined::Lost => self.record.passed_over(&held.location).await?,
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
                self.regional.source(image, course, known, token.as_deref()).await
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
                .record
                .fail(held, "the store, or what is read from, was unavailable too often", false)
                .await;
        }
        let filling = Filling { tries: tries + 1, ..held.session.filling.clone() };
        let due = self.ports.clock.now().plus(PAUSE.saturating_mul(1 << tries));
        self.keep(held, Session { due, filling, ..held.session.clone() }).await?;
        Ok(Outcome::Unfinished)
    }
}
