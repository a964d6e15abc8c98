//! Which parts have arrived, and URLs for the rest.

use serde_json::Value;

use super::{Found, PartState, SessionState, SessionStatus, SignedPartUrl, not_begun};
use crate::catalog::{ChangeError, StoredSession};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::operations::{ATTEMPTS, ImageData, contended, find};
use crate::policy::Operation;
use crate::ports::{Job, PartTarget, StoreError};
use crate::store::{ArrivedPart, Checksum, MOST_AT_A_TIME, PartGrant, Phase, Session, read_parts};

impl ImageData {
    /// Shows a session with `limit` parts behind part `after` (`GET /v2/images/{image_id}/uploads/{upload_id}`); with URLs for
    /// those that have not arrived, unless each is to come with a checksum. It keeps the session alive. Cost: two reads, a
    /// request to the store, and now and then a write.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` while it is being opened; `Unavailable`.
    pub async fn show_session(
        &self,
        caller: &Caller,
        id: &ImageId,
        session: &str,
        after: u32,
        limit: u32,
    ) -> Result<SessionState> {
        for _ in 0..ATTEMPTS {
            let live = match self.find_session(caller, id, session).await? {
                Found::Ended(state) => return Ok(state),
                Found::Live(live) => *live,
            };
            if live.session.phase == Phase::Open && !is_begun(&live) {
                return Err(not_begun());
            }
            if let Some(shown) = self.shown(live, after, limit).await? {
                return Ok(shown);
            }
        }
        Err(contended(id))
    }

    /// Lists the sessions under way of an image, one at most, each with its first `limit` parts
    /// (`GET /v2/images/{image_id}/uploads`): who lost the answer that opened one finds it. It keeps the session alive. Of one that
    /// is being opened the parts have no URLs yet. Cost: as showing it; a read where there is none.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Unavailable`.
    pub async fn list_sessions(
        &self,
        caller: &Caller,
        id: &ImageId,
        limit: u32,
    ) -> Result<Vec<SessionState>> {
        for _ in 0..ATTEMPTS {
            let image = find(&self.context, Operation::UploadImage, caller, id).await?.image;
            let Some(live) = self.live_session(&image).await? else { return Ok(Vec::new()) };
            if let Some(shown) = self.shown(live, 0, limit).await? {
                return Ok(vec![shown]);
            }
        }
        Err(contended(id))
    }

