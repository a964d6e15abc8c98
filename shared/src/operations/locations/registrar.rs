//! Looks at objects that were registered: what they are, how large, what they hash to.

use std::sync::Arc;
use std::time::Duration;

use super::record::{Record, RegistrarSettings, Standing, unlike};
use crate::catalog::{Catalog, ChangeError, StoredRegistration};
use crate::error::{Error, Result};
use crate::format::Rules;
use crate::id::StoreId;
use crate::image::{Digests, Image, Status};
use crate::operations::examination::{Broken, Hashed, Lease, Object, hash, inspect, renewing};
use crate::operations::upload::declared;
use crate::operations::{Outcome, Stores};
use crate::ports::{Clock, Events, FetchError, Store, StoreError};
use crate::signature::Verify;
use crate::store::{HashState, ObjectKey, Registration};
use crate::time::Timestamp;

/// Looks at objects that were registered.
#[derive(Clone, Debug)]
pub struct Registrar {
    catalog: Catalog,
    stores: Stores,
    clock: Arc<dyn Clock>,
    record: Record,
    rules: Rules,
    settings: RegistrarSettings,
}

/// What came of looking at an object.
enum Found {
    /// What there is to know; without digests when nobody asked for them.
    Known(Option<Digests>, Option<u64>),
    /// There is more to hash: the next run goes on.
    More,
    /// Somebody else works on it by now.
    Lost,
}

/// Why an object could not be looked at.
enum Trouble {
    /// It is not to be had, or not to be taken, and never will be.
    Refused(String),
    /// It cannot be had now.
    Passing(String),
    /// A fault of the table.
    Fault(Error),
}

/// A registration, which is its own lease.
struct RegistrationLease<'a> {
    catalog: &'a Catalog,
    held: &'a mut StoredRegistration,
}

impl Lease for RegistrationLease<'_> {
    fn hashed(&self) -> Option<&HashState> {
        self.held.registration.hashed.as_ref()
    }

    async fn keep(&mut self, hashed: Option<HashState>, due: Timestamp) -> Result<bool> {
        let registration = self.held.registration.clone();
        // Whoever gets on has no failed tries behind him.
        let tries = if hashed.is_some() { 0 } else { registration.tries };
        let kept = Registration { hashed: hashed.or(registration.hashed), tries, due, ..registration };
        self.write(kept).await
    }
}

impl RegistrationLease<'_> {
    /// Writes it down; `false` when somebody else has it.
    async fn write(&mut self, next: Registration) -> Result<bool> {
        match self.catalog.keep_registration(self.held, next).await {
            Ok(kept) => *self.held = kept,
            Err(ChangeError::Lost) => return Ok(false),
            Err(ChangeError::Table(error)) => return Err(error),
        }
        Ok(true)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(reason) => Self::Refused(reason),
            Error::Content(refusal) => Self::Refused(refusal.to_string()),
            Error::Unavailable(_) => Self::Passing(cause(&error)),
            other => Self::Refused(cause(&other)),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Refused("There is no object at the location.".to_owned()),
            error => Error::from(error).into(),
        }
    }
}

/// Why a store could not read. What a source answered is for who named it; what a store says of itself is not.
fn cause(error: &Error) -> String {
    let source = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<FetchError>());
    source.map_or_else(|| "The object could not be read.".to_owned(), |fetch| format!("{fetch}."))
}

impl Registrar {
    /// What looks at objects in these stores; `rules` are what data is held to.
    pub fn new(
        catalog: Catalog,
        stores: Stores,
        clock: Arc<dyn Clock>,
        events: Arc<dyn Events>,
        rules: Rules,
        settings: RegistrarSettings,
    ) -> Self {
        let record = Record::new(catalog.clone(), Arc::clone(&clock), events, settings);
        Self { catalog, stores, clock, record, rules, settings }
    }

