//! Image data on its way in: an attempt by which the image becomes `saving`, then `active` with what its bytes are.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Attempt, Intent};
use super::contention::Tries;
use super::signatures::{Signatures, Signed};
use super::{Context, Redirects, SessionSettings, Stores, find, tell};
use crate::error::{Error, Result};
use crate::format::{Examination, Rules};
use crate::id::{ImageId, StoreId};
use crate::identity::{Caller, Token};
use crate::image::{ContainerFormat, Digests, DiskFormat, Image, Location, Status};
use crate::import::ImportMethod;
use crate::policy::Operation;
use crate::ports::{EventKind, Store};
use crate::signature::Verify;
use crate::transfer::{Body, Intake, Received};

/// Operations on image data.
#[derive(Clone, Debug)]
pub struct ImageData {
    pub(super) context: Context,
    pub(super) stores: Stores,
    pub(super) settings: UploadSettings,
    pub(super) signatures: Signatures,
    pub(super) redirects: Option<Arc<Redirects>>,
    pub(super) import_methods: Arc<[ImportMethod]>,
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
    /// Operations in a context, on these stores. Signed images are refused, clients are sent nowhere, and nothing can be imported.
    pub fn new(context: Context, stores: Stores, settings: UploadSettings) -> Self {
        let (signatures, import_methods) = (Signatures::none(), Arc::default());
        Self { context, stores, settings, signatures, redirects: None, import_methods }
    }

    /// The same operations, with what verifies signed images.
    #[must_use]
    pub fn verifying(self, signatures: Signatures) -> Self {
        Self { signatures, ..self }
    }

    /// The same operations, with these ways to import enabled.
    #[must_use]
    pub fn importing(self, methods: impl Into<Arc<[ImportMethod]>>) -> Self {
        Self { import_methods: methods.into(), ..self }
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
    /// `Gone` when the image was deleted meanwhile, or the store is only read from; `ClientGone`; `Unavailable`. After each of them nothing of the
    /// attempt is left on the image.
    pub async fn upload(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: &UploadRequest,
        body: Body,
    ) -> Result<()> {
        let store = self.chosen(request)?;
        let (attempt, verifier) = self.begin_upload(caller, id, request, store).await?;
        tell(&self.context, EventKind::Prepare, attempt.image()).await;
        let (intake, (store, key), size) = (self.settings.intake, attempt.target(), request.size);
        let mut examination = self.examination(attempt.image());
        let receiving = async move {
            let (mut body, watch) = (body, &mut examination);
            let digesting = verifier.as_ref().and_then(|verifier| verifier.digesting());
            let received = intake.receive_watched(&*store, &key, &mut body, size, digesting, watch).await?;
            if let Some(verifier) = verifier {
                verified(verifier, received.digests.clone(), received.digest.clone()).await?;
            }
            let verdict = examination.map(Examination::into_verdict).unwrap_or_default();
            for refusal in &verdict.overlooked {
                tracing::warn!(image = %key.image(), %refusal, "data was taken although");
            }
            Ok((received, verdict.virtual_size))
        };
        let taken = |image: Image, at: Location, (received, virtual_size): &(Received, Option<u64>)| {
            Ok(Image {
                status: image.status.advance_to(Status::Active)?,
                size: Some(received.size),
                virtual_size: *virtual_size,
                digests: Some(received.digests.clone()),
                locations: vec![at],
                ..image
            })
        };
        let attempt = attempt.run(receiving, taken, &[EventKind::Upload, EventKind::Activate]);
        // A task of its own: a client that goes away takes the request with it, but must leave the image queued.
        tokio::spawn(attempt).await.map_err(Error::internal)?
    }

    pub(super) fn chosen(&self, request: &UploadRequest) -> Result<StoreId> {
        let Some(name) = &request.store else { return Ok(self.stores.default_id().clone()) };
        let known = name.parse().ok().filter(|id| self.stores.get(id).is_some());
        let id =
            known.ok_or_else(|| Error::Invalid(format!("X-Image-Meta-Store: there is no store '{name}'")))?;
        self.stores.writable(&id)?;
        Ok(id)
    }

    async fn begin_upload(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: &UploadRequest,
        store: StoreId,
    ) -> Result<(Attempt, Option<Arc<dyn Verify>>)> {
        let intent = Intent { status: Status::Saving, size: request.size, store };
        let (mut tries, mut signed) = (Tries::new(&self.context.catalog, id), Signed::default());
        loop {
            let seen = find(&self.context, Operation::UploadImage, caller, id).await?;
            self.check(&seen.image, request)?;
            let (token, clock) = (request.token.as_ref(), &*self.context.clock);
            self.signatures.prepare(&seen.image, token, clock, &mut signed).await?;
            if tries.queue().await? {
                continue;
            }
            if let Some(attempt) = self.begin_attempt(caller, &seen, &intent, &mut tries).await? {
                return Ok((attempt, signed.verifier()));
            }
        }
    }

    /// What looks into the data: nothing, where the data is wrapped in something else.
    fn examination(&self, image: &Image) -> Option<Examination> {
        Some(Examination::new(self.settings.rules.clone(), declared(image)?))
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
        self.check_size(request.size)
    }

    /// Whether an image may have as many bytes as were announced.
    pub(super) fn check_size(&self, announced: Option<u64>) -> Result<()> {
        let limit = self.settings.intake.max_bytes;
        match announced {
            Some(size) if size > limit => Err(Error::LimitExceeded(format!(
                "the data announced, {size} bytes, exceeds the limit of {limit} bytes"
            ))),
            _ => Ok(()),
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
