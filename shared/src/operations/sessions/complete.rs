//! Completing a session, when its client says that all parts were brought.

use std::time::Duration;

use super::show::state;
use super::{Found, SessionState, SessionStatus, not_begun};
use crate::catalog::{ChangeError, StoredSession};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::Location;
use crate::operations::completion::Outcome;
use crate::operations::examination::{all_parts, missing};
use crate::operations::{ATTEMPTS, ImageData, contended};
use crate::ports::{Job, StoreError};
use crate::store::{Phase, Session};

/// How long a client is kept waiting before it is told that it goes on: an API gateway waits 30 seconds.
const PATIENCE: Duration = Duration::from_secs(20);

impl ImageData {
    /// Completes a session (`POST /v2/images/{image_id}/uploads/{upload_id}/complete`), or begins to: what takes longer goes on
    /// here or elsewhere, and the session shows it. Cost: two reads, a request to the store for each 1000 parts and a write;
    /// then as [`super::super::Completion`]. A second run finds it done or under way.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` when parts are missing, naming them; `Invalid` when the bytes are not taken, with the
    /// reason; `Gone` when the image was deleted meanwhile; `Unavailable`.
    pub async fn complete_session(
        &self,
        caller: &Caller,
        id: &ImageId,
        session: &str,
    ) -> Result<SessionState> {
        for _ in 0..ATTEMPTS {
            let stored = match self.find_session(caller, id, session).await? {
                Found::Ended(state) => return ended(state),
                Found::Live(live) => *live,
            };
            let held = match stored.session.phase {
                Phase::Completing | Phase::Filling | Phase::Streaming | Phase::Filled => None,
                Phase::Open => match self.take_over(&stored).await? {
                    Some(held) => Some(held),
                    None => continue,
                },
            };
            let outcome = self.work_a_while(&stored.location, held).await?;
            return match self.find_session(caller, id, session).await {
                Ok(Found::Ended(state)) => ended(state),
                Ok(Found::Live(live)) => {
                    let stored = *live;
                    if outcome == Some(Outcome::Reopened) {
                        self.take_over(&stored).await?;
                    }
                    if outcome == Some(Outcome::Unfinished) {
                        self.context.queue.enqueue(Job::Reap).await;
                    }
                    Ok(state(&stored))
                }
                Err(Error::NotFound(_)) if outcome == Some(Outcome::Ended) => Err(Error::Gone(format!(
                    "Image {id} or its upload session was deleted while it was completed."
                ))),
                Err(error) => Err(error),
            };
        }
        Err(contended(id))
    }

    /// Makes a session ours whose parts have all arrived; `None` when somebody changed it meanwhile.
    async fn take_over(&self, stored: &StoredSession) -> Result<Option<StoredSession>> {
        let (session, key) = (&stored.session, &stored.location.key);
        if session.layout.size > 0 {
            let upload = session.upload.as_ref().ok_or_else(not_begun)?;
            let parts = match all_parts(&*self.store(&stored.location.store)?, key, upload).await {
                Ok(parts) => parts,
                Err(StoreError::NotFound) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if let Some(missing) = missing(session.layout, &parts) {
                let count = session.layout.count();
                return Err(Error::Conflict(format!("Of {count} parts these have not arrived: {missing}.")));
            }
        }
        let now = self.context.clock.now();
        let ours = Session {
            phase: Phase::Completing,
            due: now.plus(self.completion().lease()),
            ends: Some(now.plus(self.settings.sessions.life)),
            ..session.clone()
        };
        match self.context.catalog.keep_session(stored, ours).await {
            Ok(held) => Ok(Some(held)),
            Err(ChangeError::Lost) => Ok(None),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// Works on a session for as long as a client waits; what it came to, unless it goes on.
    async fn work_a_while(
        &self,
        location: &Location,
        held: Option<StoredSession>,
    ) -> Result<Option<Outcome>> {
        let (completion, location) = (self.completion(), location.clone());
        let within = self.settings.sessions.within;
        let until = within.map(|time| self.context.clock.now().plus(time));
        // A task of its own: a client that goes away takes the request with it, but must not stop the work.
        let work = tokio::spawn(async move {
            let mut outcome = match held {
                Some(held) => completion.work(held, until).await,
                None => completion.advance(&location, until).await,
            };
            while until.is_none() && matches!(outcome, Ok(Outcome::Unfinished)) {
                outcome = completion.advance(&location, until).await;
            }
            if let Err(error) = &outcome {
                let cause = std::error::Error::source(error);
                tracing::warn!(key = %location.key, %error, cause = ?cause, "completing an upload session is left to the reaper");
            }
            outcome
        });
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(done) => done.map_err(Error::internal)?.map(Some),
            Err(_) => Ok(None),
        }
    }
}

/// The answer for a session that is over.
fn ended(state: SessionState) -> Result<SessionState> {
    match (state.status, &state.message) {
        (SessionStatus::Failed, Some(reason)) => Err(Error::Invalid(reason.clone())),
        _ => Ok(state),
    }
}
