//! Image data on its way in.
//!
//! 1. *Intent*: the image becomes `saving` and names the one object it waits for; a due row says until when. The bytes that were
//!    announced count as used, if its owner may have so many.
//! 2. *Bytes*: the body flows into that object while the lease is renewed.
//! 3. *Commit*: the image becomes `active`, if it still waits for that object.
//!
//! When 2 or 3 fails the image is `queued` again and the object is removed; when the process dies, the reaper does the
//! same once the lease has ended. The image is deleted meanwhile: its record no longer waits, so 3 fails and the object
//! goes. Two uploads at once: only one of them made the image `saving`.

use std::sync::Arc;
use std::time::Duration;

use super::contention::Tries;
use super::signatures::{Signatures, Signed};
use super::usage::{again_within, allowed};
use super::{ATTEMPTS, Context, Redirects, SessionSettings, Stores, find, refused, tell};
use crate::catalog::{ChangeError, Due, Stored};
use crate::error::{Error, Result};
use crate::format::{Examination, Rules};
use crate::id::{ImageId, StoreId};
use crate::identity::{Caller, Token};
use crate::image::{ContainerFormat, Digests, DiskFormat, Image, Location, Status};
use crate::policy::Operation;
use crate::ports::{EventKind, Store};
use crate::signature::Verify;
use crate::store::ObjectKey;
use crate::transfer::{Body, Intake, Received};

/// Operations on image data.
#[derive(Clone, Debug)]
pub struct ImageData {
    pub(super) context: Context,
    pub(super) stores: Stores,
    pub(super) settings: UploadSettings,
    pub(super) signatures: Signatures,
    pub(super) redirects: Option<Arc<Redirects>>,
}

/// What is configured about uploads.
#[derive(Clone, Debug)]
pub struct UploadSettings {
    /// How bodies are taken in.
    pub intake: Intake,
    /// How long a writer that died keeps its image from being uploaded again. A living one renews its lease.
    pub lease: Duration,
    /// What data is held to.
    pub rules: Rules,
    /// How clients bring bytes themselves.
    pub sessions: SessionSettings,
}

/// What a request says of the data it carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadRequest {
    /// The size announced, in bytes.
    pub size: Option<u64>,
    /// The store asked for.
    pub store: Option<String>,
    /// The caller's token, by which a signed image's certificate is asked for.
    pub token: Option<Token>,
}

impl ImageData {
    /// Operations in a context, on these stores. Signed images are refused, and clients are sent nowhere.
    pub fn new(context: Context, stores: Stores, settings: UploadSettings) -> Self {
        Self { context, stores, settings, signatures: Signatures::none(), redirects: None }
    }

    /// The same operations, with what verifies signed images.
    #[must_use]
    pub fn verifying(self, signatures: Signatures) -> Self {
        Self { signatures, ..self }
    }

    pub(super) fn store(&self, id: &StoreId) -> Result<Arc<dyn Store>> {
        let store = self.stores.get(id).cloned();
        store
            .ok_or_else(|| Error::internal(format!("an image lies in store '{id}', which is not configured")))
    }

    /// Takes an image's data in (`PUT /v2/images/{image_id}/file`). Cost: one read and two writes, one more for each
    /// third of the lease it lasts; for a signed image a call to the key manager, before anything changes. It goes on to its end even when the caller stops waiting for it.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` when the image is not queued; `Invalid` when its formats are unset, the store
    /// is unknown, the size is not the one announced, or the image is signed and this is not what was signed; `Content` when the
    /// data is not what its image says, or not safe; `LimitExceeded` over the size limit, when its owner may have no more, or when
    /// the store is full;
    /// `Gone` when the image was deleted meanwhile; `ClientGone`; `Unavailable`. After each of them nothing of the
    /// attempt is left on the image.
    pub async fn upload(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: &UploadRequest,
        body: Body,
    ) -> Result<()> {
        let store_id = self.chosen(request)?;
        let store = self.store(&store_id)?;
        let attempt = self.begin(caller, id, request, store_id, store).await?;
        tell(&self.context, EventKind::Prepare, &attempt.stored.image).await;
        // A task of its own: a client that goes away takes the request with it, but must leave the image queued.
        tokio::spawn(attempt.run(body, request.size)).await.map_err(Error::internal)?
    }

