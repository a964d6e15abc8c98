//! Objects that were registered for images. What is known of one lies in its blob's item, as an upload session does, for as long as
//! there is something to find out; the task that tells of it changes in the same write.

use super::blob::{put_due, remove_due};
use super::record::{BlobRecord, BlobState, RegistrationRecord, at_revision, encode};
use super::task::{created, replaced};
use super::{BoundedError, Catalog, ChangeError, Due, Stored, StoredTask, key};
use crate::error::Result;
use crate::image::{Image, Location};
use crate::ports::{Change, Condition, Item, Write};
use crate::store::Registration;
use crate::task::Task;
use crate::usage::Allowance;

/// A registration as it was read: a change says what it was based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRegistration {
    /// The registration.
    pub registration: Registration,
    /// Its object.
    pub location: Location,
    state: BlobState,
    revision: i64,
}

/// A task as it was read, and as it becomes.
pub type TaskChange<'a> = (&'a StoredTask, &'a Task);

impl StoredRegistration {
    /// The row by which it is looked at.
    pub fn due(&self) -> Due {
        Due { at: self.registration.due, location: self.location.clone() }
    }

    /// Whether it is the same as it was read, so that nobody has changed it since.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (&self.location, self.revision) == (&other.location, other.revision)
    }

    /// Whether the image has the object already.
    pub fn is_attached(&self) -> bool {
        self.state == BlobState::Attached
    }

    pub(super) fn read(
        state: BlobState,
        location: &Location,
        revision: i64,
        record: Option<RegistrationRecord>,
    ) -> Result<Option<Self>> {
        let location = location.clone();
        let read = |record: RegistrationRecord| {
            Ok(Self { registration: record.try_into()?, location, state, revision })
        };
        record.map(read).transpose()
    }
}

impl Catalog {
    /// Registers an object for an image, which waits for it from then on, with the task that tells of it. Cost: one write. `Lost`
    /// when the image has changed since, `OverLimit` when its owner may have no more.
    ///
    /// # Errors
    /// `Lost` and `OverLimit` as said, or a fault of the table.
    pub async fn begin_registration(
        &self,
        seen: &Stored,
        waiting: &Image,
        (location, registration): (&Location, &Registration),
        task: &Task,
        allowed: &Allowance,
    ) -> Result<(Stored, StoredRegistration), BoundedError> {
        let (location, registration) = (location.clone(), registration.clone());
        let stored = StoredRegistration { registration, location, state: BlobState::Writing, revision: 1 };
        let mut write = self.change_within(Some(seen), waiting, allowed)?;
        write.extend([put(&stored, Condition::Absent)?, put_due(&stored.due())?]);
        write.extend(created(task)?.into_changes());
        self.commit_bounded(write).await?;
        Ok((Self::stored_after(Some(seen), waiting), stored))
    }

    /// Writes a registration over the one that was read, and moves what is due with it. Cost: one write. `Lost` when it has changed
    /// since, or has ended.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn keep_registration(
        &self,
        seen: &StoredRegistration,
        registration: Registration,
    ) -> Result<StoredRegistration, ChangeError> {
        let kept = StoredRegistration { registration, revision: seen.revision + 1, ..seen.clone() };
        let mut write = Write::default().with(put(&kept, at_revision(seen.revision))?);
        write.extend(moved(seen, &kept)?);
        self.commit(write).await?;
        Ok(kept)
    }

    /// Gives an image its object, or tells more of one that it has: the image is as `after` says. What is left to find out is
    /// `rest`; with nothing, the registration is over. Cost: one write. `Lost` when the image, the registration or the task has
    /// changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn attach_registered(
        &self,
        (seen, after): (&Stored, &Image),
        held: &StoredRegistration,
        rest: Option<Registration>,
        task: Option<TaskChange<'_>>,
    ) -> Result<Option<StoredRegistration>, ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        let condition = at_revision(held.revision);
        let kept = if let Some(registration) = rest {
            let (state, revision) = (BlobState::Attached, held.revision + 1);
            let kept = StoredRegistration { registration, state, revision, ..held.clone() };
            write.extend([put(&kept, condition)?]);
            write.extend(moved(held, &kept)?);
            Some(kept)
        } else {
            let (state, location) = (BlobState::Attached, held.location.clone());
            let record = BlobRecord { state, location, revision: 0, session: None, registration: None };
            let item = Item { key: key::blob(&held.location.key), attributes: encode(&record)? };
            write.extend([Change::Put(item, condition), remove_due(&held.due())]);
            None
        };
        write.extend(
            task.map(|(seen, after)| replaced(seen, after)).transpose()?.unwrap_or_default().into_changes(),
        );
        self.commit(write).await?;
        Ok(kept)
    }

    /// Forgets an object that an image will not have, and leaves it where it is: the image is as `after` says. Cost: one write. `Lost`
    /// when the image, the registration or the task has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn drop_registration(
        &self,
        (seen, after): (&Stored, &Image),
        held: &StoredRegistration,
        task: Option<TaskChange<'_>>,
    ) -> Result<(), ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        let blob = Change::Remove(key::blob(&held.location.key), at_revision(held.revision));
        write.extend([blob, remove_due(&held.due())]);
        write.extend(
            task.map(|(seen, after)| replaced(seen, after)).transpose()?.unwrap_or_default().into_changes(),
        );
        self.commit(write).await
    }
}

fn put(stored: &StoredRegistration, condition: Condition) -> Result<Change> {
    let record = BlobRecord {
        state: stored.state,
        location: stored.location.clone(),
        revision: stored.revision,
        session: None,
        registration: Some(RegistrationRecord::from(&stored.registration)),
    };
    let item = Item { key: key::blob(&stored.location.key), attributes: encode(&record)? };
    Ok(Change::Put(item, condition))
}

/// What is due, where that has moved.
fn moved(seen: &StoredRegistration, kept: &StoredRegistration) -> Result<Vec<Change>> {
    if kept.due() == seen.due() {
        return Ok(Vec::new());
    }
    Ok(vec![remove_due(&seen.due()), put_due(&kept.due())?])
}
