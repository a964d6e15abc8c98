//! The stores an image lies in.

use super::contention::Tries;
use super::{Images, find, tell};
use crate::catalog::{ChangeError, Due};
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId};
use crate::identity::Caller;
use crate::image::{Image, Location, Status};
use crate::policy::Operation;
use crate::ports::{EventKind, Job};

impl Images {
    /// Removes an image's data from one store (`DELETE /v2/stores/{store_id}/{image_id}`); it stays in the others. The bytes follow soon
    /// after. Cost: one read and one write. A second run finds nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such image to the caller, or not in the store; `Conflict` when there is no such store, or the
    /// image is not active; `Forbidden` when the caller may not, or the image lies nowhere else.
    pub async fn remove_from_store(&self, caller: &Caller, store: &str, id: &ImageId) -> Result<()> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::DeleteImageLocation, caller, id).await?;
            let location = self.in_store(&seen.image, store)?.clone();
            if tries.queue().await? {
                continue;
            }
            let now = self.context.clock.now();
            let mut without = Image { updated_at: now, ..seen.image.clone() };
            without.locations.retain(|at| *at != location);
            match self.context.catalog.detach(&seen, &without, &Due { at: now, location }).await {
                Ok(_) => {
                    self.context.queue.enqueue(Job::Reap).await;
                    tell(&self.context, EventKind::Update, &without).await;
                    return Ok(());
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    /// What can be removed from a store.
    fn in_store<'a>(&self, image: &'a Image, store: &str) -> Result<&'a Location> {
        let known = |id: &StoreId| self.settings.stores.contains(id);
        let Some(id) = store.parse().ok().filter(known) else {
            return Err(Error::Conflict(format!("There is no store '{store}'.")));
        };
        if image.status != Status::Active {
            return Err(Error::Conflict(format!(
                "Image {} is {}: its data is removed from a store only while it is active.",
                image.id,
                image.status.name()
            )));
        }
        let location = image.in_store(&id).ok_or_else(|| {
            Error::NotFound(format!("The data of image {} is not in store '{store}'.", image.id))
        })?;
        if image.locations.len() == 1 {
            return Err(Error::Forbidden(format!(
                "Store '{store}' is the last one with the data of image {}: delete the image.",
                image.id
            )));
        }
        Ok(location)
    }
}