    fn chosen(&self, request: &UploadRequest) -> Result<StoreId> {
        let Some(name) = &request.store else { return Ok(self.stores.default_id().clone()) };
        let known = name.parse().ok().filter(|id| self.stores.get(id).is_some());
        known.ok_or_else(|| Error::Invalid(format!("X-Image-Meta-Store: there is no store '{name}'")))
    }

    async fn begin(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: &UploadRequest,
        store_id: StoreId,
        store: Arc<dyn Store>,
    ) -> Result<Attempt> {
        let (mut tries, mut signed) = (Tries::new(&self.context.catalog, id), Signed::default());
        loop {
            let seen = find(&self.context, Operation::UploadImage, caller, id).await?;
            self.check(&seen.image, request)?;
            let (token, clock) = (request.token.as_ref(), &*self.context.clock);
            self.signatures.prepare(&seen.image, token, clock, &mut signed).await?;
            if tries.queue().await? {
                continue;
            }
            let now = self.context.clock.now();
            let key = ObjectKey::new(id.clone(), self.context.ids.ulid(now));
            let location = Location { store: store_id.clone(), key };
            let lease = Due { at: now.plus(self.settings.lease), location: location.clone() };
            let saving = Image {
                status: seen.image.status.advance_to(Status::Saving)?,
                upload: Some(location),
                reserved: request.size.unwrap_or(0),
                refused: None,
                updated_at: now,
                ..seen.image.clone()
            };
            let allowed = allowed(&self.context, caller, &saving).await?;
            match self.context.catalog.begin_upload(&seen, &saving, &lease, &allowed).await {
                Ok(stored) => {
                    return Ok(Attempt {
                        data: self.clone(),
                        store,
                        stored,
                        lease,
                        verifier: signed.verifier(),
                    });
                }
                Err(refused) => {
                    let change = (&seen.image, &saving);
                    again_within(&self.context, change, &allowed, refused, &mut tries).await?;
                }
            }
        }
    }

    /// What can be known before the first byte.
    pub(super) fn check(&self, image: &Image, request: &UploadRequest) -> Result<()> {
        image.status.advance_to(Status::Saving)?;
        let unset = [
            ("disk_format", image.disk_format.is_none()),
            ("container_format", image.container_format.is_none()),
        ];
        let unset: Vec<_> = unset.into_iter().filter(|(_, unset)| *unset).map(|(name, _)| name).collect();
        if !unset.is_empty() {
            let names = unset.join(", ");
            return Err(Error::Invalid(format!("Properties {names} must be set prior to saving data.")));
        }
        let limit = self.settings.intake.max_bytes;
        match request.size {
            Some(size) if size > limit => Err(Error::LimitExceeded(format!(
                "the data announced, {size} bytes, exceeds the limit of {limit} bytes"
            ))),
            _ => Ok(()),
        }
    }
}

/// One attempt to write one image.
#[derive(Debug)]
struct Attempt {
    data: ImageData,
    store: Arc<dyn Store>,
    stored: Stored,
    lease: Due,
    /// What decides on the bytes of a signed image.
    verifier: Option<Arc<dyn Verify>>,
}

/// What became of an attempt whose image was read again.
enum Standing {
    /// The image waits for it.
    Expected,
    /// The image has taken it.
    Taken,
    /// The image was deleted.
    Deleted,
    /// The image waits for something else: the lease ended.
    Evicted,
}

