//! One attempt to bring an image bytes: what uploads and stages have in common.
//!
//! 1. *Intent*: the image names the one object it waits for; a due row says until when. The bytes that were announced count as
//!    used, if its owner may have so many.
//! 2. *Bytes*: they come into that object while the lease is renewed.
//! 3. *Commit*: the image takes the object, if it still waits for it.
//!
//! When 2 or 3 fails the image is `queued` again and the object is removed; when the process dies, the reaper does the
//! same once the lease has ended. The image is deleted meanwhile: its record no longer waits, so 3 fails and the object
//! goes. Two attempts at once: only one of them made the image wait.

use std::sync::Arc;
use std::time::Duration;

use super::contention::Tries;
use super::usage::{again_within, allowed};
use super::{ATTEMPTS, Context, ImageData, refused, tell};
use crate::catalog::{ChangeError, Due, Stored};
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId};
use crate::identity::Caller;
use crate::image::{Image, Location, Status};
use crate::ports::{EventKind, Store};
use crate::store::ObjectKey;

/// What an attempt is begun for.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// What the image is until its bytes are there.
    pub(super) status: Status,
    /// Bytes announced.
    pub(super) size: Option<u64>,
    /// Where they go.
    pub(super) store: StoreId,
}

/// One attempt to write one object for one image.
#[derive(Debug)]
pub(super) struct Attempt {
    context: Context,
    /// How long the lease is.
    term: Duration,
    store: Arc<dyn Store>,
    stored: Stored,
    lease: Due,
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

impl ImageData {
    /// Has an image wait for an object of its own, if its owner may have so much more. `None` when it must be looked at again.
    /// Cost: one write.
    ///
    /// # Errors
    /// `Conflict` when its status does not allow it; `LimitExceeded`; `Stale` when it was tried long enough; `Unavailable`.
    pub(super) async fn begin_attempt(
        &self,
        caller: &Caller,
        seen: &Stored,
        intent: &Intent,
        tries: &mut Tries<'_>,
    ) -> Result<Option<Attempt>> {
        let (context, store) = (&self.context, self.store(&intent.store)?);
        let (now, term) = (context.clock.now(), self.settings.lease);
        let key = ObjectKey::new(seen.image.id.clone(), context.ids.ulid(now));
        let location = Location { store: intent.store.clone(), key };
        let lease = Due { at: now.plus(term), location: location.clone() };
        let waiting = Image {
            status: seen.image.status.advance_to(intent.status)?,
            upload: Some(location),
            reserved: intent.size.unwrap_or(0),
            refused: None,
            updated_at: now,
            ..seen.image.clone()
        };
        let allowed = allowed(context, caller, &waiting).await?;
        match context.catalog.begin_upload(seen, &waiting, &lease, &allowed).await {
            Ok(stored) => Ok(Some(Attempt { context: context.clone(), term, store, stored, lease })),
            Err(refused) => {
                again_within(context, (&seen.image, &waiting), &allowed, refused, tries).await?;
                Ok(None)
            }
        }
    }
}

impl Attempt {
    /// The image, waiting.
    pub(super) fn image(&self) -> &Image {
        &self.stored.image
    }

    /// Where the bytes go.
    pub(super) fn target(&self) -> (Arc<dyn Store>, ObjectKey) {
        (Arc::clone(&self.store), self.lease.location.key.clone())
    }

    /// Receives the bytes under the lease; then the image, which waits no more, becomes what `taken` makes of it, of their
    /// place and of what was received, and `kinds` of events are told. Cost: one write, and one for each third of the lease.
    ///
    /// # Errors
    /// Those of `receiving`; `Gone` when the image was deleted meanwhile, `Conflict` when the lease was lost; `Stale`,
    /// `Unavailable`. After each of them nothing of the attempt is left on the image.
    pub(super) async fn run<T: Send + Sync>(
        mut self,
        receiving: impl Future<Output = Result<T>> + Send,
        taken: impl Fn(Image, Location, &T) -> Result<Image> + Send + Sync,
        kinds: &'static [EventKind],
    ) -> Result<()> {
        let received = tokio::select! {
            biased;
            received = receiving => received,
            lost = self.keep_lease() => Err(lost),
        };
        match received {
            Ok(received) => self.commit(|image, at| taken(image, at, &received), kinds).await,
            Err(error) => {
                self.give_up(&error).await;
                Err(error)
            }
        }
    }

    /// Renews the lease for as long as it is polled; ends when the lease is lost.
    async fn keep_lease(&mut self) -> Error {
        loop {
            tokio::time::sleep(self.term / 3).await;
            let now = self.context.clock.now();
            match self.context.catalog.renew_lease(&self.lease, now.plus(self.term)).await {
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
        let Some(found) = self.context.catalog.find(&id).await? else { return Ok(Standing::Deleted) };
        self.stored = found;
        let (image, ours) = (&self.stored.image, Some(&self.lease.location));
        Ok(match () {
            () if !image.status.is_live() => Standing::Deleted,
            () if image.lies_at(&self.lease.location) || image.staged.as_ref() == ours => Standing::Taken,
            () if image.upload.as_ref() == ours => Standing::Expected,
            () => Standing::Evicted,
        })
    }

    /// Gives the image its bytes.
    async fn commit(
        mut self,
        taken: impl Fn(Image, Location) -> Result<Image> + Send,
        kinds: &'static [EventKind],
    ) -> Result<()> {
        let (context, id) = (self.context.clone(), self.stored.image.id.clone());
        let mut tries = Tries::new(&context.catalog, &id);
        // Without a turn it is tried all the same: the bytes are there.
        let _in_turn = tries.queue().await;
        loop {
            let now = context.clock.now();
            let waited = Image { upload: None, reserved: 0, updated_at: now, ..self.stored.image.clone() };
            let after = taken(waited, self.lease.location.clone())?;
            let failed = match context.catalog.attach(&self.stored, &after, &self.lease).await {
                Ok(stored) => {
                    for kind in kinds {
                        tell(&context, *kind, &stored.image).await;
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
                    return Err(gone(&id));
                }
                (Standing::Evicted, _) => {
                    self.discard(&self.lease).await;
                    return Err(evicted(&id));
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
            let now = self.context.clock.now();
            let Ok(queued) = requeued(&self.stored.image, now) else { break };
            let catalog = &self.context.catalog;
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
        } else if let Err(error) = self.context.catalog.forget(due).await {
            tracing::warn!(%key, %error, "the row of a removed object is left to the reaper");
        }
    }
}

/// The image as it was before anybody tried to upload it.
pub(super) fn requeued(image: &Image, now: crate::time::Timestamp) -> Result<Image> {
    Ok(Image {
        status: image.status.advance_to(Status::Queued)?,
        size: None,
        virtual_size: None,
        digests: None,
        given: None,
        hashing: false,
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
