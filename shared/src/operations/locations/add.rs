//! Registering data that others have written.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{LOOK, Locations, NewLocation, is_service, refused_url};
use crate::catalog::{Stored, StoredRegistration};
use crate::error::{Error, Result};
use crate::id::{ImageId, RequestId, StoreId};
use crate::identity::Caller;
use crate::image::{GivenHash, Image, Location, Status};
use crate::operations::contention::Tries;
use crate::operations::usage::{again_within, allowed};
use crate::operations::{Outcome, Registrar, find};
use crate::policy::Operation;
use crate::ports::Job;
use crate::store::{ObjectKey, RefusedLocation, Registration, is_web};
use crate::task::{Task, TaskStatus, TaskType};

impl Locations {
    /// Registers data that others have written as an image's (`POST /v2/images/{image_id}/locations`); it is looked at afterwards, by
    /// who does what is due. Cost: one read and one write. A second run is a conflict for as long as the first is not refused.
    ///
    /// # Errors
    /// `Invalid` for what is malformed, for a URL that the gate refuses or that names no object of a store, and for an image without
    /// formats; `NotFound`; `Forbidden`, also to who is no service and names anything but http or https, or where no store
    /// gives that; `Conflict` when the image is not queued; `LimitExceeded` when its owner may have no more uploads.
    pub async fn add(&self, caller: &Caller, request: &RequestId, id: &ImageId, body: Value) -> Result<()> {
        self.context.policy.check_scope(caller)?;
        let new = NewLocation::parse(body)?;
        new.said.given()?;
        let added = self.begin(caller, request, id, Operation::AddImageLocation, &new, check_status);
        added.await.map(drop)
    }

