//! Image data that is staged: an attempt by which the image becomes `uploading`, and stays so with the object it was given.
//!
//! What is staged is an object of the default store like any other, so that whichever process imports it finds it there:
//! `Image::staged` says where, and `Image::size` how many bytes. Its blob is `staged` and nothing is due to it: it stays until the
//! image is imported or deleted. Nobody looks into it and nothing is hashed: that is the import's.

use super::attempt::{Attempt, Intent};
use super::contention::Tries;
use super::{ImageData, find, tell};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{Image, Location, Status};
use crate::import::ImportMethod;
use crate::policy::Operation;
use crate::ports::EventKind;
use crate::transfer::Body;

impl ImageData {
    /// Whether a way to import is enabled.
    ///
    /// # Errors
    /// `NotFound` when it is not.
    pub fn check_import_method(&self, method: ImportMethod) -> Result<()> {
        if self.import_methods.contains(&method) {
            return Ok(());
        }
        Err(Error::NotFound(format!("'{}' method is not available at this site.", method.name())))
    }

    /// Stages an image's data for an import (`PUT /v2/images/{image_id}/stage`); `size` is what was announced, in bytes. Cost: one
    /// read and two writes, one more for each third of the lease it lasts. It goes on to its end even when the caller stops waiting
    /// for it. A second run is a conflict.
    ///
    /// # Errors
    /// `NotFound`, also when `glance-direct` is not enabled; `Forbidden`; `Conflict` when the image is not queued; `Invalid` when the
    /// size is not the one announced; `LimitExceeded` over the size limit, when its owner may stage no more, or when the store is
    /// full; `Gone` when the image was deleted meanwhile; `ClientGone`; `Unavailable`. After each of them nothing of the attempt
    /// is left on the image.
    pub async fn stage(&self, caller: &Caller, id: &ImageId, size: Option<u64>, body: Body) -> Result<()> {
        self.check_import_method(ImportMethod::GlanceDirect)?;
        let attempt = self.begin_stage(caller, id, size).await?;
        tell(&self.context, EventKind::Update, attempt.image()).await;
        let (intake, (store, key)) = (self.settings.intake, attempt.target());
        let receiving = async move {
            let mut body = body;
            intake.keep(&*store, &key, &mut body, size).await
        };
        let taken = |image: Image, at: Location, bytes: &u64| {
            Ok(Image { size: Some(*bytes), staged: Some(at), ..image })
        };
        let attempt = attempt.run(receiving, taken, &[EventKind::Update]);
        // A task of its own: a client that goes away takes the request with it, but must leave the image queued.
        tokio::spawn(attempt).await.map_err(Error::internal)?
    }

    async fn begin_stage(&self, caller: &Caller, id: &ImageId, size: Option<u64>) -> Result<Attempt> {
        let intent = Intent { status: Status::Uploading, size, store: self.stores.default_id().clone() };
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::ModifyImage, caller, id).await?;
            seen.image.status.advance_to(intent.status)?;
            self.check_size(size)?;
            if tries.queue().await? {
                continue;
            }
            if let Some(attempt) = self.begin_attempt(caller, &seen, &intent, &mut tries).await? {
                return Ok(attempt);
            }
        }
    }
}
