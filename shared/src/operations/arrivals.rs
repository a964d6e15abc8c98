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
//! - *One event twice at once.* When its object is due follows from the event: both write the same rows.

use std::sync::Arc;
use std::time::Duration;

use super::{ATTEMPTS, contended};
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
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    settings: ArrivalsSettings,
}

/// Which objects are images' data, and how long others stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalsSettings {
    /// The store that lies in the bucket.
    pub store: StoreId,
    /// The bucket.
    pub bucket: String,
    /// What goes before every key in it.
    pub prefix: String,
    /// How long an object that nobody owns stays: time for a writer that is late to remove it itself.
    pub grace: Duration,
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
    /// Nobody's: it is due to be removed.
    Nobody,
    /// Somebody else's: it lies in another bucket, or its key is none of ours.
    Foreign,
    /// An image's that this table has never heard of: a bucket that is being restored, another table's.
    Unknown,
}

impl Arrivals {
    /// What looks at the objects of one bucket.
    pub fn new(catalog: Catalog, clock: Arc<dyn Clock>, settings: ArrivalsSettings) -> Self {
        Self { catalog, clock, settings }
    }

    /// Looks whose an object is that has appeared, and has it removed if it is nobody's. What is foreign or unknown is
    /// left alone. A second run changes nothing; long after the event, it may make the object due once more. Cost: one
    /// read; for what is nobody's one write, and one more read when its key was forgotten.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table.
    pub async fn arrived(&self, arrival: &Arrival) -> Result<Owner> {
        let Arrival { bucket, path, at } = arrival;
        let Some(location) = self.locate(arrival) else {
            tracing::debug!(bucket, path, "an object of others has appeared");
            return Ok(Owner::Foreign);
        };
        // Not before now: a row that is overdue tells that the reaper is late.
        let due = Due { at: at.plus(self.settings.grace).max(self.clock.now()), location };
        let owner = self.look(&due).await?;
        match owner {
            Owner::Nobody => tracing::info!(path, "an object that nobody owns has appeared: it will go"),
            Owner::Unknown => tracing::warn!(path, "an object of an image unknown to the table has appeared"),
            Owner::Image | Owner::Foreign => {}
        }
        Ok(owner)
    }

    fn locate(&self, arrival: &Arrival) -> Option<Location> {
        let ArrivalsSettings { store, bucket, prefix, .. } = &self.settings;
        let path = arrival.path.strip_prefix(prefix).filter(|_| arrival.bucket == *bucket)?;
        Some(Location { store: store.clone(), key: ObjectKey::try_from(path.to_owned()).ok()? })
    }

    async fn look(&self, due: &Due) -> Result<Owner> {
        let id = due.location.key.image();
        for _ in 0..ATTEMPTS {
            let noted = match self.catalog.blob(&due.location).await?.map(|blob| blob.state) {
                Some(BlobState::Writing | BlobState::Attached) => return Ok(Owner::Image),
                Some(BlobState::Garbage) => self.catalog.remind(due).await,
                None if self.catalog.find(id).await?.is_none() => return Ok(Owner::Unknown),
                None => self.catalog.condemn(due).await,
            };
            match noted {
                Ok(()) => return Ok(Owner::Nobody),
                Err(ChangeError::Lost | ChangeError::OverLimit) => {}
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
        Err(contended(id))
    }
}
