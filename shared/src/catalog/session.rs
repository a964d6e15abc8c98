//! Upload sessions. One lies in its blob's item, and goes when the blob is attached or garbage: then there is none any more.

use super::blob::{put_due, remove_due};
use super::record::{BlobRecord, BlobState, SessionRecord, at_revision, encode};
use super::{BoundedError, Catalog, ChangeError, Due, Stored, key};
use crate::error::Result;
use crate::image::{Image, Location};
use crate::ports::{Change, Condition, Item, Write};
use crate::store::Session;
use crate::usage::Allowance;

/// A session as it was read: a change says what it was based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub session: Session,
    /// Its object.
    pub location: Location,
    revision: i64,
}

impl StoredSession {
    /// The row by which it is looked at.
    pub fn due(&self) -> Due {
        Due { at: self.session.due, location: self.location.clone() }
    }

    pub(super) fn read(record: BlobRecord) -> Result<Option<Self>> {
        let BlobRecord { location, revision, session, .. } = record;
        let read = |session: SessionRecord| Ok(Self { session: session.try_into()?, location, revision });
        session.map(read).transpose()
    }
}

impl Catalog {
    /// Opens a session: the image becomes `saving`, and the session is due when it says. Cost: one write. `Lost` when the
    /// image has changed since, `OverLimit` when its owner may have no more.
    ///
    /// # Errors
    /// `Lost` and `OverLimit` as said, or a fault of the table.
    pub async fn begin_session(
        &self,
        seen: &Stored,
        saving: &Image,
        location: &Location,
        session: &Session,
        allowed: &Allowance,
    ) -> Result<(Stored, StoredSession), BoundedError> {
        let stored = StoredSession { session: session.clone(), location: location.clone(), revision: 1 };
        let mut write = self.change_within(Some(seen), saving, allowed)?;
        write.extend([put(&stored, Condition::Absent)?, put_due(&stored.due())?]);
        self.commit_bounded(write).await?;
        Ok((Self::stored_after(Some(seen), saving), stored))
    }

    /// Writes a session over the one that was read, and moves what is due with it. Cost: one write. `Lost` when it has
    /// changed since, or has ended.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn keep_session(
        &self,
        seen: &StoredSession,
        session: Session,
    ) -> Result<StoredSession, ChangeError> {
        let kept = StoredSession { session, location: seen.location.clone(), revision: seen.revision + 1 };
        let mut write = Write::default().with(put(&kept, at_revision(seen.revision))?);
        if kept.due() != seen.due() {
            write.extend([remove_due(&seen.due()), put_due(&kept.due())?]);
        }
        self.commit(write).await?;
        Ok(kept)
    }
}

fn put(stored: &StoredSession, condition: Condition) -> Result<Change> {
    put_session(&stored.location, &stored.session, stored.revision, condition)
}

/// The row of an object that is written by a session.
pub(super) fn put_session(
    location: &Location,
    session: &Session,
    revision: i64,
    condition: Condition,
) -> Result<Change> {
    let record = BlobRecord {
        state: BlobState::Writing,
        location: location.clone(),
        revision,
        session: Some(SessionRecord::from(session)),
        registration: None,
    };
    Ok(Change::Put(Item { key: key::blob(&location.key), attributes: encode(&record)? }, condition))
}
