//! Objects that appear in the bucket, as its events tell: each has an owner, or is made to go.
//!
//! A live upload has its row before its first byte, and a key is used once. So an object without a row has no owner and
//! never gets one: its writer came too late, after the reaper had removed and forgotten the key. Events are late, doubled
//! and out of order, and race with whoever removes:
//!
//! - *The bytes land after the object was removed and before its row is forgotten.* The event still finds `garbage`, so it
//!   makes the object due once more. The reaper then finds no row, and removes what is due all the same.
//! - *The object was removed and its row forgotten before the event came.* The rows are written for nothing: the reaper
//!   removes what is not there and forgets them. A removal is no event that is listened to, so it ends there.
//! - *The object of an upload session.* It has an owner, and a worker: whoever made it whole, unless that one died. Then who looks
//!   goes on, once the worker's lease has ended. An event within the lease has nothing to do and is not kept: the due row stays.
//! - *One event twice at once.* When its object is due follows from the event: both write the same rows.

use std::sync::Arc;
use std::time::Duration;

use super::{ATTEMPTS, Completion, Outcome, contended};
use crate::catalog::{BlobState, Catalog, ChangeError, Due};
use crate::error::Result;
use crate::id::StoreId;
use crate::image::Location;
use crate::ports::Clock;
use crate::store::ObjectKey;
use crate::time::Timestamp;

/// Looks at objects that appear in a bucket.
#[derive(Clone, Debug)]
pub struct Arrivals {
    completion: Completion,
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    settings: ArrivalsSettings,
}

/// Which objects are images' data, and how long others stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalsSettings {
    /// Where the stores lie.
    pub buckets: Vec<Bucket>,
    /// How long an object that nobody owns stays: time for a writer that is late to remove it itself.
    pub grace: Duration,
}

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The store.
    pub store: StoreId,
    /// The bucket.
    pub name: String,
    /// What goes before every key in it.
    pub prefix: String,
}

/// An object that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The bucket.
    pub bucket: String,
    /// The whole key in it.
    pub path: String,
    /// When.
    pub at: Timestamp,
}

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Its image's, or its writer's, who commits it or whose lease ends.
    Image,
    /// Its image's, for which it is being completed: by somebody else, or by whoever finds its due row next.
    Unfinished,
    /// Nobody's: it is due to be removed.
    Nobody,
    /// Somebody else's: it lies in another bucket, or its key is none of ours.
    Foreign,
    /// An image's that this table has never heard of: a bucket that is being restored, another table's.
    Unknown,
}

impl Arrivals {
    /// What looks at the objects of these buckets.
    pub fn new(completion: Completion, settings: ArrivalsSettings) -> Self {
        let (catalog, clock) = (completion.catalog.clone(), Arc::clone(&completion.clock));
        Self { completion, catalog, clock, settings }
    }

    /// Looks whose an object is that has appeared, has it removed if it is nobody's, and completes it if it is an upload session's that nobody
    /// works on, beginning nothing new from `until` on. What is foreign or unknown is left alone. A second run changes nothing; long after the event, it may make the object due once more. Cost: one
    /// read; for what is nobody's one write, and one more read when its key was forgotten.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table.
    pub async fn arrived(&self, arrival: &Arrival, until: Option<Timestamp>) -> Result<Owner> {
        let Arrival { bucket, path, at } = arrival;
        let Some(location) = self.locate(arrival) else {
            tracing::debug!(bucket, path, "an object of others has appeared");
            return Ok(Owner::Foreign);
        };
        // Not before now: a row that is overdue tells that the reaper is late.
        let due = Due { at: at.plus(self.settings.grace).max(self.clock.now()), location };
        let owner = self.look(&due, until).await?;
        match owner {
            Owner::Nobody => tracing::info!(path, "an object that nobody owns has appeared: it will go"),
            Owner::Unknown => tracing::warn!(path, "an object of an image unknown to the table has appeared"),
            Owner::Image | Owner::Unfinished | Owner::Foreign => {}
        }
        Ok(owner)
    }

    fn locate(&self, arrival: &Arrival) -> Option<Location> {
        let mut ours = self.settings.buckets.iter().filter(|bucket| bucket.name == arrival.bucket);
        // Two stores may share a bucket: with the wrong prefix, what is left is no key.
        ours.find_map(|bucket| {
            let path = arrival.path.strip_prefix(&bucket.prefix)?;
            Some(Location { store: bucket.store.clone(), key: ObjectKey::try_from(path.to_owned()).ok()? })
        })
    }

    /// Goes on with a session whose object is whole.
    async fn complete(&self, due: &Due, until: Option<Timestamp>) -> Result<Owner> {
        Ok(match self.completion.advance(&due.location, until).await? {
            Outcome::Busy | Outcome::Import | Outcome::Unfinished => Owner::Unfinished,
            // Refused bytes are removed already, or due.
            Outcome::Active
            | Outcome::Refused(_)
            | Outcome::Reopened
            | Outcome::Ended
            | Outcome::Open
            | Outcome::None => Owner::Image,
        })
    }

    async fn look(&self, due: &Due, until: Option<Timestamp>) -> Result<Owner> {
        let id = due.location.key.image();
        for _ in 0..ATTEMPTS {
            let blob = self.catalog.blob(&due.location).await?;
            let is_session = blob.as_ref().is_some_and(|blob| blob.session.is_some());
            let noted = match blob.map(|blob| blob.state) {
                Some(BlobState::Writing) if is_session => return self.complete(due, until).await,
                Some(BlobState::Writing | BlobState::Staged | BlobState::Attached) => {
                    return Ok(Owner::Image);
                }
                Some(BlobState::Garbage) => self.catalog.remind(due).await,
                None if self.catalog.find(id).await?.is_none() => return Ok(Owner::Unknown),
                None => self.catalog.condemn(due).await,
            };
            match noted {
                Ok(()) => return Ok(Owner::Nobody),
                Err(ChangeError::Lost) => {}
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(contended(id))
    }
}
