//! Blobs: one row for every object ever begun. A row is written before the first byte moves and removed after the last
//! one is gone, so nothing is ever stored that no row owns.
//!
//! `writing → attached` when its image takes it, `writing → staged` when it takes it for an import, `writing → garbage` when the
//! attempt is given up, `attached → garbage` and `staged → garbage` when the image is deleted. A due row says when to look again: at the end of the writer's lease, or at once. An object that
//! appears without a row is `garbage` from the start.

use super::record::{BlobRecord, BlobState, DueRecord, decode, encode, in_state};
use super::{
    BoundedError, Catalog, ChangeError, Due, DueMembers, Stored, StoredRegistration, StoredSession, key,
    member,
};
use crate::error::Result;
use crate::image::{Image, Location};
use crate::ports::{Change, Condition, Item, Write};
use crate::time::Timestamp;
use crate::usage::Allowance;

/// An object, as its row describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is to its image.
    pub state: BlobState,
    /// Where it lies.
    pub location: Location,
    /// The upload session by which it is written, if it is.
    pub session: Option<StoredSession>,
    /// What is to be found out about it, if it was registered.
    pub registration: Option<StoredRegistration>,
}

impl Catalog {
    /// Reads what is known of an object. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn blob(&self, location: &Location) -> Result<Option<Blob>> {
        let Some(item) = self.table.get(&key::blob(&location.key)).await? else { return Ok(None) };
        let mut record: BlobRecord = decode(item.attributes)?;
        let (state, location) = (record.state, record.location.clone());
        let registration = record.registration.take();
        let registration = StoredRegistration::read(state, &location, record.revision, registration)?;
        Ok(Some(Blob { state, location, session: StoredSession::read(record)?, registration }))
    }

    /// Begins an attempt to write an image: the image waits for an object, which is due when the lease ends. Cost: one write.
    /// `Lost` when the image has changed since, `OverLimit` when its owner may have no more.
    ///
    /// # Errors
    /// `Lost` and `OverLimit` as said, or a fault of the table.
    pub async fn begin_upload(
        &self,
        seen: &Stored,
        waiting: &Image,
        lease: &Due,
        allowed: &Allowance,
    ) -> Result<Stored, BoundedError> {
        let mut write = self.change_within(Some(seen), waiting, allowed)?;
        write.extend([put_blob(&lease.location, BlobState::Writing, Condition::Absent)?, put_due(lease)?]);
        self.commit_bounded(write).await?;
        Ok(Self::stored_after(Some(seen), waiting))
    }

    /// Extends a writer's lease. Cost: one write. `Lost` when the attempt was given up meanwhile.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn renew_lease(&self, lease: &Due, until: Timestamp) -> Result<Due, ChangeError> {
        let renewed = Due { at: until, location: lease.location.clone() };
        if renewed == *lease {
            return Ok(renewed);
        }
        let held = Change::Check(key::blob(&lease.location.key), in_state(BlobState::Writing));
        self.commit(Write::default().with(held).with(remove_due(lease)).with(put_due(&renewed)?)).await?;
        Ok(renewed)
    }

    /// Gives an image the bytes that were written for it, as its data or, when its record says so, as what it has staged. Cost:
    /// one write. `Lost` when the image no longer waits for them.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn attach(&self, seen: &Stored, after: &Image, lease: &Due) -> Result<Stored, ChangeError> {
        let is_staged = after.staged.as_ref() == Some(&lease.location);
        let state = if is_staged { BlobState::Staged } else { BlobState::Attached };
        let mut write = self.change(Some(seen), after)?;
        write.extend([put_blob(&lease.location, state, in_state(BlobState::Writing))?, remove_due(lease)]);
        self.commit(write).await?;
        Ok(Self::stored_after(Some(seen), after))
    }

    /// Gives an attempt up: the image is as `after` says, and what was written is due at once. Cost: one write.
    /// `Lost` when the image or the blob has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn abandon(
        &self,
        seen: &Stored,
        after: &Image,
        lease: &Due,
        now: Timestamp,
    ) -> Result<Due, ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        let due = Due { at: now, location: lease.location.clone() };
        write.extend([put_blob(&lease.location, BlobState::Garbage, in_state(BlobState::Writing))?]);
        if due != *lease {
            write.extend([remove_due(lease), put_due(&due)?]);
        }
        self.commit(write).await?;
        Ok(due)
    }

    /// Gives an attempt up whose object is gone already: the image is as `after` says, and nothing is left to do. Cost:
    /// one write. `Lost` when the image or the blob has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn withdraw(&self, seen: &Stored, after: &Image, lease: &Due) -> Result<(), ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        let blob = Change::Remove(key::blob(&lease.location.key), in_state(BlobState::Writing));
        write.extend([blob, remove_due(lease)]);
        self.commit(write).await
    }

    /// Takes an image back from a writer whose lease has ended: the image is as `after` says, the blob garbage and due as
    /// it is. Cost: one write. `Lost` when the writer has renewed its lease or ended, or the image has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn expire(&self, seen: &Stored, after: &Image, lease: &Due) -> Result<(), ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        write.extend([
            put_blob(&lease.location, BlobState::Garbage, in_state(BlobState::Writing))?,
            Change::Check(key::due_blob(lease.at, &lease.location.key), Condition::Present),
        ]);
        self.commit(write).await
    }

    /// Deletes an image: its record says so for ever, its listing rows go, its bytes are due at once. The object of an
    /// upload under way stays due at the end of its writer's lease, when nobody can be writing it any more. Members, of which
    /// there may be more than one write takes, are due at once. Cost: one write.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn delete(&self, seen: &Stored, deleted: &Image, now: Timestamp) -> Result<(), ChangeError> {
        let mut write = self.change(Some(seen), deleted)?;
        let import = seen.image.import.iter();
        let waiting = import.clone().flat_map(|course| course.waiting());
        for location in seen.image.locations.iter().chain(&seen.image.staged).chain(waiting) {
            let due = Due { at: now, location: location.clone() };
            write.extend([put_blob(location, BlobState::Garbage, Condition::Always)?, put_due(&due)?]);
        }
        let writing = import.flat_map(|course| course.writing());
        for location in writing.chain(&seen.image.upload) {
            write.extend([put_blob(location, BlobState::Garbage, Condition::Always)?]);
        }
        if seen.image.members > 0 {
            write.extend([member::put_due(&DueMembers { at: now, image: deleted.id.clone() })?]);
        }
        self.commit(write).await
    }

    /// Takes bytes from an image that has others: it is as `after` says, without them, and they are due at once. Cost: one write.
    /// `Lost` when the image has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn detach(&self, seen: &Stored, after: &Image, garbage: &Due) -> Result<Stored, ChangeError> {
        let mut write = self.change(Some(seen), after)?;
        let blob = put_blob(&garbage.location, BlobState::Garbage, in_state(BlobState::Attached))?;
        write.extend([blob, put_due(garbage)?]);
        self.commit(write).await?;
        Ok(Self::stored_after(Some(seen), after))
    }

    /// Marks a blob that no image waits for as garbage; it stays due as it is. Cost: one write.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn disown(&self, location: &Location) -> Result<(), ChangeError> {
        let garbage = put_blob(location, BlobState::Garbage, in_state(BlobState::Writing))?;
        self.commit(Write::default().with(garbage)).await
    }

    /// Writes down an object that has no row, and so no owner: it is garbage, and due. Cost: one write. `Lost` when it has
    /// a row by now.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn condemn(&self, due: &Due) -> Result<(), ChangeError> {
        let garbage = put_blob(&due.location, BlobState::Garbage, Condition::Absent)?;
        self.commit(Write::default().with(garbage).with(put_due(due)?)).await
    }

    /// Makes an object due once more, whatever is due to it already. Only for one that is garbage: to any other, it would
    /// end its writer's lease. A second run changes nothing. Cost: one write.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn remind(&self, due: &Due) -> Result<(), ChangeError> {
        self.commit(Write::default().with(put_due(due)?)).await
    }

    /// Forgets an object that is gone, and that it was due. A second run changes nothing. Cost: one write.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn forget(&self, due: &Due) -> Result<(), ChangeError> {
        let blob = Change::Remove(key::blob(&due.location.key), Condition::Always);
        self.commit(Write::default().with(blob).with(remove_due(due))).await
    }

    /// Forgets that something was due. Cost: one write.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn settle(&self, due: &Due) -> Result<(), ChangeError> {
        self.commit(Write::default().with(remove_due(due))).await
    }
}

pub(super) fn put_blob(location: &Location, state: BlobState, condition: Condition) -> Result<Change> {
    let (location, key) = (location.clone(), key::blob(&location.key));
    let record = BlobRecord { state, location, revision: 0, session: None, registration: None };
    Ok(Change::Put(Item { key, attributes: encode(&record)? }, condition))
}

pub(super) fn put_due(due: &Due) -> Result<Change> {
    let attributes = encode(&DueRecord { at: due.at, location: due.location.clone() })?;
    Ok(Change::Put(Item { key: key::due_blob(due.at, &due.location.key), attributes }, Condition::Always))
}

pub(super) fn remove_due(due: &Due) -> Change {
    Change::Remove(key::due_blob(due.at, &due.location.key), Condition::Always)
}