    /// Goes on with an object that was registered, if nobody else does, and begins no new stretch from `until` on, if it is given. A
    /// second run finds it done. Cost: two reads and two writes to begin, one look at how large it is, at most six reads to look into
    /// it; then, where it is hashed, a read of what is left of it with a write for each stretch and each third of a lease; two reads
    /// and a write to end.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the table: it is due again when the lease ends.
    pub async fn advance(&self, seen: &StoredRegistration, until: Option<Timestamp>) -> Result<Outcome> {
        let now = self.clock.now();
        if seen.registration.due > now {
            return Ok(Outcome::Busy);
        }
        let taken =
            Registration { due: now.plus(self.settings.completion.lease), ..seen.registration.clone() };
        match self.catalog.keep_registration(seen, taken).await {
            Ok(held) => self.run(held, until).await,
            Err(ChangeError::Lost) => Ok(Outcome::Busy),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// How long one has an object that is looked at.
    pub(super) fn lease(&self) -> Duration {
        self.settings.completion.lease
    }

    /// Goes on with an object whose lease is held. Cost: as said there.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub(super) async fn run(
        &self,
        mut held: StoredRegistration,
        until: Option<Timestamp>,
    ) -> Result<Outcome> {
        self.record.begin_task(&held).await?;
        if self.clock.now() >= held.registration.ends {
            return self.record.give_up(&held, "The location could not be looked at in time.").await;
        }
        match self.look(&mut held, until).await {
            Ok(Found::Known(digests, virtual_size)) => self.record.take(&held, digests, virtual_size).await,
            Ok(Found::More) => Ok(Outcome::Unfinished),
            Ok(Found::Lost) => Ok(Outcome::Busy),
            Err(Trouble::Refused(reason)) => self.record.give_up(&held, &reason).await,
            Err(Trouble::Passing(reason)) => self.record.again(&held, &reason).await,
            Err(Trouble::Fault(error)) => Err(error),
        }
    }

    /// Finds out what there is to know, and gives the image what it may have before that.
    async fn look(&self, held: &mut StoredRegistration, until: Option<Timestamp>) -> Result<Found, Trouble> {
        let image = match self.record.standing(held).await.map_err(Trouble::Fault)? {
            Standing::Waits(seen) | Standing::Has(seen) => seen.image,
            Standing::Over => return Ok(Found::Lost),
        };
        let store = Arc::clone(self.store(&held.location.store)?);
        let size = self.size(held, &*store, &image).await?;
        let Some(virtual_size) = self.inspect(held, &*store, &image, size).await? else {
            return Ok(Found::Lost);
        };
        let registration = &held.registration;
        if !registration.hashes {
            return Ok(Found::Known(None, virtual_size));
        }
        // Without a hash to be held to before, an image that has no data yet can be used at once.
        let is_first = image.status == Status::Importing;
        if is_first && (registration.given.is_none() || registration.at_its_word) {
            let stops = until.is_some_and(|until| self.clock.now() >= until);
            match self.record.activate(held, virtual_size, stops).await.map_err(Trouble::Fault)? {
                Some(attached) if stops => {
                    *held = attached;
                    return Ok(Found::More);
                }
                Some(attached) => *held = attached,
                None => return Ok(Found::Lost),
            }
        }
        match self.digests(held, &image, &*store, size, until).await? {
            Some(digests) => Ok(Found::Known(Some(digests), virtual_size)),
            None if held.registration.due <= self.clock.now() => Ok(Found::More),
            None => Ok(Found::Lost),
        }
    }

    /// What the object hashes to. Has an image data that nobody has hashed, that is hashed too, and is the same.
    async fn digests(
        &self,
        held: &mut StoredRegistration,
        image: &Image,
        store: &dyn Store,
        size: u64,
        until: Option<Timestamp>,
    ) -> Result<Option<Digests>, Trouble> {
        let found = if let Some(found) = held.registration.found.clone() {
            found
        } else {
            let key = held.location.key.clone();
            let Some(found) = self.hash(held, (store, &key), size, until).await? else { return Ok(None) };
            found
        };
        let others = image.locations.first().filter(|_| !held.is_attached() && image.digests.is_none());
        let Some(own) = others else { return Ok(Some(found)) };
        if held.registration.found.is_none() {
            let due = self.clock.now().plus(self.settings.completion.lease);
            let found = Some(found.clone());
            let next = Registration { found, hashed: None, tries: 0, due, ..held.registration.clone() };
            let mut lease = RegistrationLease { catalog: &self.catalog, held };
            if !lease.write(next).await.map_err(Trouble::Fault)? {
                return Ok(None);
            }
        }
        let store = Arc::clone(self.store(&own.store)?);
        let Some(has) = self.hash(held, (&*store, &own.key), size, until).await? else { return Ok(None) };
        match unlike(&has, &found) {
            Some(differs) => Err(Trouble::Refused(differs)),
            None => Ok(Some(found)),
        }
    }

    fn store(&self, id: &StoreId) -> Result<&Arc<dyn Store>, Trouble> {
        let absent = || Error::internal(format!("an object lies in store '{id}', which is not configured"));
        self.stores.get(id).ok_or_else(|| Trouble::Fault(absent()))
    }

    /// How many bytes there are, which is written down once it is known.
    async fn size(
        &self,
        held: &mut StoredRegistration,
        store: &dyn Store,
        image: &Image,
    ) -> Result<u64, Trouble> {
        if let Some(size) = held.registration.size {
            return Ok(size);
        }
        let size = store.size(&held.location.key).await?;
        let most = self.settings.max_bytes;
        let refusal = match image.size {
            _ if size == 0 => "The object at the location is empty.".to_owned(),
            _ if size > most => format!("The object has {size} bytes, and the limit is {most}."),
            Some(other) if other != size => format!("The object has {size} bytes, and the image {other}."),
            _ => {
                // With the next write: nothing is lost when this one is not made.
                held.registration.size = Some(size);
                return Ok(size);
            }
        };
        Err(Trouble::Refused(refusal))
    }

    /// Looks into data that the image does not have yet. Answers the size of the disk; nothing when somebody else has the object.
    async fn inspect(
        &self,
        held: &mut StoredRegistration,
        store: &dyn Store,
        image: &Image,
        size: u64,
    ) -> Result<Option<Option<u64>>, Trouble> {
        let declared = declared(image).filter(|_| !held.is_attached());
        if declared.is_none() {
            return Ok(Some(image.virtual_size));
        }
        let key = held.location.key.clone();
        let inspecting = inspect(&self.rules, store, &key, declared, size);
        let mut lease = RegistrationLease { catalog: &self.catalog, held };
        let inspected = renewing(self.settings.completion, &*self.clock, &mut lease, inspecting).await;
        let Some(judged) = inspected.map_err(Trouble::Fault)? else { return Ok(None) };
        Ok(Some(judged?.map_err(Error::from)?.virtual_size))
    }

    /// Hashes what is left of some bytes; `None` when the next run goes on, or somebody else.
    async fn hash(
        &self,
        held: &mut StoredRegistration,
        (store, key): (&dyn Store, &ObjectKey),
        size: u64,
        until: Option<Timestamp>,
    ) -> Result<Option<Digests>, Trouble> {
        let given = held.registration.given.clone();
        let verifier = given.as_ref().map(|given| given as &dyn Verify);
        let object = Object { store, key, size, verifier };
        let mut lease = RegistrationLease { catalog: &self.catalog, held };
        let hashed = hash(self.settings.completion, &*self.clock, &mut lease, object, until).await;
        let (digests, digest) = match hashed {
            Ok(Hashed::Whole(digests, digest)) => (digests, digest),
            Ok(Hashed::Unfinished | Hashed::Lost) => return Ok(None),
            Err(Broken::Table(error)) => return Err(Trouble::Fault(error)),
            Err(Broken::Source(error)) => return Err(error.into()),
        };
        if let Some(given) = &given {
            given.verify(&digests, digest.as_deref())?;
        }
        Ok(Some(digests))
    }
}
