//! Members of deleted images, which are due to be removed.

use super::{Reaped, Reaper, STEP, refused};
use crate::catalog::DueMembers;
use crate::error::Result;
use crate::time::Timestamp;

impl Reaper {
    /// Removes the members of deleted images, and tells since when the oldest were due.
    pub(super) async fn remove_members(
        &self,
        by: Timestamp,
        in_time: &(impl Fn() -> bool + Sync),
        reaped: &mut Reaped,
    ) -> Result<Option<Timestamp>> {
        let (mut oldest, mut after) = (None, None);
        loop {
            let due = self.catalog.due_members(by, after.as_ref(), STEP).await?;
            let Some(last) = due.last().cloned() else { return Ok(oldest) };
            oldest = oldest.or_else(|| due.first().map(|first| first.at));
            for due in due.iter().take_while(|_| in_time()) {
                if let Err(error) = self.remove_members_of(due, in_time).await {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(image = %due.image, %error, cause = ?cause, "members of a deleted image stay for now");
                    reaped.failed += 1;
                }
            }
            if !in_time() {
                return Ok(oldest);
            }
            after = Some(last);
        }
    }

    async fn remove_members_of(&self, due: &DueMembers, in_time: &(impl Fn() -> bool + Sync)) -> Result<()> {
        let found = self.catalog.find(&due.image).await?.map(|stored| stored.image);
        let Some(image) = found.filter(|image| !image.status.is_live()) else {
            // Only a deleted image is ever due, and its record stays: this row is nobody's.
            return self.catalog.settle_members(due).await.map_err(|error| refused(error, &due.image));
        };
        while in_time() {
            if self.catalog.remove_members(due, &image).await.map_err(|error| refused(error, &due.image))? {
                break;
            }
        }
        Ok(())
    }
}
