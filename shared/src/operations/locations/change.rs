//! The older way to say where an image's data is: by patches of its record. Only where it is shown there.

use serde_json::Value;

use super::{Locations, NewLocation};
use crate::catalog::{ChangeError, Due};
use crate::error::{Error, Result};
use crate::id::{ImageId, RequestId};
use crate::identity::Caller;
use crate::image::{Image, Relocation, Status};
use crate::operations::contention::Tries;
use crate::operations::{find, tell};
use crate::policy::Operation;
use crate::ports::{EventKind, Job};

impl Locations {
    /// Whether patches may speak of locations.
    pub fn are_shown(&self) -> bool {
        self.settings.shown.locations
    }

    /// Changes where an image's data is (`PATCH /v2/images/{image_id}` of `/locations`). What is added is looked at afterwards, as by
    /// [`Locations::add`], and is held to the data that is there. Cost: one read and one write.
    ///
    /// # Errors
    /// `Forbidden` where locations are not shown, to who may not, and for the last one; `NotFound`; `Conflict` when the image is
    /// not in a status for it, or waits for data; `Invalid` as [`Locations::add`], for one that is there and one that is not;
    /// `LimitExceeded` for too many.
    pub async fn change(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: &ImageId,
        change: Relocation,
    ) -> Result<Image> {
        if !self.are_shown() {
            let text = "It's not allowed to change locations if locations are invisible.";
            return Err(Error::Forbidden(text.to_owned()));
        }
        let changed = match change {
            Relocation::Add(at, location) => self.insert(caller, request, id, at, location).await,
            Relocation::Replace(list) => self.replace(caller, request, id, list).await,
            Relocation::Remove(at) => self.remove(caller, id, at).await,
        };
        Ok(self.context.policy.readable(caller, changed?))
    }

    async fn insert(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: &ImageId,
        at: Option<usize>,
        location: Value,
    ) -> Result<Image> {
        let new = NewLocation::of_patch(location)?;
        let check = |image: &Image| {
            self.check_addition(image, &new)?;
            match at {
                Some(at) if at > image.locations.len() => Err(no_such(at)),
                _ => Ok(()),
            }
        };
        self.begin(caller, request, id, Operation::SetImageLocation, &new, check).await
    }

    /// The same locations again change nothing; others are only taken where there are none.
    async fn replace(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: &ImageId,
        list: Vec<Value>,
    ) -> Result<Image> {
        let mut new: Vec<_> = list.into_iter().map(NewLocation::of_patch).collect::<Result<_>>()?;
        let seen = find(&self.context, Operation::SetImageLocation, caller, id).await?;
        check_status(&seen.image, &[Status::Queued, Status::Active])?;
        let mut there: Vec<_> =
            self.settings.addresses.places(&seen.image).into_iter().map(|place| place.url).collect();
        let mut named: Vec<_> = new.iter().map(|new| new.url.clone()).collect();
        there.sort_unstable();
        named.sort_unstable();
        if !there.is_empty() {
            if there == named {
                return self.note(caller, id, &new).await;
            }
            let text = "locations: the image has others, which can be removed and added one by one";
            return Err(Error::Invalid(text.to_owned()));
        }
        let only = new.pop().filter(|_| new.is_empty());
        let only = only.ok_or_else(|| Error::Invalid("locations: are added one by one".to_owned()))?;
        let check = |image: &Image| self.check_addition(image, &only);
        self.begin(caller, request, id, Operation::SetImageLocation, &only, check).await
    }

    /// Notes what is said of the locations that are there.
    async fn note(&self, caller: &Caller, id: &ImageId, said: &[NewLocation]) -> Result<Image> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::SetImageLocation, caller, id).await?;
            said.iter().try_for_each(|new| new.said.check(&seen.image))?;
            let mut noted = seen.image.clone();
            for at in &seen.image.locations {
                let url = self.settings.addresses.url(at);
                let new = said.iter().find(|new| Some(&new.url) == url.as_ref());
                match new.and_then(|new| new.note.clone()) {
                    Some(note) if note.is_empty() => drop(noted.notes.remove(at.key.blob())),
                    Some(note) => drop(noted.notes.insert(at.key.blob().clone(), note)),
                    None => {}
                }
            }
            if noted == seen.image {
                return Ok(noted);
            }
            if tries.queue().await? {
                continue;
            }
            noted.updated_at = self.context.clock.now();
            match self.context.catalog.replace(&seen, &noted).await {
                Ok(stored) => {
                    tell(&self.context, EventKind::Update, &stored.image).await;
                    return Ok(stored.image);
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    async fn remove(&self, caller: &Caller, id: &ImageId, at: Option<usize>) -> Result<Image> {
        let mut tries = Tries::new(&self.context.catalog, id);
        loop {
            let seen = find(&self.context, Operation::DeleteImageLocation, caller, id).await?;
            check_status(&seen.image, &[Status::Active])?;
            let count = seen.image.locations.len();
            if count == 1 {
                return Err(Error::Forbidden("Cannot remove last location in the image.".to_owned()));
            }
            let at = at.unwrap_or(count.saturating_sub(1));
            let location = seen.image.locations.get(at).cloned().ok_or_else(|| no_such(at))?;
            if tries.queue().await? {
                continue;
            }
            let now = self.context.clock.now();
            let mut without = Image { updated_at: now, ..seen.image.clone() };
            without.locations.remove(at);
            without.notes.remove(location.key.blob());
            match self.context.catalog.detach(&seen, &without, &Due { at: now, location }).await {
                Ok(stored) => {
                    self.context.queue.enqueue(Job::Reap).await;
                    tell(&self.context, EventKind::Update, &stored.image).await;
                    return Ok(stored.image);
                }
                Err(ChangeError::Lost) => tries.again().await?,
                Err(ChangeError::Table(error)) => return Err(error),
            }
        }
    }

    fn check_addition(&self, image: &Image, new: &NewLocation) -> Result<()> {
        check_status(image, &[Status::Queued, Status::Active])?;
        if image.upload.is_some() {
            return Err(Error::Conflict("A location of the image is being looked at already.".to_owned()));
        }
        if self.settings.addresses.places(image).iter().any(|place| place.url == new.url) {
            return Err(Error::Invalid("locations: the image has this one already".to_owned()));
        }
        new.said.check(image)?;
        match self.settings.most {
            Some(most) if image.locations.len() >= most => {
                Err(Error::LimitExceeded(format!("an image may have at most {most} locations")))
            }
            _ => Ok(()),
        }
    }
}

fn check_status(image: &Image, allowed: &[Status]) -> Result<()> {
    if allowed.contains(&image.status) {
        return Ok(());
    }
    let status = image.status.name();
    Err(Error::Conflict(format!("It's not allowed to change locations if image status is {status}.")))
}

fn no_such(at: usize) -> Error {
    Error::Invalid(format!("locations: have no index {at}"))
}