impl Attempt {
    async fn run(mut self, mut body: Body, size: Option<u64>) -> Result<()> {
        let (intake, store) = (self.data.settings.intake, Arc::clone(&self.store));
        let (key, verifier) = (self.lease.location.key.clone(), self.verifier.clone());
        let mut examination = self.examination();
        let receiving = async {
            let digesting = verifier.as_ref().and_then(|verifier| verifier.digesting());
            let received =
                intake.receive_watched(&*store, &key, &mut body, size, digesting, &mut examination).await?;
            if let Some(verifier) = verifier {
                verified(verifier, received.digests.clone(), received.digest.clone()).await?;
            }
            Ok(received)
        };
        let received = tokio::select! {
            biased;
            received = receiving => received,
            lost = self.keep_lease() => Err(lost),
        };
        match received {
            Ok(received) => {
                let verdict = examination.map(Examination::into_verdict).unwrap_or_default();
                for refusal in &verdict.overlooked {
                    tracing::warn!(image = %self.stored.image.id, %refusal, "data was taken although");
                }
                self.attach(received, verdict.virtual_size).await
            }
            Err(error) => {
                self.give_up(&error).await;
                Err(error)
            }
        }
    }

    /// What looks into the data: nothing, where the data is wrapped in something else.
    fn examination(&self) -> Option<Examination> {
        let declared = declared(&self.stored.image)?;
        Some(Examination::new(self.data.settings.rules.clone(), declared))
    }

    /// Renews the lease for as long as it is polled; ends when the lease is lost.
    async fn keep_lease(&mut self) -> Error {
        let pause = self.data.settings.lease / 3;
        loop {
            tokio::time::sleep(pause).await;
            let now = self.data.context.clock.now();
            match self.data.context.catalog.renew_lease(&self.lease, now.plus(self.data.settings.lease)).await
            {
                Ok(renewed) => self.lease = renewed,
                Err(ChangeError::Lost) => return self.lost().await,
                // The next try may get through, as long as there is a lease to renew.
                Err(ChangeError::Table(_)) if now < self.lease.at => {}
                Err(ChangeError::Table(error)) => return error,
            }
        }
    }

    /// Says why the image no longer waits for this attempt.
    async fn lost(&mut self) -> Error {
        match self.look().await {
            Ok(Standing::Deleted) => gone(&self.stored.image.id),
            Ok(_) => evicted(&self.stored.image.id),
            Err(error) => error,
        }
    }

    async fn look(&mut self) -> Result<Standing> {
        let id = self.stored.image.id.clone();
        let Some(found) = self.data.context.catalog.find(&id).await? else { return Ok(Standing::Deleted) };
        self.stored = found;
        let (image, ours) = (&self.stored.image, Some(&self.lease.location));
        Ok(match () {
            () if !image.status.is_live() => Standing::Deleted,
            () if image.location.as_ref() == ours => Standing::Taken,
            () if image.upload.as_ref() == ours => Standing::Expected,
            () => Standing::Evicted,
        })
    }

    /// Gives the image its data.
    async fn attach(mut self, received: Received, virtual_size: Option<u64>) -> Result<()> {
        let (context, id) = (self.data.context.clone(), self.stored.image.id.clone());
        let mut tries = Tries::new(&context.catalog, &id);
        // Without a turn it is tried all the same: the bytes are there.
        let _in_turn = tries.queue().await;
        loop {
            let image = &self.stored.image;
            let active = Image {
                status: image.status.advance_to(Status::Active)?,
                size: Some(received.size),
                virtual_size,
                digests: Some(received.digests.clone()),
                location: Some(self.lease.location.clone()),
                upload: None,
                reserved: 0,
                updated_at: self.data.context.clock.now(),
                ..image.clone()
            };
            let failed = match self.data.context.catalog.attach(&self.stored, &active, &self.lease).await {
                Ok(stored) => {
                    for kind in [EventKind::Upload, EventKind::Activate] {
                        tell(&self.data.context, kind, &stored.image).await;
                    }
                    return Ok(());
                }
                Err(failed) => failed,
            };
            // A change of the image's metadata came first, or the answer was lost: what the record says now decides.
            // While it cannot be read the bytes must stay: they may be the image's.
            match (self.look().await?, failed) {
                (Standing::Taken, _) => return Ok(()),
                (Standing::Expected, ChangeError::Lost) => tries.again().await?,
                (Standing::Expected, ChangeError::Table(error)) => {
                    // The commit may still be on its way: only what stops it may let the bytes go.
                    self.requeue(false).await;
                    return Err(error);
                }
                (Standing::Deleted, _) => {
                    self.discard(&self.lease).await;
                    return Err(gone(&self.stored.image.id));
                }
                (Standing::Evicted, _) => {
                    self.discard(&self.lease).await;
                    return Err(evicted(&self.stored.image.id));
                }
            }
        }
    }

