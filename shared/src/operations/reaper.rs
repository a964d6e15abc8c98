//! Does what due rows promise.
//!
//! A blob that is due is looked at by its state. `writing`: its writer's lease has ended, so the image is `queued` again
//! and the blob garbage; a session's is gone on with, once all its parts had arrived, and an import's is handed to who imports. `garbage`: the object is removed, then the rows. Unknown: the same, for its row was forgotten, and
//! its writer may have come after that. `attached` or `staged`: the due row is a leftover of a lost race and goes. Members of a deleted
//! image are removed, as many at a time as one write takes, and the due row with the last. Tasks are due too, in rows of
//! their own. Every step may happen twice.

mod members;
mod tasks;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::attempt::requeued;
use super::{ATTEMPTS, Completion, Outcome, Registrar, Stores, contended, refused};
use crate::catalog::{BlobState, Catalog, ChangeError, Due, StoredRegistration};
use crate::error::{Error, Result};
use crate::ports::{Clock, Job, Queue};
use crate::store::Phase;
use crate::time::Timestamp;

/// How many due rows a query reads.
const STEP: usize = 100;

/// How many objects are removed side by side.
const CONCURRENCY: usize = 8;

/// Does what is due.
#[derive(Clone, Debug)]
pub struct Reaper {
    completion: Completion,
    registrar: Option<Registrar>,
    catalog: Catalog,
    stores: Stores,
    clock: Arc<dyn Clock>,
    queue: Arc<dyn Queue>,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// How long the oldest due row had been due when the run began; zero when none was.
    pub oldest: Duration,
    /// Uploads whose writer had died: their images are queued again.
    pub expired: usize,
    /// Upload sessions whose images became active.
    pub completed: usize,
    /// Objects removed.
    pub removed: usize,
    /// Due rows that could not be done with; they stay due.
    pub failed: usize,
}

/// A run that could not read what else is due.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Interrupted {
    /// What it did until then; `None` when it could not read any due row.
    pub reaped: Option<Reaped>,
    /// Why it could not read on.
    #[source]
    pub error: Error,
}

impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        interrupted.error
    }
}

/// What is known of the writers whose leases are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writers {
    /// One that lives renews its lease in time, or finds that it lost it.
    MayLive,
    /// None can be writing any more.
    AreDead,
}

impl Reaper {
    /// A reaper over the catalog and the stores that sessions are completed in. `queue` leads to who imports.
    pub fn new(completion: Completion, queue: Arc<dyn Queue>) -> Self {
        let (catalog, stores) = (completion.catalog.clone(), completion.stores.clone());
        let clock = Arc::clone(&completion.clock);
        Self { completion, registrar: None, catalog, stores, clock, queue }
    }

    /// The same reaper, with what looks at objects that were registered.
    #[must_use]
    pub fn registering(self, registrar: Registrar) -> Self {
        Self { registrar: Some(registrar), ..self }
    }

    /// Does everything that is due now. Cost: a query for each 100 due rows of either kind; for each object one read, at most
    /// three writes, and its removal; for each image that was shared one read, and a query and a write for each 49 members.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` when due rows cannot be read. One that cannot be done with is logged, counted and left.
    pub async fn run(&self) -> Result<Reaped> {
        Ok(self.run_until(None).await?)
    }

    /// Does what is due now, and begins nothing more from `until` on, if it is given: what is left stays due, for the next
    /// run. Cost: as [`Self::run`].
    ///
    /// # Errors
    /// [`Interrupted`] by the errors of [`Self::run`].
    pub async fn run_until(&self, until: Option<Timestamp>) -> Result<Reaped, Interrupted> {
        let mut reaped = self.sweep(self.clock.now(), Writers::MayLive, until).await?;
        let tasks = self.sweep_tasks(until, &mut reaped).await;
        tasks.map(|()| reaped).map_err(|error| Interrupted { reaped: Some(reaped), error })
    }