    /// Has an image wait for data, if `check` lets it. Answers it as it is then.
    pub(super) async fn begin(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: &ImageId,
        operation: Operation,
        new: &NewLocation,
        check: impl Fn(&Image) -> Result<()> + Send,
    ) -> Result<Image> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, operation, caller, id).await?;
            check(&seen.image)?;
            let given = new.said.given()?;
            self.check_caller(caller, &new.url)?;
            let place = self.settings.addresses.find(&new.url, &self.settings.sources);
            let place = place.map_err(|refused| refused_url(&refused))?;
            check_formats(&seen.image)?;
            if tries.queue().await? {
                continue;
            }
            let registered = self.register(caller, request, &seen, (new, given), place, &mut tries).await?;
            let Some((waiting, held)) = registered else { continue };
            if let Some(registrar) = self.registrar_of(new) {
                return self.look(registrar, waiting, held).await;
            }
            self.context.queue.enqueue(Job::Reap).await;
            return Ok(waiting);
        }
    }

    /// Who looks at a location while its request waits.
    fn registrar_of(&self, new: &NewLocation) -> Option<&Registrar> {
        self.registrar.as_ref().filter(|_| new.is_patch)
    }

    /// Looks at what was registered, for as long as a request may wait: answers the image as it is then. What is left is gone on with by who does
    /// what is due.
    async fn look(&self, registrar: &Registrar, waiting: Image, held: StoredRegistration) -> Result<Image> {
        let looking = registrar.run(held, Some(self.context.clock.now()));
        match timeout(LOOK, looking).await {
            Ok(Ok(Outcome::Refused(why))) => return Err(Error::Invalid(format!("locations: {why}"))),
            Ok(Ok(Outcome::Active)) | Err(_) => {}
            Ok(Ok(_)) => self.context.queue.enqueue(Job::Reap).await,
            // The lease ends, and somebody else goes on.
            Ok(Err(error)) => {
                tracing::warn!(image = %waiting.id, %error, "a location could not be looked at yet");
            }
        }
        let found = self.context.catalog.find(&waiting.id).await?;
        Ok(found.map_or(waiting, |found| found.image))
    }

    /// Who is no service registers what is on the web, where a store gives that, and nothing else.
    fn check_caller(&self, caller: &Caller, url: &str) -> Result<()> {
        if !is_web(url) && !self.settings.addresses.take_scheme(url) {
            return Err(refused_url(&RefusedLocation::Elsewhere));
        }
        if is_service(caller) || (is_web(url) && self.settings.addresses.take_the_web()) {
            return Ok(());
        }
        Err(Error::Forbidden(
            "Locations are added by services, or are URLs of http or https where a store of kind http is configured."
                .to_owned(),
        ))
    }

    /// Has an image wait for the object. `None` when it must be looked at again.
    async fn register(
        &self,
        caller: &Caller,
        request: &RequestId,
        seen: &Stored,
        (new, given): (&NewLocation, Option<GivenHash>),
        (store, name): (StoreId, String),
        tries: &mut Tries<'_>,
    ) -> Result<Option<(Image, StoredRegistration)>> {
        let (context, now) = (&self.context, self.context.clock.now());
        let ends = now.plus(self.settings.task_life);
        let image = &seen.image;
        let is_first = image.locations.is_empty();
        let key = ObjectKey::new(image.id.clone(), context.ids.ulid(now)).named(&name);
        let location = Location { store, key };
        let task = Task {
            id: context.ids.task_id(),
            kind: TaskType::LocationImport,
            status: TaskStatus::Pending,
            owner: caller.project().cloned(),
            user: caller.user().map(str::to_owned),
            request: Some(request.clone()),
            image: Some(image.id.clone()),
            input: input(image, given.as_ref()),
            result: Value::Null,
            message: String::new(),
            created_at: now,
            updated_at: now,
            due_at: ends,
        };
        let registration = Registration {
            task: task.id.clone(),
            hashes: self.settings.do_secure_hash && !(new.is_patch && is_first && given.is_none()),
            // What an image has already is what its data is held to.
            given: given.filter(|_| is_first),
            at_its_word: new.is_patch,
            note: new.note.clone().unwrap_or_default(),
            size: None,
            due: self.registrar_of(new).map_or(now, |registrar| now.plus(registrar.lease())),
            ends,
            tries: 0,
            hashed: None,
            found: None,
        };
        let waiting = Image {
            // What has data stays as it is until it may have it in one place more.
            status: match image.status {
                Status::Active => Status::Active,
                status => status.advance_to(Status::Importing)?,
            },
            upload: Some(location.clone()),
            refused: None,
            updated_at: now,
            ..image.clone()
        };
        let allowed = allowed(context, caller, &waiting).await?;
        let registered = (&location, &registration);
        match context.catalog.begin_registration(seen, &waiting, registered, &task, &allowed).await {
            Ok((stored, held)) => Ok(Some((stored.image, held))),
            Err(refused) => {
                again_within(context, (image, &waiting), &allowed, refused, tries).await?;
                Ok(None)
            }
        }
    }
}

/// What the task is told, as Glance writes it; who reads tasks of an image may not be who may know where it lies.
fn input(image: &Image, given: Option<&GivenHash>) -> Value {
    let given =
        given.map(|given| json!({ "os_hash_algo": given.algorithm.name(), "os_hash_value": given.value }));
    json!({ "image_id": image.id.as_str(), "validation_data": given.unwrap_or_else(|| json!({})) })
}

fn check_status(image: &Image) -> Result<()> {
    if image.status == Status::Queued {
        return Ok(());
    }
    let status = image.status.name();
    Err(Error::Conflict(format!("It's not allowed to add locations if image status is {status}.")))
}

fn check_formats(image: &Image) -> Result<()> {
    let unset = [
        ("disk_format", image.disk_format.is_none()),
        ("container_format", image.container_format.is_none()),
    ];
    match unset.into_iter().find(|(_, unset)| *unset) {
        Some((name, _)) => Err(Error::Invalid(format!("{name}: must be set before a location is added"))),
        None => Ok(()),
    }
}
