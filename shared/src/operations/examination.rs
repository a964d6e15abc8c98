//! What an object is found to be once all parts of it have arrived, whoever brought them.
//!
//! Every step may happen twice, and is gone on with by the next worker from where this one stopped.

mod judge;
mod parts;
mod stretches;

use std::sync::Arc;

pub(super) use judge::inspect;
pub(super) use parts::{all_parts, missing};
use stretches::SessionLease;
pub(super) use stretches::{Broken, Hashed, Lease, Object, hash, renewing};

use super::upload::verified;
use super::{CompletionSettings, Stores};
use crate::catalog::{Catalog, StoredSession};
use crate::error::{Error, Result};
use crate::format::Rules;
use crate::image::Digests;
use crate::ports::{Clock, StoreError};
use crate::time::Timestamp;

/// Looks into objects and hashes them.
#[derive(Clone, Debug)]
pub(super) struct Examiner {
    catalog: Catalog,
    stores: Stores,
    clock: Arc<dyn Clock>,
    rules: Rules,
    settings: CompletionSettings,
}

/// What became of an examination.
pub(super) enum Examined {
    /// An image may have the object.
    Sound { digests: Digests, virtual_size: Option<u64> },
    /// It may not, for this reason.
    Refused(String),
    /// There is more to do: the next run goes on.
    Unfinished,
    /// The lease was lost.
    Lost,
}

/// Whether an object could be made whole.
pub(super) enum Whole {
    Yes,
    /// Parts are missing.
    Missing,
    /// It never can, for this reason.
    Not(String),
}

impl Examiner {
    pub(super) fn new(
        catalog: Catalog,
        stores: Stores,
        clock: Arc<dyn Clock>,
        rules: Rules,
        settings: CompletionSettings,
    ) -> Self {
        Self { catalog, stores, clock, rules, settings }
    }

    pub(super) fn with(self, settings: CompletionSettings) -> Self {
        Self { settings, ..self }
    }

    /// Makes an object of the parts, unless there is one.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) async fn make_whole(&self, held: &StoredSession) -> Result<Whole> {
        let store = self.stores.holding(&held.location.store)?;
        let (key, layout) = (&held.location.key, held.session.layout);
        for is_first in [true, false] {
            match store.size(key).await {
                Ok(size) if size == layout.size => return Ok(Whole::Yes),
                Ok(size) => {
                    let announced = layout.size;
                    let text = format!("The object has {size} bytes; {announced} were announced.");
                    return Ok(Whole::Not(text));
                }
                Err(StoreError::NotFound) if is_first => {}
                Err(StoreError::NotFound) => break,
                Err(error) => return Err(error.into()),
            }
            let Some(upload) = held.session.upload.as_deref().filter(|_| layout.size > 0) else {
                store.put(key, Vec::new().into()).await?;
                continue;
            };
            let parts = match all_parts(&**store, key, upload).await {
                Ok(parts) => parts,
                // By now it may be whole; else nothing is left of it.
                Err(StoreError::NotFound) => continue,
                Err(error) => return Err(error.into()),
            };
            if missing(layout, &parts).is_some() {
                return Ok(Whole::Missing);
            }
            match store.assemble(key, upload, &parts).await {
                Ok(()) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Whole::Not("The parts that had arrived are gone from the store.".to_owned()))
    }

    /// Looks into an object that is whole, hashes it under the lease that is held, and holds it to what was announced and signed. `held` is the session as it lies in
    /// the table then. Cost: at most six reads to look into it, and a read of all of it with a write for each stretch but the last.
    ///
    /// # Errors
    /// A fault of the table or the store.
    pub(super) async fn examine(
        &self,
        held: &mut StoredSession,
        until: Option<Timestamp>,
    ) -> Result<Examined> {
        let location = held.location.clone();
        let (store, key) = (Arc::clone(self.stores.holding(&location.store)?), &location.key);
        let (declared, size) = (held.session.declared, held.session.layout.size);
        let virtual_size = match inspect(&self.rules, &*store, key, declared, size).await? {
            Ok(verdict) => verdict.virtual_size,
            Err(refusal) => return Ok(Examined::Refused(Error::from(refusal).to_string())),
        };
        let verifier = judge::verifier(&held.session)?;
        let object = Object { store: &*store, key, size, verifier: verifier.as_deref() };
        let mut lease = SessionLease { catalog: &self.catalog, held: &mut *held };
        let hashing = hash(self.settings, &*self.clock, &mut lease, object, until);
        let (digests, digest) = match hashing.await? {
            Hashed::Whole(digests, digest) => (digests, digest),
            Hashed::Unfinished => return Ok(Examined::Unfinished),
            Hashed::Lost => return Ok(Examined::Lost),
        };
        let mut judged = judge::compare(&held.session.expected, &digests);
        if let Some(verifier) = verifier.filter(|_| judged.is_ok()) {
            judged = verified(verifier, digests.clone(), digest).await;
        }
        match judged {
            Ok(()) => Ok(Examined::Sound { digests, virtual_size }),
            Err(refusal @ Error::Invalid(_)) => Ok(Examined::Refused(refusal.to_string())),
            Err(error) => Err(error),
        }
    }
}
