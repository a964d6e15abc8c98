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
mod registrar;

use std::sync::Arc;
use std::time::Duration;

use super::{Context, find};
use crate::egress::Rules;
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId};
use crate::identity::Caller;
use crate::image::Image;
use crate::policy::Operation;
use crate::store::{Address, RefusedLocation, Takes};

pub use body::NewLocation;
pub use registrar::{Registrar, RegistrarSettings};

/// Operations on where images lie.
#[derive(Clone, Debug)]
pub struct Locations {
    context: Context,
    settings: LocationsSettings,
}

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
}

/// Where each store is, the default first.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<[(StoreId, Address)]>);

/// A place where an image's data is, as services are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The URL, without credentials.
    pub url: String,
    /// The store.
    pub store: StoreId,
}

impl Addresses {
    /// Of these stores.
    pub fn new(stores: impl IntoIterator<Item = (StoreId, Address)>) -> Self {
        Self(stores.into_iter().collect())
    }

    /// Where an image's data is, in the order it came there. A store that is not configured any more is left out.
    pub fn places(&self, image: &Image) -> Vec<Place> {
        let address = |id: &StoreId| self.0.iter().find(|(store, _)| store == id).map(|(_, address)| address);
        let place = image
            .locations
            .iter()
            .filter_map(|at| Some(Place { url: address(&at.store)?.url(&at.key), store: at.store.clone() }));
        place.collect()
    }

    /// Whether a store gives what is anywhere on the web.
    fn take_the_web(&self) -> bool {
        self.0.iter().any(|(_, address)| address.takes == Takes::Web)
    }

    /// Which store has the object of a URL, and what it calls it.
    ///
    /// # Errors
    /// Why nobody may register it.
    fn find(&self, url: &str, sources: &Rules) -> Result<(StoreId, String), RefusedLocation> {
        let mut refused = RefusedLocation::Elsewhere;
        let mut found = None;
        for (id, address) in self.0.iter() {
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
        Self { context, settings }
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
