//! Giving a session up.

use super::{Found, SessionStatus};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::operations::completion::Outcome;
use crate::operations::{ATTEMPTS, ImageData, contended};

impl ImageData {
    /// Gives a session up (`DELETE /v2/images/{image_id}/uploads/{upload_id}`): the image is `queued` again, and nothing is left of
    /// what was brought. Cost: three reads, two writes, and the removal.
    ///
    /// # Errors
    /// `NotFound`, also on a second run; `Forbidden`; `Conflict` when it is complete; `Unavailable`.
    pub async fn close_session(&self, caller: &Caller, id: &ImageId, session: &str) -> Result<()> {
        let complete =
            || Error::Conflict("The upload session is complete, and cannot be given up.".to_owned());
        for _ in 0..ATTEMPTS {
            let live = match self.find_session(caller, id, session).await? {
                Found::Live(live) => live,
                Found::Ended(state) if state.status == SessionStatus::Complete => return Err(complete()),
                // Nothing is left of one that failed.
                Found::Ended(_) => return Ok(()),
            };
            match self.completion().give_up(&live, None).await? {
                Outcome::Refused(_) => return Ok(()),
                Outcome::Active => return Err(complete()),
                // By somebody else: who looks again finds how.
                _ => {}
            }
        }
        Err(contended(id))
    }
}