    /// Does everything that will ever be due: only for a process that knows that no other can be writing, because it
    /// has just taken the lock of the data directory.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn recover(&self) -> Result<Reaped> {
        Ok(self.sweep(Timestamp::from_microseconds(i64::MAX), Writers::AreDead, None).await?)
    }

    async fn sweep(
        &self,
        by: Timestamp,
        writers: Writers,
        until: Option<Timestamp>,
    ) -> Result<Reaped, Interrupted> {
        let began = self.clock.now();
        let in_time = || until.is_none_or(|until| self.clock.now() < until);
        let (mut reaped, mut after) = (None, None);
        loop {
            let due = self.catalog.due(by, after.as_ref(), STEP).await;
            let due = due.map_err(|error| Interrupted { reaped, error })?;
            let so_far = reaped.get_or_insert_with(|| Reaped {
                oldest: due.first().map_or(Duration::ZERO, |oldest| began.since(oldest.at)),
                ..Reaped::default()
            });
            let Some(last) = due.last().cloned() else { break };
            let mut done = futures_util::stream::iter(due)
                .take_while(|_| ready(in_time()))
                .map(|due| self.settle(due, writers, until))
                .buffer_unordered(CONCURRENCY);
            while let Some(one) = done.next().await {
                so_far.expired += one.expired;
                so_far.completed += one.completed;
                so_far.removed += one.removed;
                so_far.failed += one.failed;
            }
            if !in_time() {
                return Ok(*so_far);
            }
            after = Some(last);
        }
        let mut reaped = reaped.unwrap_or_default();
        match self.remove_members(by, &in_time, &mut reaped).await {
            Ok(oldest) => {
                Ok(Reaped { oldest: reaped.oldest.max(began.since(oldest.unwrap_or(began))), ..reaped })
            }
            Err(error) => Err(Interrupted { reaped: Some(reaped), error }),
        }
    }

    async fn settle(&self, due: Due, writers: Writers, until: Option<Timestamp>) -> Reaped {
        let mut reaped = Reaped::default();
        if let Err(error) = self.step(&due, writers, until, &mut reaped).await {
            let cause = std::error::Error::source(&error);
            tracing::warn!(key = %due.location.key, %error, cause = ?cause, "what is due to an object could not be done");
            reaped.failed = 1;
        }
        reaped
    }

    async fn step(
        &self,
        due: &Due,
        writers: Writers,
        until: Option<Timestamp>,
        reaped: &mut Reaped,
    ) -> Result<()> {
        let id = due.location.key.image();
        let blob = self.catalog.blob(&due.location).await?;
        let state = blob.as_ref().map(|blob| blob.state);
        if let Some(registered) = blob.as_ref().and_then(|blob| blob.registration.as_ref()) {
            // A start does not wait for others' servers: what is due to it the schedule finds.
            if writers == Writers::AreDead {
                return Ok(());
            }
            return self.register(due, registered, until, reaped).await;
        }
        if let Some(stored) = blob.and_then(|blob| blob.session).map(|stored| stored.session) {
            if stored.due != due.at {
                // It was moved on, and this one was left by a race.
                return self.catalog.settle(due).await.map_err(|error| refused(error, id));
            }
            if due.at > self.clock.now() {
                // Its clients are other processes, and come back.
                return Ok(());
            }
            if stored.phase == Phase::Completing {
                return self.complete(due, until, reaped).await;
            }
            if stored.phase.is_import() {
                // Bringing bytes is not for who looks after everything.
                self.queue.enqueue(Job::Import(due.location.clone())).await;
                return Ok(());
            }
        }
        match state {
            Some(BlobState::Attached | BlobState::Staged) => {
                return self.catalog.settle(due).await.map_err(|error| refused(error, id));
            }
            Some(BlobState::Writing) => {
                if writers == Writers::AreDead {
                    // On a full disk this makes the room that the table needs to say so.
                    self.stores.holding(&due.location.store)?.remove(&due.location.key).await?;
                }
                if !self.expire(due).await? {
                    return Ok(());
                }
                reaped.expired = 1;
            }
            // What others wrote and no row knows was refused, and is theirs; or it is gone already.
            None if due.location.key.name().is_some() => {
                return self.catalog.settle(due).await.map_err(|error| refused(error, id));
            }
            None | Some(BlobState::Garbage) => {}
        }
        self.stores.holding(&due.location.store)?.remove(&due.location.key).await?;
        reaped.removed = 1;
        self.catalog.forget(due).await.map_err(|error| refused(error, id))
    }

    /// Goes on with an object that was registered, unless somebody works on it.
    async fn register(
        &self,
        due: &Due,
        registered: &StoredRegistration,
        until: Option<Timestamp>,
        reaped: &mut Reaped,
    ) -> Result<()> {
        if registered.due() != *due {
            return self.catalog.settle(due).await.map_err(|error| refused(error, due.location.key.image()));
        }
        let nobody = || Error::internal("an object was registered, and nobody is there to look at it");
        match self.registrar.as_ref().ok_or_else(nobody)?.advance(registered, until).await? {
            Outcome::Active => reaped.completed = 1,
            Outcome::Refused(_) => reaped.expired = 1,
            _ => {}
        }
        Ok(())
    }

    /// Goes on with a session whose worker died, or had no more time.
    async fn complete(&self, due: &Due, until: Option<Timestamp>, reaped: &mut Reaped) -> Result<()> {
        match self.completion.advance(&due.location, until).await? {
            Outcome::Active => reaped.completed = 1,
            Outcome::Refused(_) => reaped.expired = 1,
            Outcome::Ended => match self.catalog.disown(&due.location).await {
                Ok(()) | Err(ChangeError::Lost) => {}
                Err(ChangeError::Table(error)) => return Err(error),
            },
            Outcome::Reopened
            | Outcome::Open
            | Outcome::Import
            | Outcome::Busy
            | Outcome::Unfinished
            | Outcome::None => {}
        }
        Ok(())
    }

    /// Takes an image back from a writer that died. `false` when the writer lives: it has renewed or ended its lease.
    async fn expire(&self, due: &Due) -> Result<bool> {
        let id = due.location.key.image();
        for _ in 0..ATTEMPTS {
            let found = self.catalog.find(id).await?;
            let waiting = found.filter(|stored| stored.image.upload.as_ref() == Some(&due.location));
            let expired = match waiting {
                Some(stored) => {
                    let queued = requeued(&stored.image, self.clock.now())?;
                    self.catalog.expire(&stored, &queued, due).await
                }
                None => self.catalog.disown(&due.location).await,
            };
            match expired {
                Ok(()) => return Ok(true),
                Err(ChangeError::Table(error)) => return Err(error),
                Err(ChangeError::Lost) => {
                    let state = self.catalog.blob(&due.location).await?.map(|blob| blob.state);
                    if state != Some(BlobState::Writing) || !self.catalog.is_due(due).await? {
                        return Ok(false);
                    }
                }
            }
        }
        Err(contended(id))
    }
}
