//! Asking for an import.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::session::session;
use crate::catalog::{ImportStep, Stored, StoredTask, TaskStep};
use crate::egress::Rules;
use crate::error::{Error, Result};
use crate::id::{ImageId, RequestId, StoreId};
use crate::identity::{Caller, Token};
use crate::image::{Course, Image, ImportSource, Location, Status, Target, TargetState};
use crate::import::{ImportMethod, ImportRequest, Offer, Plugins};
use crate::operations::contention::Tries;
use crate::operations::signatures::Signed;
use crate::operations::usage::{again_within, allowed, over_limit};
use crate::operations::{Context, Signatures, find, tell};
use crate::policy::Operation;
use crate::ports::{EventKind, Job, TokenSeals};
use crate::store::{ObjectKey, Session};
use crate::task::{Task, TaskStatus, TaskType};
use crate::time::Timestamp;
use crate::usage::Resource;

/// Takes requests to import.
#[derive(Clone, Debug)]
pub struct Imports {
    context: Context,
    settings: ImportSettings,
    signatures: Signatures,
    seals: Option<Arc<dyn TokenSeals>>,
}

/// What is configured about imports.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    /// The ways that are enabled.
    pub methods: Arc<[ImportMethod]>,
    /// The stores that take data, the default first.
    pub stores: Vec<StoreId>,
    /// What may be fetched from.
    pub sources: Arc<Rules>,
    /// What is done to what is imported.
    pub plugins: Plugins,
    /// How long it may take to fill a store.
    pub life: Duration,
    /// How long its task is kept once it has ended.
    pub task_life: Duration,
}

/// Who asks, and what a request says beside its body.
#[derive(Clone, Debug)]
pub struct ImportCall<'a> {
    /// Whose request it is.
    pub caller: &'a Caller,
    /// The request.
    pub request: &'a RequestId,
    /// The header `X-Image-Meta-Store`.
    pub store: Option<&'a str>,
    /// The caller's token, by which a signed image's certificate is asked for, and an image of another region.
    pub token: Option<&'a Token>,
}

impl Imports {
    /// What takes requests in a context. Signed images are refused.
    pub fn new(context: Context, settings: ImportSettings) -> Self {
        Self { context, settings, signatures: Signatures::none(), seals: None }
    }

    /// The same, with what verifies signed images.
    #[must_use]
    pub fn verifying(self, signatures: Signatures) -> Self {
        Self { signatures, ..self }
    }

    /// The same, with what seals the tokens by which other regions are asked.
    #[must_use]
    pub fn sealing(self, seals: Option<Arc<dyn TokenSeals>>) -> Self {
        Self { seals, ..self }
    }

    /// Has an image's data imported (`POST /v2/images/{image_id}/import`): the work goes on elsewhere, and the image and its task tell
    /// how far it is. Cost: one read and one write, and a job; for an image with a known size under a limit one read more. A second run is a conflict.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Invalid`, `Conflict` as [`ImportRequest`] says; `Conflict` while another import is under way;
    /// `LimitExceeded` when its owner may have no more; `Unavailable`. After each of them nothing has changed.
    pub async fn import(&self, call: &ImportCall<'_>, id: &ImageId, body: &Value) -> Result<()> {
        self.import_by(call, id, body, None).await
    }

    /// The same, told of by a task that is there already.
    pub(in crate::operations) async fn import_by(
        &self,
        call: &ImportCall<'_>,
        id: &ImageId,
        body: &Value,
        task: Option<&StoredTask>,
    ) -> Result<()> {
        let offer = self.offer();
        let mut tries = Tries::new(&self.context.catalog, id);
        let mut signed = Signed::default();
        loop {
            let is_copy = body.pointer("/method/name") == Some(&json!(ImportMethod::CopyImage.name()));
            let operation = if is_copy { Operation::CopyImage } else { Operation::ModifyImage };
            let seen = find(&self.context, operation, call.caller, id).await?;
            let request = ImportRequest::read(body, call.store, &offer)?;
            if seen.image.import.as_ref().is_some_and(Course::is_open) {
                return Err(Error::Conflict(format!("Image {id} is being imported already.")));
            }
            let targets = request.targets(&seen.image, &offer)?;
            if targets.is_empty() {
                return Ok(());
            }
            if tries.queue().await? {
                continue;
            }
            let clock = &*self.context.clock;
            self.signatures.prepare(&seen.image, call.token, clock, &mut signed).await?;
            if self.begin(call, &seen, request, targets, body, task, &signed, &mut tries).await? {
                return Ok(());
            }
        }
    }

    /// Whether anything is fetched from URLs.
    pub(in crate::operations) fn downloads(&self) -> bool {
        self.settings.methods.contains(&ImportMethod::WebDownload)
    }

