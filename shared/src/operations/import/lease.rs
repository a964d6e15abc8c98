//! The lease of an object that is being filled: renewed for as long as somebody fills it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::catalog::{Catalog, ChangeError, StoredSession};
use crate::error::Error;
use crate::ports::Clock;
use crate::store::{Filling, Session};

/// A lease that is held, and how far who holds it has come.
pub(super) struct Lease<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) clock: &'a dyn Clock,
    pub(super) term: Duration,
    pub(super) progress: &'a AtomicU64,
}

/// A lease that cannot be renewed.
pub(super) enum Ended {
    /// Somebody else has the object, or nobody.
    Lost,
    /// The table cannot be asked.
    Unknown(Error),
}

impl Lease<'_> {
    /// Renews the lease for as long as it is polled, with word of the progress.
    pub(super) async fn keep(&self, held: &mut StoredSession) -> Ended {
        loop {
            tokio::time::sleep(self.term / 3).await;
            let now = self.clock.now();
            let session = Session { due: now.plus(self.term), ..self.noted(held) };
            match self.catalog.keep_session(held, session).await {
                Ok(kept) => *held = kept,
                Err(ChangeError::Lost) => return Ended::Lost,
                // The next try may get through, as long as there is a lease to renew.
                Err(ChangeError::Table(_)) if now < held.session.due => {}
                Err(ChangeError::Table(error)) => return Ended::Unknown(error),
            }
        }
    }

    /// The session with what has arrived since: whoever gets on has no failed tries behind him.
    pub(super) fn noted(&self, held: &StoredSession) -> Session {
        let (session, bytes) = (held.session.clone(), self.progress.load(Ordering::Relaxed));
        let tries = if bytes > session.filling.bytes { 0 } else { session.filling.tries };
        Session { filling: Filling { tries, bytes, ..session.filling.clone() }, ..session }
    }
}