    /// A session under way with a page of its parts. `None` when it changed meanwhile.
    async fn shown(&self, live: StoredSession, after: u32, limit: u32) -> Result<Option<SessionState>> {
        if live.session.phase == Phase::Completing {
            if live.session.due <= self.context.clock.now() {
                // Nobody works on it: somebody who waits for it has just asked.
                self.context.queue.enqueue(Job::Reap).await;
            }
            return Ok(Some(state(&live)));
        }
        let Some(session) = self.kept_alive(live).await? else { return Ok(None) };
        let (limit, key) = (limit.clamp(1, MOST_AT_A_TIME), &session.location.key);
        let arrived = match &session.session.upload {
            Some(upload) => self.store(&session.location.store)?.arrived(key, upload, after, limit).await,
            None => Ok(Vec::new()),
        };
        match arrived {
            Ok(arrived) => self.page(&session, after, limit, &arrived).await.map(Some),
            // It has ended meanwhile.
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Signs parts of a session, each with its checksum (`POST /v2/images/{image_id}/uploads/{upload_id}/parts`). It keeps the
    /// session alive. Cost: two reads, and now and then a write.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Invalid` when the body is not as it should be, or the session was opened without checksums;
    /// `Conflict` when it is not open; `Unavailable`.
    pub async fn sign_session_parts(
        &self,
        caller: &Caller,
        id: &ImageId,
        session: &str,
        body: &Value,
    ) -> Result<Vec<PartState>> {
        for _ in 0..ATTEMPTS {
            let session = self.open_one(caller, id, session).await?;
            let Some(kind) = session.session.checksum else {
                let text = "checksum: the session was opened without one; its URLs come with the session";
                return Err(Error::Invalid(text.to_owned()));
            };
            let wanted = read_parts(body, session.session.layout, kind)?;
            let Some(session) = self.kept_alive(session).await? else { continue };
            let mut parts = Vec::with_capacity(wanted.len());
            for (number, checksum) in wanted {
                parts.push(self.part(&session, number, None, Some(checksum)).await?);
            }
            return Ok(parts);
        }
        Err(contended(id))
    }

    /// A session that takes parts.
    async fn open_one(&self, caller: &Caller, id: &ImageId, session: &str) -> Result<StoredSession> {
        let status = match self.find_session(caller, id, session).await? {
            Found::Live(live) if live.session.phase == Phase::Open => return Ok(*live),
            Found::Live(_) => SessionStatus::Completing,
            Found::Ended(state) => state.status,
        };
        Err(Error::Conflict(format!("The upload session is {}, not open.", status.name())))
    }

    /// Moves the end of a session on, when half of its life is over. `None` when somebody else changed it meanwhile.
    async fn kept_alive(&self, session: StoredSession) -> Result<Option<StoredSession>> {
        let (now, life) = (self.context.clock.now(), self.settings.sessions.life);
        if session.session.due.since(now) > life / 2 {
            return Ok(Some(session));
        }
        let longer = Session { due: now.plus(life), ..session.session.clone() };
        match self.context.catalog.keep_session(&session, longer).await {
            Ok(kept) => Ok(Some(kept)),
            Err(ChangeError::Lost) => Ok(None),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// A session and a page of its parts. Cost: what signing costs the store, which asks nobody.
    pub(super) async fn page(
        &self,
        session: &StoredSession,
        after: u32,
        limit: u32,
        arrived: &[ArrivedPart],
    ) -> Result<SessionState> {
        let (numbers, next) = session.session.layout.page(after, limit);
        let mut page = SessionState { next, ..state(session) };
        for number in numbers {
            let there = arrived.iter().find(|part| part.number == number).cloned();
            page.parts.push(self.part(session, number, there, None).await?);
        }
        Ok(page)
    }

    async fn part(
        &self,
        session: &StoredSession,
        number: u32,
        arrived: Option<ArrivedPart>,
        checksum: Option<Checksum>,
    ) -> Result<PartState> {
        let Session { layout, upload, due, .. } = &session.session;
        let range =
            layout.range(number).ok_or_else(|| Error::internal(format!("there is no part {number}")))?;
        let (offset, len) = (range.start, range.end - range.start);
        let arrived = arrived.filter(|part| part.len == len);
        // One that comes with a checksum is signed when that is known.
        let is_signed =
            arrived.is_none() && session.session.checksum == checksum.as_ref().map(|sum| sum.kind);
        let url = match upload.as_ref().filter(|_| is_signed) {
            None => None,
            Some(upload) => {
                let (key, now) = (session.location.key.clone(), self.context.clock.now());
                let until = now.plus(self.settings.sessions.url_life).min(*due);
                let grant = PartGrant { key, upload: upload.clone(), number, range, checksum, until };
                let store = &session.location.store;
                let mut signed = self.store(store)?.sign_part(&grant, now).await?;
                if let PartTarget::Gateway(query) = signed.target {
                    signed.target = PartTarget::Gateway(self.stores.with_store(store, query));
                }
                Some(SignedPartUrl { signed, until })
            }
        };
        Ok(PartState { number, offset, len, arrived, url })
    }
}

/// Whether the store knows of it; an empty one it need not know of.
fn is_begun(live: &StoredSession) -> bool {
    live.session.upload.is_some() || live.session.layout.size == 0
}

/// A session without its parts.
pub(super) fn state(stored: &StoredSession) -> SessionState {
    let session = &stored.session;
    let is_open = session.phase == Phase::Open;
    SessionState {
        id: stored.location.key.blob().clone(),
        image: stored.location.key.image().clone(),
        status: if is_open { SessionStatus::Open } else { SessionStatus::Completing },
        layout: Some(session.layout),
        checksum: session.checksum,
        expires_at: if is_open { Some(session.due) } else { session.ends },
        hashed: (!is_open).then(|| session.hashed.as_ref().map_or(0, |state| state.bytes)),
        message: None,
        parts: Vec::new(),
        next: None,
    }
}