    fn offer(&self) -> Offer<'_> {
        let ImportSettings { methods, stores, sources, .. } = &self.settings;
        Offer { methods, stores, sources }
    }

    /// Writes it down and asks for the work; `false` when it must be looked at again.
    #[expect(clippy::too_many_arguments, reason = "one step of one request")]
    async fn begin(
        &self,
        call: &ImportCall<'_>,
        seen: &Stored,
        request: ImportRequest,
        targets: Vec<StoreId>,
        body: &Value,
        told: Option<&StoredTask>,
        signed: &Signed,
        tries: &mut Tries<'_>,
    ) -> Result<bool> {
        let (context, image, now) = (&self.context, &seen.image, self.context.clock.now());
        let task = match told {
            Some(told) => told.task.begun(now, self.given_up(targets.len(), now))?,
            None => self.task(call, image, &targets, body, now),
        };
        let target = |store| {
            let key = ObjectKey::new(image.id.clone(), context.ids.ulid(now));
            Target { location: Location { store, key }, state: TargetState::Coming }
        };
        let allowed = allowed(context, call.caller, image).await?;
        let course = Course {
            task: task.id.clone(),
            source: request.source,
            all_must_succeed: request.all_must_succeed,
            targets: targets.into_iter().map(target).collect(),
            found: None,
            most_bytes: allowed.of(Resource::ImageSizeTotal),
            remote: None,
        };
        self.check_room(image, &course, &allowed).await?;
        let token = self.sealed_token(call, image, &course)?;
        let is_copy = course.source == ImportSource::CopyImage;
        let status = if is_copy { image.status } else { image.status.advance_to(Status::Importing)? };
        let begun: Vec<(Location, Session)> = course
            .writing()
            .map(|at| {
                (
                    at.clone(),
                    session(image, &course, (signed.saved(), token.clone()), now, self.settings.life),
                )
            })
            .collect();
        let mut after =
            Image { status, import: Some(course), refused: None, updated_at: now, ..image.clone() };
        if !is_copy {
            after.properties.extend(self.settings.plugins.injected(call.caller));
        }
        let step = ImportStep {
            held: None,
            begun: &begun,
            task: told.map_or(TaskStep::Create(&task), |told| TaskStep::Replace(told, &task)),
            allowed: &allowed,
            now,
        };
        match context.catalog.step_import(seen, &after, &step).await {
            Ok(stored) => {
                tell(context, EventKind::Update, &stored.image).await;
                for (location, _) in begun {
                    context.queue.enqueue(Job::Import(location)).await;
                }
                Ok(true)
            }
            Err(refused) => {
                again_within(context, (image, &after), &allowed, refused, tries).await?;
                Ok(false)
            }
        }
    }

    /// The caller's token, where the work needs it, so that nobody can read it meanwhile.
    fn sealed_token(&self, call: &ImportCall<'_>, image: &Image, course: &Course) -> Result<Option<String>> {
        if course.unasked().is_none() {
            return Ok(None);
        }
        let missing = || Error::Invalid("X-Auth-Token: must be given, to ask another region by".to_owned());
        let token = call.token.ok_or_else(missing)?;
        let seals = self.seals.as_ref().ok_or_else(|| Error::internal("nobody seals tokens here"))?;
        seals.seal(token, &image.id).map(Some).map_err(Error::internal)
    }

    /// Holds what will be stored to the limit while nothing is fetched yet, as far as its size is known.
    async fn check_room(
        &self,
        image: &Image,
        course: &Course,
        allowed: &crate::usage::Allowance,
    ) -> Result<()> {
        if course.most_bytes.is_none() || image.size.is_none() {
            return Ok(());
        }
        let mut locations = image.locations.clone();
        locations.extend(course.targets.iter().map(|target| target.location.clone()));
        let after = Image { status: Status::Active, locations, staged: None, ..image.clone() };
        over_limit(&self.context, Some(image), &after, allowed).await?.map_or(Ok(()), Err)
    }

    /// The task that tells of it: at work from the start, for nobody waits for a turn.
    fn task(
        &self,
        call: &ImportCall<'_>,
        image: &Image,
        stores: &[StoreId],
        body: &Value,
        now: Timestamp,
    ) -> Task {
        let stores: Vec<_> = stores.iter().map(StoreId::as_str).collect();
        Task {
            id: self.context.ids.task_id(),
            kind: TaskType::ApiImageImport,
            status: TaskStatus::Processing,
            owner: call.caller.project().cloned(),
            user: call.caller.user().map(str::to_owned),
            request: Some(call.request.clone()),
            image: Some(image.id.clone()),
            input: json!({ "image_id": image.id, "import_req": body, "backend": stores }),
            result: Value::Null,
            message: String::new(),
            created_at: now,
            updated_at: now,
            due_at: self.given_up(stores.len(), now),
        }
    }

    /// When its task is given up: an import ends it itself, with its last store.
    fn given_up(&self, stores: usize, now: Timestamp) -> Timestamp {
        let each = u32::try_from(stores).unwrap_or(u32::MAX).max(1);
        now.plus(self.settings.task_life).plus(self.settings.life.saturating_mul(each))
    }
}
