//! Where images lie: told to services, and registered where others have written the data (`/v2/images/{image_id}/locations`).
//!
//! 1. *Registered*: the image waits for an object, as for one that is uploaded, and a task tells of it. The URL was judged, and
//!    nothing was asked yet: who asks learns nothing of what can be reached from here.
//! 2. *Looked at* ([`Registrar`]): the store says how large it is, it is looked into, and hashed where that is wanted.
//! 3. *Taken*: the image has the object, or is as it was before. What is refused stays where it is.
//!
//! A due row says from 1 on when to look again, so a worker that dies is followed by the next one, from where it stopped.

mod add;
mod body;
mod change;
mod record;
mod registrar;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::{Context, find};
use crate::egress::Rules;
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId};
use crate::identity::Caller;
use crate::image::{Image, Location, Note, Status};
use crate::policy::{Operation, Target};
use crate::store::{Address, RefusedLocation, Takes};

pub use body::{NewLocation, Said};
pub use record::RegistrarSettings;
pub use registrar::Registrar;

/// Operations on where images lie.
#[derive(Clone, Debug)]
pub struct Locations {
    context: Context,
    settings: LocationsSettings,
    registrar: Option<Registrar>,
}

/// How long a patch waits for what it names to be looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What is configured about where images lie.
#[derive(Clone, Debug)]
pub struct LocationsSettings {
    /// Where the stores are.
    pub addresses: Addresses,
    /// What may be fetched from.
    pub sources: Arc<Rules>,
    /// Whether data that is registered is hashed, and held to what was given.
    pub do_secure_hash: bool,
    /// How long a task may take, and is kept once it has ended.
    pub task_life: Duration,
    /// What of it is told with images.
    pub shown: Shown,
    /// How many places an image's data may be in; any number with `None`.
    pub most: Option<usize>,
}

/// What is told with images of where their data is, to who may know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Every place, which then can be changed there.
    pub locations: bool,
    /// The first that is read.
    pub direct_url: bool,
}

/// Where an image's data is, as its record tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The stores it lies in, the heaviest first, and among equals in the order it came there; those that are not configured any more last.
    pub stores: Vec<StoreId>,
    /// Every place; `None` where they are not told.
    pub locations: Option<Vec<Place>>,
    /// The URL of the first that is read.
    pub direct_url: Option<String>,
}

/// Where each store is, with its weight, the default first.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<[(StoreId, i64, Address)]>);

/// A place where an image's data is, as services are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The URL, without credentials.
    pub url: String,
    /// The store.
    pub store: StoreId,
    /// What was noted with it.
    pub note: Note,
}

impl Addresses {
    /// Of these stores.
    pub fn new(stores: impl IntoIterator<Item = (StoreId, i64, Address)>) -> Self {
        Self(stores.into_iter().collect())
    }

    /// Where an image's data is, in the order it came there. A store that is not configured any more is left out.
    pub fn places(&self, image: &Image) -> Vec<Place> {
        let note = |at: &Location| image.notes.get(at.key.blob()).cloned().unwrap_or_default();
        let place = |at: &Location| {
            let url = self.url(at)?;
            Some(Place { url, store: at.store.clone(), note: note(at) })
        };
        image.locations.iter().filter_map(place).collect()
    }

    /// The URL of an object; nothing where its store is not configured any more.
    fn url(&self, at: &Location) -> Option<String> {
        let (.., address) = self.0.iter().find(|(store, ..)| *store == at.store)?;
        Some(address.url(&at.key))
    }

