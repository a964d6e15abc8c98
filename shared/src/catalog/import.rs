//! Imports: one change of the record, of every object that is its, and of the task that tells of it.
//!
//! What an object is to an image follows from the record, so what happens to the objects' rows follows from the record before and
//! after: begun, put by for the others, taken, or garbage.

use std::collections::BTreeMap;

use super::blob::{put_blob, put_due, remove_due};
use super::record::{BlobState, in_state};
use super::session::put_session;
use super::{BoundedError, Catalog, Due, Stored, StoredSession, StoredTask};
use crate::error::{Error, Result};
use crate::image::{Course, Image, Location};
use crate::ports::{Change, Condition};
use crate::store::Session;
use crate::task::Task;
use crate::time::Timestamp;
use crate::usage::Allowance;

/// What a step of an import changes beside the record.
#[derive(Debug)]
pub struct ImportStep<'a> {
    /// The session by which the step is made, if one is.
    pub held: Option<&'a StoredSession>,
    /// The sessions of the objects that it begins.
    pub begun: &'a [(Location, Session)],
    /// What it makes of its task.
    pub task: TaskStep<'a>,
    /// How much the image's owner may use.
    pub allowed: &'a Allowance,
    /// When.
    pub now: Timestamp,
}

/// What a step makes of its task.
#[derive(Debug)]
pub enum TaskStep<'a> {
    /// Nothing.
    Keep,
    /// It is begun.
    Create(&'a Task),
    /// It becomes another.
    Replace(&'a StoredTask, &'a Task),
}

impl Catalog {
    /// Makes a step of an import: the image is as `after` says. Objects that it waits for no more are garbage: those that are whole are
    /// due at once, and so is the one that is held; others at the end of their writers' leases. Cost: one write. `Lost` when the image, the task or the session's object has
    /// changed since, `OverLimit` when the image's owner may have no more.
    ///
    /// # Errors
    /// `Lost` and `OverLimit` as said, or a fault of the table.
    pub async fn step_import(
        &self,
        seen: &Stored,
        after: &Image,
        step: &ImportStep<'_>,
    ) -> Result<Stored, BoundedError> {
        let mut write = self.change_within(Some(seen), after, step.allowed)?;
        let (before, then) = (roles(&seen.image), roles(after));
        for (location, role) in &then {
            write.extend(begun_or_moved(location, before.get(location).copied(), *role, step)?);
        }
        for (location, role) in before.into_iter().filter(|(location, _)| !then.contains_key(location)) {
            write.extend(let_go(location, role, step)?);
        }
        match step.task {
            TaskStep::Keep => {}
            TaskStep::Create(task) => write.extend(super::task::created(task)?.into_changes()),
            TaskStep::Replace(seen, task) => write.extend(super::task::replaced(seen, task)?.into_changes()),
        }
        self.commit_bounded(write).await?;
        Ok(Self::stored_after(Some(seen), after))
    }
}

/// What the objects are that a record names.
fn roles(image: &Image) -> BTreeMap<&Location, BlobState> {
    let course = image.import.iter();
    let writing = course.clone().flat_map(Course::writing).chain(&image.upload);
    let put_by = course.flat_map(Course::waiting).chain(&image.staged);
    let each = writing.map(|at| (at, BlobState::Writing)).chain(put_by.map(|at| (at, BlobState::Staged)));
    // What the image has is its own, whatever else it was.
    each.chain(image.locations.iter().map(|at| (at, BlobState::Attached))).collect()
}

/// What becomes of the rows of an object that the image names.
fn begun_or_moved(
    location: &Location,
    before: Option<BlobState>,
    after: BlobState,
    step: &ImportStep<'_>,
) -> Result<Vec<Change>> {
    match before {
        Some(before) if before == after => Ok(Vec::new()),
        Some(before) => {
            let held = step.held.filter(|held| held.location == *location);
            let moved = put_blob(location, after, in_state(before))?;
            Ok(std::iter::once(moved).chain(held.map(|held| remove_due(&held.due()))).collect())
        }
        None => {
            let begun = step.begun.iter().find(|(at, _)| at == location);
            let missing =
                || Error::internal(format!("an import names an object that nobody begins: {location:?}"));
            let (_, session) = begun.ok_or_else(missing)?;
            let due = Due { at: session.due, location: location.clone() };
            Ok(vec![put_session(location, session, 1, Condition::Absent)?, put_due(&due)?])
        }
    }
}

/// What becomes of the rows of an object that the image names no more.
fn let_go(location: &Location, role: BlobState, step: &ImportStep<'_>) -> Result<Vec<Change>> {
    let garbage = put_blob(location, BlobState::Garbage, in_state(role))?;
    let held = step.held.filter(|held| held.location == *location);
    if role == BlobState::Writing && held.is_none() {
        // Its writer may live: it is due already, when the lease ends.
        return Ok(vec![garbage]);
    }
    let due = Due { at: step.now, location: location.clone() };
    let lease = held.map(StoredSession::due).filter(|lease| *lease != due);
    Ok([Some(garbage), lease.map(|lease| remove_due(&lease)), Some(put_due(&due)?)]
        .into_iter()
        .flatten()
        .collect())
}
