//! The record of an image that is imported into: what an object is to it, and each step that it takes with one; a transaction a step.

use std::time::Duration;

use serde_json::json;

use super::session::session;
use super::settings::{ImporterPorts, ImporterSettings};
use super::step::image_at;
use crate::catalog::{
    BoundedError, Catalog, ChangeError, ImportStep, Stored, StoredSession, StoredTask, TaskStep,
};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::image::{Course, Ending, Image, Location};
use crate::import::Plugins;
use crate::operations::contention::Tries;
use crate::operations::{Outcome, Stores};
use crate::ports::{Event, EventKind, Job};
use crate::store::{ObjectKey, Session};
use crate::task::Task;
use crate::time::Timestamp;
use crate::usage::{Allowance, Resource};

/// Writes down what becomes of objects.
#[derive(Clone, Debug)]
pub(super) struct Record {
    catalog: Catalog,
    stores: Stores,
    ports: ImporterPorts,
    plugins: Plugins,
    life: Duration,
    task_life: Duration,
}

/// What an object is to its image.
pub(super) enum Standing {
    /// Waited for, by this import.
    Expected(Box<Stored>, Course),
    /// Its data, or put by to be.
    Taken,
    /// Nothing any more.
    Ended,
}

impl Record {
    pub(super) fn new(
        catalog: Catalog,
        stores: Stores,
        ports: ImporterPorts,
        settings: &ImporterSettings,
    ) -> Self {
        let (plugins, life, task_life) = (settings.plugins.clone(), settings.life, settings.task_life);
        Self { catalog, stores, ports, plugins, life, task_life }
    }

    /// What an object is to its image now.
    pub(super) async fn standing(&self, location: &Location) -> Result<Standing> {
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
    pub(super) async fn passed_over(&self, location: &Location) -> Result<Outcome> {
        Ok(match self.standing(location).await? {
            Standing::Expected(..) => Outcome::Busy,
            Standing::Taken => Outcome::Active,
            Standing::Ended => self.leave(location).await,
        })
    }

    /// Begins an object anew, under another key: what the last worker wrote may still come.
    pub(super) async fn restart(&self, held: &StoredSession) -> Result<Outcome> {
        let (old, now) = (&held.location, self.ports.clock.now());
        let key = ObjectKey::new(old.key.image().clone(), self.ports.ids.ulid(now));
        let new = Location { store: old.store.clone(), key };
        self.step(held, |course| course.instead(old, &new)).await
    }

    /// Says that a store, or every one that still waits, will not have the bytes.
    pub(super) async fn fail(&self, held: &StoredSession, reason: &str, all: bool) -> Result<Outcome> {
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
    pub(super) async fn step(
        &self,
        held: &StoredSession,
        change: impl Fn(Course) -> Course,
    ) -> Result<Outcome> {
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
            let after = image_at(&seen.image, changed, &self.plugins, now)?;
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
            .map(|at| (at.clone(), session(after, course, kept(), now, self.life)))
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
        let due = now.plus(self.task_life);
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
    pub(super) async fn leave(&self, location: &Location) -> Outcome {
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