    /// Which of some places is read first.
    fn first<'a>(&self, places: &'a [Place]) -> Option<&'a Place> {
        places.iter().min_by_key(|place| Reverse(self.weight(&place.store)))
    }

    /// The stores an image's data is in, as they are read.
    fn stores(&self, image: &Image) -> Vec<StoreId> {
        let mut stores: Vec<_> = image.locations.iter().map(|at| at.store.clone()).collect();
        stores.sort_by_key(|id| Reverse(self.weight(id)));
        stores
    }

    fn weight(&self, store: &StoreId) -> Option<i64> {
        self.0.iter().find(|(id, ..)| id == store).map(|(_, weight, _)| *weight)
    }

    /// Whether a store gives objects by URLs of that kind.
    fn take_scheme(&self, url: &str) -> bool {
        self.0.iter().any(|(.., address)| address.takes_scheme(url))
    }

    /// The store that has data still which was refused, because nobody can remove it there.
    fn left_in(&self, image: &Image) -> Option<StoreId> {
        let id = image.refused.as_ref()?.store.as_ref().filter(|_| image.locations.is_empty())?;
        let of_the_web = self.0.iter().find(|(store, _, address)| store == id && address.takes == Takes::Web);
        of_the_web.map(|(id, ..)| id.clone())
    }

    /// Whether a store gives what is anywhere on the web.
    fn take_the_web(&self) -> bool {
        self.0.iter().any(|(.., address)| address.takes == Takes::Web)
    }

    /// Which store has the object of a URL, and what it calls it.
    ///
    /// # Errors
    /// Why nobody may register it.
    fn find(&self, url: &str, sources: &Rules) -> Result<(StoreId, String), RefusedLocation> {
        let mut refused = RefusedLocation::Elsewhere;
        let mut found = None;
        for (id, _, address) in self.0.iter() {
            match address.name(url, sources) {
                Ok(name) => found = found.or_else(|| Some((id.clone(), name))),
                // Two stores may share a bucket: what one of them wrote is not the other's to give.
                Err(RefusedLocation::Ours) => return Err(RefusedLocation::Ours),
                Err(RefusedLocation::Elsewhere) => {}
                Err(other) => refused = other,
            }
        }
        found.ok_or(refused)
    }
}

impl Locations {
    /// Operations in a context.
    pub fn new(context: Context, settings: LocationsSettings) -> Self {
        Self { context, settings, registrar: None }
    }

    /// The same, looking at what patches name while they wait: without, it is left to who does what is due.
    #[must_use]
    pub fn looking(self, registrar: Registrar) -> Self {
        Self { registrar: Some(registrar), ..self }
    }

    /// What is told of an image's data with its record: its stores, and more where that is configured, but not to who may not know, nor of
    /// a deactivated image to any but administrators. Cost: none.
    pub fn told(&self, caller: &Caller, image: &Image) -> Told {
        let Shown { locations, direct_url } = self.settings.shown;
        let mut stores = self.settings.addresses.stores(image);
        stores.extend(self.settings.addresses.left_in(image));
        if !locations && !direct_url {
            return Told { stores, ..Told::default() };
        }
        let policy = &self.context.policy;
        let may = policy.allows(Operation::GetImageLocation, caller, Target::image(image))
            && (image.status != Status::Deactivated || policy.is_admin(caller));
        let places = if may { self.settings.addresses.places(image) } else { Vec::new() };
        let first = self.settings.addresses.first(&places).filter(|_| direct_url);
        let direct_url = first.map(|place| place.url.clone());
        Told { stores, direct_url, locations: locations.then_some(places) }
    }

    /// Tells services where an image's data is (`GET /v2/images/{image_id}/locations`). Cost: one read.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` to all but services and administrators.
    pub async fn list(&self, caller: &Caller, id: &ImageId) -> Result<Vec<Place>> {
        let seen = find(&self.context, Operation::FetchImageLocation, caller, id).await?;
        Ok(self.settings.addresses.places(&seen.image))
    }
}

/// Whether a service calls, for itself or by a token beside its user's.
fn is_service(caller: &Caller) -> bool {
    caller.has_role("service") || caller.has_service_role("service")
}

/// The error of a URL that may not be registered.
fn refused_url(refused: &RefusedLocation) -> Error {
    Error::Invalid(format!("url: {refused}"))
}
