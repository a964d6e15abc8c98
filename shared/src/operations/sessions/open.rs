//! Opening a session.

use std::sync::Arc;

use serde_json::Value;

use super::SessionState;
use crate::catalog::{Stored, StoredSession};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{Image, Location, Status};
use crate::operations::contention::Tries;
use crate::operations::signatures::Signed;
use crate::operations::upload::declared;
use crate::operations::usage::{again_within, allowed};
use crate::operations::{ImageData, UploadRequest, find, refused, tell};
use crate::policy::Operation;
use crate::ports::EventKind;
use crate::store::{Filling, ObjectKey, Phase, Session, SessionRequest};
use crate::transfer;

impl ImageData {
    /// Opens an upload session (`POST /v2/images/{image_id}/uploads`) and answers it with its first `limit` parts. Cost: one read,
    /// two writes, and a request to the store. A second run is a conflict. The size is the body's to tell, not `told`'s.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` when the image is not queued; `Invalid` when its formats are unset or the body is not
    /// as it should be; `LimitExceeded` over the size limit, when its owner may have no more, or when the store is full;
    /// `Unavailable`. After each of them nothing of the session is left on the image.
    pub async fn open_session(
        &self,
        caller: &Caller,
        id: &ImageId,
        told: &UploadRequest,
        body: &Value,
        limit: u32,
    ) -> Result<SessionState> {
        let (stored, session) = self.begin_session(caller, id, told, body).await?;
        tell(&self.context, EventKind::Prepare, &stored.image).await;
        match self.begin_parts(&session).await {
            Ok(session) => self.page(&session, 0, limit, &[]).await,
            Err(error) => {
                // What cannot be done now is due later.
                if let Err(error) = self.completion().give_up(&session, None).await {
                    tracing::warn!(image = %id, %error, "an upload session is left to the reaper");
                }
                Err(error)
            }
        }
    }

    async fn begin_session(
        &self,
        caller: &Caller,
        id: &ImageId,
        told: &UploadRequest,
        body: &Value,
    ) -> Result<(Stored, StoredSession)> {
        let store_id = self.chosen(told)?;
        let store = self.store(&store_id)?;
        let mut tries = Tries::new(&self.context.catalog, id);
        let mut signed = Signed::default();
        loop {
            let seen = find(&self.context, Operation::UploadImage, caller, id).await?;
            let request = SessionRequest::read(body)?;
            let size = request.size;
            if let Some(kind) = request.checksum.filter(|kind| !store.checksums().contains(kind)) {
                let name = kind.name();
                return Err(Error::Invalid(format!("checksum: store {store_id} holds parts to no {name}")));
            }
            self.check(&seen.image, &UploadRequest::default())?;
            let limit = self.settings.intake.max_bytes;
            if size > limit {
                return Err(Error::LimitExceeded(format!(
                    "size: {size} bytes exceed the limit of {limit} bytes for an image"
                )));
            }
            let layout = transfer::layout(store.part_limits(), self.settings.sessions.part_bytes, size)?;
            if tries.queue().await? {
                continue;
            }
            let clock = &*self.context.clock;
            self.signatures.prepare(&seen.image, told.token.as_ref(), clock, &mut signed).await?;
            let now = self.context.clock.now();
            let key = ObjectKey::new(id.clone(), self.context.ids.ulid(now));
            let location = Location { store: store_id.clone(), key };
            let session = Session {
                phase: Phase::Open,
                layout,
                checksum: request.checksum,
                expected: request.expected,
                declared: declared(&seen.image),
                verifier: signed.saved(),
                upload: None,
                due: now.plus(self.settings.sessions.life),
                ends: None,
                hashed: None,
                filling: Filling::default(),
            };
            let saving = Image {
                status: seen.image.status.advance_to(Status::Saving)?,
                upload: Some(location.clone()),
                reserved: size,
                refused: None,
                updated_at: now,
                ..seen.image.clone()
            };
            let allowed = allowed(&self.context, caller, &saving).await?;
            let catalog = &self.context.catalog;
            match catalog.begin_session(&seen, &saving, &location, &session, &allowed).await {
                Ok(begun) => return Ok(begun),
                Err(refused) => {
                    let change = (&seen.image, &saving);
                    again_within(&self.context, change, &allowed, refused, &mut tries).await?;
                }
            }
        }
    }

    /// Begins the object, and writes down what the store calls it. An empty one has no parts and is begun when it is completed.
    async fn begin_parts(&self, opened: &StoredSession) -> Result<StoredSession> {
        let (session, key) = (&opened.session, &opened.location.key);
        if session.layout.size == 0 {
            return Ok(opened.clone());
        }
        let store = Arc::clone(&self.store(&opened.location.store)?);
        let upload = store.begin_direct(key, session.layout.size, session.checksum).await?;
        let begun = Session { upload: Some(upload), ..session.clone() };
        let kept = self.context.catalog.keep_session(opened, begun).await;
        kept.map_err(|error| refused(error, key.image()))
    }
}
