//! Taking an image out of use, and back.

use super::Images;
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{Image, Status};
use crate::policy::Operation;

impl Images {
    /// Takes an active image out of use (`POST /v2/images/{image_id}/actions/deactivate`): only administrators may download it.
    /// One that is out of use stays as it is. Cost: one read and at most one write.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when the image is not the caller's, or neither active nor deactivated.
    pub async fn deactivate(&self, caller: &Caller, id: &ImageId) -> Result<()> {
        let rule = |image: &Image| moved(image, Status::Active, Status::Deactivated);
        self.change(Operation::Deactivate, caller, id, rule).await.map(drop)
    }

    /// Brings an image back that was taken out of use (`POST /v2/images/{image_id}/actions/reactivate`). One that is in use
    /// stays as it is. Cost: one read and at most one write.
    ///
    /// # Errors
    /// As [`Self::deactivate`].
    pub async fn reactivate(&self, caller: &Caller, id: &ImageId) -> Result<()> {
        let rule = |image: &Image| moved(image, Status::Deactivated, Status::Active);
        self.change(Operation::Reactivate, caller, id, rule).await.map(drop)
    }
}

/// The image in its new state, or nothing when that is where it is.
fn moved(image: &Image, from: Status, to: Status) -> Result<Option<Image>> {
    match image.status {
        status if status == to => Ok(None),
        status if status == from => Ok(Some(Image { status: status.advance_to(to)?, ..image.clone() })),
        status => Err(Error::Forbidden(format!(
            "Image {} is {}: only one that is active or deactivated can become {}.",
            image.id,
            status.name(),
            to.name(),
        ))),
    }
}