    /// Removes what was written and puts the image back to `queued`. What cannot be done now is due later.
    ///
    /// Nothing was committed yet, so the object can go first: on a full disk that makes the room the table needs. What a
    /// store was sent and did not answer may still land: then the row says `garbage` before the object goes.
    async fn give_up(&mut self, because: &Error) {
        tracing::info!(image = %self.stored.image.id, %because, "an upload was given up");
        let removed = self.store.remove(&self.lease.location.key).await;
        if let Err(error) = &removed {
            tracing::warn!(key = %self.lease.location.key, %error, "an object is left to the reaper");
        }
        let unanswered = matches!(because, Error::Unavailable(_));
        self.requeue(removed.is_ok() && !unanswered).await;
    }

    /// Puts the image back to `queued`, with its object gone already or to be removed now.
    async fn requeue(&mut self, removed: bool) {
        for _ in 0..ATTEMPTS {
            let now = self.data.context.clock.now();
            let Ok(queued) = requeued(&self.stored.image, now) else { break };
            let catalog = &self.data.context.catalog;
            let done = if removed {
                catalog.withdraw(&self.stored, &queued, &self.lease).await.map(|()| None)
            } else {
                catalog.abandon(&self.stored, &queued, &self.lease, now).await.map(Some)
            };
            match done {
                Ok(None) => return,
                Ok(Some(due)) => return self.discard(&due).await,
                Err(error) => match (error, self.look().await) {
                    (ChangeError::Lost, Ok(Standing::Expected)) => {}
                    (_, Ok(Standing::Deleted | Standing::Evicted)) => return self.discard(&self.lease).await,
                    (error, _) => {
                        let error = refused(error, &self.stored.image.id);
                        tracing::warn!(image = %self.stored.image.id, %error, "an upload is left to the reaper");
                        return;
                    }
                },
            }
        }
    }

    /// Removes the object, then what is known of it.
    async fn discard(&self, due: &Due) {
        let key = &due.location.key;
        if let Err(error) = self.store.remove(key).await {
            tracing::warn!(%key, %error, "an object is left to the reaper");
        } else if let Err(error) = self.data.context.catalog.forget(due).await {
            tracing::warn!(%key, %error, "the row of a removed object is left to the reaper");
        }
    }
}

/// Holds data to what was signed, by its digests. Big numbers, and not ours: they take milliseconds, and what they may break is
/// this task alone.
pub(super) async fn verified(
    verifier: Arc<dyn Verify>,
    digests: Digests,
    digest: Option<Vec<u8>>,
) -> Result<()> {
    let verifying = tokio::task::spawn_blocking(move || verifier.verify(&digests, digest.as_deref()));
    verifying.await.map_err(Error::internal)?
}

/// The format that bare data must have; none where it is wrapped in something else, and not looked into.
pub(super) fn declared(image: &Image) -> Option<DiskFormat> {
    image.disk_format.filter(|_| image.container_format == Some(ContainerFormat::Bare))
}

/// The image as it was before anybody tried to upload it.
pub(super) fn requeued(image: &Image, now: crate::time::Timestamp) -> Result<Image> {
    Ok(Image {
        status: image.status.advance_to(Status::Queued)?,
        size: None,
        virtual_size: None,
        digests: None,
        upload: None,
        reserved: 0,
        updated_at: now,
        ..image.clone()
    })
}

fn gone(id: &ImageId) -> Error {
    Error::Gone(format!(
        "Image {id} could not be found after upload. The image may have been deleted during the upload."
    ))
}

fn evicted(id: &ImageId) -> Error {
    Error::Conflict(format!("the upload of image {id} lost its lease: it was interrupted for too long"))
}
