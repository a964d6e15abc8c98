//! Hashing an object that is whole, in stretches, under a lease: after each the state of the hashes is written down with the lease, so that
//! the next worker goes on from there.

use tokio::time::sleep;

use super::CompletionSettings;
use crate::catalog::{Catalog, ChangeError, StoredSession};
use crate::error::{Error, Result};
use crate::image::Digests;
use crate::ports::{Clock, FetchError, Store};
use crate::signature::Verify;
use crate::store::{HashState, ObjectKey, Session};
use crate::time::Timestamp;
use crate::transfer::Hashing;

/// What is written down of work on an object, by who holds its lease.
pub(in crate::operations) trait Lease: Send {
    /// How far it is hashed.
    fn hashed(&self) -> Option<&HashState>;

    /// Renews the lease to a time, with how far it is hashed, if that has changed. `false` when somebody else has it.
    ///
    /// # Errors
    /// A fault of the table.
    fn keep(
        &mut self,
        hashed: Option<HashState>,
        due: Timestamp,
    ) -> impl Future<Output = Result<bool>> + Send;
}

/// An upload session, which is its own lease.
pub(super) struct SessionLease<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) held: &'a mut StoredSession,
}

impl Lease for SessionLease<'_> {
    fn hashed(&self) -> Option<&HashState> {
        self.held.session.hashed.as_ref()
    }

    async fn keep(&mut self, hashed: Option<HashState>, due: Timestamp) -> Result<bool> {
        let session = self.held.session.clone();
        let kept = Session { hashed: hashed.or(session.hashed), due, ..session };
        match self.catalog.keep_session(self.held, kept).await {
            Ok(kept) => *self.held = kept,
            Err(ChangeError::Lost) => return Ok(false),
            Err(ChangeError::Table(error)) => return Err(error),
        }
        Ok(true)
    }
}

/// An object to hash.
pub(in crate::operations) struct Object<'a> {
    pub(in crate::operations) store: &'a dyn Store,
    pub(in crate::operations) key: &'a ObjectKey,
    pub(in crate::operations) size: u64,
    /// What wants a digest of its own.
    pub(in crate::operations) verifier: Option<&'a dyn Verify>,
}

/// How far an object was hashed.
pub(in crate::operations) enum Hashed {
    /// To its end: its digests, and the one that the verifier wanted.
    Whole(Digests, Option<Vec<u8>>),
    /// Not to its end: the next run goes on.
    Unfinished,
    /// The lease was lost.
    Lost,
}

/// Why hashing broke off.
pub(in crate::operations) enum Broken {
    /// The table failed, or what it says cannot be gone on with.
    Table(Error),
    /// The object could not be read.
    Source(Error),
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Table(error) | Broken::Source(error) => error,
        }
    }
}

/// Hashes what is left of an object, beginning no new stretch from `until` on, if it is given. Cost: a read of what is left, with a write for each
/// stretch but the last, and for each third of a lease.
///
/// # Errors
/// As [`Broken`] says.
pub(in crate::operations) async fn hash(
    settings: CompletionSettings,
    clock: &dyn Clock,
    lease: &mut impl Lease,
    object: Object<'_>,
    until: Option<Timestamp>,
) -> Result<Hashed, Broken> {
    let Object { store, key, size, verifier } = object;
    let mut hashing = Hashing::from(lease.hashed(), verifier).map_err(Broken::Table)?;
    let (mut began, mut stretch) = (hashing.bytes(), settings.stretch_bytes.max(1));
    while hashing.bytes() < size {
        let (from, end) = (hashing.bytes(), size.min(hashing.bytes().saturating_add(stretch)));
        let reading = hashing.read(store, key, end);
        let Some(read) = renewing(settings, clock, lease, reading).await.map_err(Broken::Table)? else {
            return Ok(Hashed::Lost);
        };
        hashing = match read {
            Ok(read) => read,
            // It is read in one go then, and gone on with by nobody.
            Err(error) if from > 0 && serves_no_ranges(std::error::Error::source(&error)) => {
                (began, stretch) = (0, size);
                hashing = Hashing::from(None, verifier).map_err(Broken::Table)?;
                continue;
            }
            Err(error) => return Err(Broken::Source(error)),
        };
        if end == size {
            break;
        }
        let now = clock.now();
        let stops = end - began >= settings.run_bytes || until.is_some_and(|until| now >= until);
        let due = if stops { now } else { now.plus(settings.lease) };
        if !lease.keep(Some(hashing.save()), due).await.map_err(Broken::Table)? {
            return Ok(Hashed::Lost);
        }
        if stops {
            tracing::info!(image = %key.image(), hashed = end, size, "the next run goes on with an object");
            return Ok(Hashed::Unfinished);
        }
    }
    let (digests, digest) = hashing.finish();
    Ok(Hashed::Whole(digests, digest))
}

/// Whether it was the source that cannot be asked from a byte on.
pub(super) fn serves_no_ranges(cause: Option<&(dyn std::error::Error + 'static)>) -> bool {
    matches!(cause.and_then(|cause| cause.downcast_ref()), Some(FetchError::NoRanges))
}

/// Waits for some work and renews the lease meanwhile: a store may be slow, and its worker lives. `None` when the lease was lost.
///
/// # Errors
/// A fault of the table.
pub(in crate::operations) async fn renewing<T>(
    settings: CompletionSettings,
    clock: &dyn Clock,
    lease: &mut impl Lease,
    work: impl Future<Output = T>,
) -> Result<Option<T>> {
    let mut work = Box::pin(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(Some(done)),
            () = sleep(settings.lease / 3) => {}
        }
        if !lease.keep(None, clock.now().plus(settings.lease)).await? {
            return Ok(None);
        }
    }
}
