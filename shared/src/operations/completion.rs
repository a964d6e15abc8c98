//! From an object whose parts have all arrived to an image that is active.
//!
//! Whoever comes first does it: the client's `complete`, the bucket's event, the reaper. Each has to hold the session's lease,
//! which is its due row; a worker that dies is followed by the next one, from where it stopped. Every step may happen twice.
//!
//! 1. The object is made whole, and has the size that was announced.
//! 2. It is looked into: is it of the format that the image declares, and safe?
//! 3. It is hashed, in stretches; after each of them the state of the hashes is written down with the lease.
//! 4. Its digests are judged: are they what the client said, and what was signed?
//! 5. The image takes it, if it still waits for it. If it does not, whoever finds out removes what was written: it may have come
//!    after the removal by whoever ended the session, and not every store tells of it.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::requeued;
use super::contention::Tries;
use super::examination::{Examined, Examiner, Whole};
use super::{ATTEMPTS, Stores};
use crate::catalog::{BlobState, Catalog, ChangeError, Due, Stored, StoredSession};
use crate::error::{Error, Result};
use crate::format::Rules;
use crate::image::{Digests, Image, Location, Refused, Status};
use crate::ports::{Clock, Event, EventKind, Events};
use crate::store::{Phase, Session};
use crate::time::Timestamp;

/// Completes upload sessions.
#[derive(Clone, Debug)]
pub struct Completion {
    pub(super) catalog: Catalog,
    pub(super) stores: Stores,
    pub(super) clock: Arc<dyn Clock>,
    events: Arc<dyn Events>,
    examiner: Examiner,
    settings: CompletionSettings,
}

/// How sessions are completed, and registered objects are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionSettings {
    /// How long a worker that died keeps others from going on. A living one renews its lease with every stretch, and every third of it.
    pub lease: Duration,
    /// How many bytes are hashed before it is written down, at least 1.
    pub stretch_bytes: u64,
    /// How many bytes one run hashes at most, give or take a stretch.
    pub run_bytes: u64,
}

/// What became of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The image has its bytes.
    Active,
    /// The bytes were not taken: the image is `queued` again.
    Refused(String),
    /// Parts that had arrived have not any more: the client has to bring them.
    Reopened,
    /// The image was deleted, or the session was given up.
    Ended,
    /// Parts are still coming.
    Open,
    /// It is an import's, which somebody else goes on with.
    Import,
    /// Somebody else works on it.
    Busy,
    /// There is more to do: the next run goes on.
    Unfinished,
    /// The object is written by no session.
    None,
}

/// What an image is to the object of a session.
enum Standing {
    Expected(Box<Stored>),
    Taken,
    Ended,
}

impl Completion {
    /// What completes sessions over a catalog and its stores; `rules` are what data is held to.
    pub fn new(
        catalog: Catalog,
        stores: Stores,
        clock: Arc<dyn Clock>,
        events: Arc<dyn Events>,
        rules: Rules,
        settings: CompletionSettings,
    ) -> Self {
        let examiner = Examiner::new(catalog.clone(), stores.clone(), Arc::clone(&clock), rules, settings);
        Self { catalog, stores, clock, events, examiner, settings }
    }

    /// The same with other settings.
    #[must_use]
    pub fn with(self, settings: CompletionSettings) -> Self {
        let examiner = self.examiner.with(settings);
        Self { examiner, settings, ..self }
    }

    pub(super) fn lease(&self) -> Duration {
        self.settings.lease
    }

    /// Goes on with a session whose parts have all arrived, if nobody else does, and begins no new stretch from `until` on, if it
    /// is given. A second run finds it done. Cost: one read and one write to take it; then what is left of two looks at the object, a
    /// request for each 1000 parts and one to make it whole, at most six reads to look into it, a read of all of it with a write for
    /// each stretch but the last, and a read and a write to commit.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table or the store: the session is due again when the lease ends.
    pub async fn advance(&self, location: &Location, until: Option<Timestamp>) -> Result<Outcome> {
        let blob = self.catalog.blob(location).await?;
        let Some(blob) = blob else { return Ok(Outcome::Ended) };
        let session = match (blob.state, blob.session) {
            (BlobState::Attached, _) => return Ok(Outcome::Active),
            (BlobState::Garbage, _) => return Ok(Outcome::Ended),
            (BlobState::Writing | BlobState::Staged, None) | (BlobState::Staged, Some(_)) => {
                return Ok(Outcome::None);
            }
            (BlobState::Writing, Some(session)) if session.session.phase == Phase::Open => {
                return Ok(Outcome::Open);
            }
            (BlobState::Writing, Some(session)) if session.session.phase.is_import() => {
                return Ok(Outcome::Import);
            }
            (BlobState::Writing, Some(session)) => session,
        };
        let now = self.clock.now();
        if session.session.due > now {
            return Ok(Outcome::Busy);
        }
        let taken = Session { due: now.plus(self.settings.lease), ..session.session.clone() };
        match self.catalog.keep_session(&session, taken).await {
            Ok(held) => self.work(held, until).await,
            Err(ChangeError::Lost) => Ok(Outcome::Busy),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// Works on a session whose lease is held. Cost: as said there.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub(super) async fn work(&self, mut held: StoredSession, until: Option<Timestamp>) -> Result<Outcome> {
        let location = held.location.clone();
        if held.session.ends.is_some_and(|ends| self.clock.now() >= ends) {
            return self.refuse(&held, "The upload could not be completed in time.").await;
        }
        match self.examiner.make_whole(&held).await? {
            Whole::Yes => {}
            Whole::Missing => return self.reopen(&held).await,
            Whole::Not(reason) => return self.refuse(&held, &reason).await,
        }
        match self.examiner.examine(&mut held, until).await? {
            Examined::Sound { digests, virtual_size } => self.attach(&held, digests, virtual_size).await,
            Examined::Refused(reason) => self.refuse(&held, &reason).await,
            Examined::Unfinished => Ok(Outcome::Unfinished),
            Examined::Lost => self.passed_over(&location).await,
        }
    }

    /// Gives an image its data.
    async fn attach(
        &self,
        held: &StoredSession,
        digests: Digests,
        virtual_size: Option<u64>,
    ) -> Result<Outcome> {
        let id = held.location.key.image();
        let mut tries = Tries::new(&self.catalog, id);
        // Without a turn it is tried all the same: the bytes are there.
        let _in_turn = tries.queue().await;
        loop {
            let seen = match self.standing(&held.location).await? {
                Standing::Taken => return Ok(Outcome::Active),
                Standing::Ended => return Ok(self.leave(&held.location).await),
                Standing::Expected(seen) => seen,
            };
            let active = Image {
                status: seen.image.status.advance_to(Status::Active)?,
                size: Some(held.session.layout.size),
                virtual_size,
                digests: Some(digests.clone()),
                locations: vec![held.location.clone()],
                upload: None,
                reserved: 0,
                updated_at: self.clock.now(),
                ..seen.image.clone()
            };
            match self.catalog.attach(&seen, &active, &held.due()).await {
                Ok(stored) => {
                    for kind in [EventKind::Upload, EventKind::Activate] {
                        self.tell(kind, &stored.image).await;
                    }
                    return Ok(Outcome::Active);
                }
                Err(ChangeError::Lost) => tries.again().await?,
                // It may have happened: whoever is next finds out.
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// Puts the image back to `queued`, with the reason, and removes the object. What cannot be done now is due later.
    async fn refuse(&self, held: &StoredSession, reason: &str) -> Result<Outcome> {
        let refused =
            Refused { session: held.location.key.blob().clone(), reason: reason.to_owned(), store: None };
        tracing::info!(image = %held.location.key.image(), reason, "the bytes of an upload session were not taken");
        match self.give_up(held, Some(refused)).await? {
            Outcome::Refused(_) => Ok(Outcome::Refused(reason.to_owned())),
            other => Ok(other),
        }
    }

    /// Ends a session: the image is `queued` again, and says why if it is told; the object goes.
    pub(super) async fn give_up(&self, held: &StoredSession, refused: Option<Refused>) -> Result<Outcome> {
        for _ in 0..ATTEMPTS {
            let seen = match self.standing(&held.location).await? {
                Standing::Taken => return Ok(Outcome::Active),
                Standing::Ended => return Ok(self.leave(&held.location).await),
                Standing::Expected(seen) => seen,
            };
            let now = self.clock.now();
            let queued = Image { refused: refused.clone(), ..requeued(&seen.image, now)? };
            match self.catalog.abandon(&seen, &queued, &held.due(), now).await {
                Ok(due) => {
                    self.discard(&due).await;
                    return Ok(Outcome::Refused(String::new()));
                }
                Err(ChangeError::Lost) => {}
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(super::contended(held.location.key.image()))
    }

    /// Lets the client bring what is missing, for as long as a session lasts.
    async fn reopen(&self, held: &StoredSession) -> Result<Outcome> {
        let now = self.clock.now();
        let due = held.session.ends.unwrap_or(now).max(now.plus(self.settings.lease));
        let open = Session { phase: Phase::Open, due, ends: None, hashed: None, ..held.session.clone() };
        match self.catalog.keep_session(held, open).await {
            Ok(_) => Ok(Outcome::Reopened),
            Err(ChangeError::Lost) => self.passed_over(&held.location).await,
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// What became of a session whose lease was lost.
    async fn passed_over(&self, location: &Location) -> Result<Outcome> {
        Ok(match self.standing(location).await? {
            Standing::Expected(_) => Outcome::Busy,
            Standing::Taken => Outcome::Active,
            Standing::Ended => self.leave(location).await,
        })
    }

    /// Removes what was perhaps written after the session had ended. Whoever ended it has removed the object, or it is due, and
    /// its rows are not this one's; but no image ever waits for its key again.
    async fn leave(&self, location: &Location) -> Outcome {
        let removed = match self.stores.holding(&location.store) {
            Ok(store) => store.remove(&location.key).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            let key = &location.key;
            tracing::warn!(%key, %error, "an object whose upload session has ended could not be removed");
        }
        Outcome::Ended
    }

    async fn standing(&self, location: &Location) -> Result<Standing> {
        let Some(found) = self.catalog.find(location.key.image()).await? else { return Ok(Standing::Ended) };
        Ok(match &found.image {
            image if !image.status.is_live() => Standing::Ended,
            image if image.lies_at(location) => Standing::Taken,
            image if image.upload.as_ref() == Some(location) => Standing::Expected(Box::new(found)),
            _ => Standing::Ended,
        })
    }

    /// Removes the object, then what is known of it.
    async fn discard(&self, due: &Due) {
        let key = &due.location.key;
        let removed = match self.stores.holding(&due.location.store) {
            Ok(store) => store.remove(key).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(%key, %error, "an object is left to the reaper");
        } else if let Err(error) = self.catalog.forget(due).await {
            tracing::warn!(%key, %error, "the row of a removed object is left to the reaper");
        }
    }

    async fn tell(&self, kind: EventKind, image: &Image) {
        let (owner, at) = (image.owner.clone(), self.clock.now());
        self.events.publish(Event { kind, image: image.id.clone(), owner, member: None, at }).await;
    }
}
