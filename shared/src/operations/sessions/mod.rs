//! Upload sessions: clients bring an image's bytes part by part, straight into the store, and come back after a cut line.
//!
//! 1. *Open*: the image becomes `saving` and names the one object it waits for; the blob's row holds the session, the due row
//!    says when it ends. The bytes announced count as used.
//! 2. *Parts*: clients bring them by URLs, each good for one part. Who asks for URLs keeps the session alive.
//! 3. *Complete*: once all parts have arrived, the session is the service's ([`super::Completion`]).

mod close;
mod complete;
mod open;
mod part;
mod show;

use std::sync::Arc;
use std::time::Duration;

use super::completion::CompletionSettings;
use super::{Completion, ImageData, find};
use crate::catalog::{BlobState, StoredSession};
use crate::error::{Error, Result};
use crate::id::{ImageId, Ulid};
use crate::identity::Caller;
use crate::image::{Image, Location};
use crate::policy::Operation;
use crate::store::{ArrivedPart, ChecksumKind, PartLayout};
use crate::time::Timestamp;

pub use part::{BroughtPart, SignedPartUrl};

/// What is configured about upload sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// The size of a part, in bytes, unless the store demands larger ones.
    pub part_bytes: u64,
    /// How long a session lasts after somebody last asked for its URLs.
    pub life: Duration,
    /// How long a URL is good at most.
    pub url_life: Duration,
    /// How sessions are completed.
    pub completion: CompletionSettings,
    /// How long a completion may go on in this process; `None` is for as long as it takes. A function that has answered stands still.
    pub within: Option<Duration>,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// Parts are coming.
    Open,
    /// All parts have arrived; they are made an object, hashed and looked at.
    Completing,
    /// The image is active.
    Complete,
    /// The bytes were not taken.
    Failed,
}

impl SessionStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Open, Self::Completing, Self::Complete, Self::Failed];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completing => "completing",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }
}

/// An upload session, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Its id.
    pub id: Ulid,
    /// The image.
    pub image: ImageId,
    /// Where it stands.
    pub status: SessionStatus,
    /// What was announced and how it is cut, until it is complete.
    pub layout: Option<PartLayout>,
    /// Whether every part comes with a checksum.
    pub checksum: Option<ChecksumKind>,
    /// When it ends, if nobody asks for URLs until then.
    pub expires_at: Option<Timestamp>,
    /// How many bytes were hashed when that was last written down.
    pub hashed: Option<u64>,
    /// Why the bytes were not taken.
    pub message: Option<String>,
    /// A page of its parts.
    pub parts: Vec<PartState>,
    /// The last part of this page, when there is another.
    pub next: Option<u32>,
}

/// A part of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartState {
    /// Its number, counted from 1.
    pub number: u32,
    /// Where it begins in the image, in bytes.
    pub offset: u64,
    /// Its size, in bytes.
    pub len: u64,
    /// What is there, when it has arrived.
    pub arrived: Option<ArrivedPart>,
    /// How it is brought, when it has not.
    pub url: Option<SignedPartUrl>,
}

/// A session that was looked for.
enum Found {
    /// It is under way.
    Live(Box<StoredSession>),
    /// It has ended.
    Ended(SessionState),
}

impl ImageData {
    pub(super) fn completion(&self) -> Completion {
        let context = &self.context;
        let (clock, events) = (Arc::clone(&context.clock), Arc::clone(&context.events));
        let settings = self.settings.sessions.completion;
        let rules = self.settings.rules.clone();
        Completion::new(context.catalog.clone(), self.stores.clone(), clock, events, rules, settings)
    }

    /// The same where nobody works on once a request was answered: a completion goes on for so long, and the reaper after it.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.settings.sessions.within = Some(time);
        self
    }

    /// Finds a session of an image that the caller may upload. Cost: two reads.
    async fn find_session(&self, caller: &Caller, id: &ImageId, session: &str) -> Result<Found> {
        let stored = find(&self.context, Operation::UploadImage, caller, id).await?;
        let unknown = || Error::NotFound(format!("No upload session {session} of image {id} found"));
        let ulid: Ulid = session.parse().map_err(|_| unknown())?;
        let is_ours = |location: &&Location| *location.key.blob() == ulid;
        let image = &stored.image;
        let ended = |status, message| SessionState {
            id: ulid.clone(),
            image: id.clone(),
            status,
            layout: None,
            checksum: None,
            expires_at: None,
            hashed: None,
            message,
            parts: Vec::new(),
            next: None,
        };
        if image.locations.iter().any(|at| is_ours(&at)) {
            return Ok(Found::Ended(ended(SessionStatus::Complete, None)));
        }
        if let Some(refused) = image.refused.as_ref().filter(|refused| refused.session == ulid) {
            return Ok(Found::Ended(ended(SessionStatus::Failed, Some(refused.reason.clone()))));
        }
        if !image.upload.iter().any(|at| is_ours(&at)) {
            return Err(unknown());
        }
        self.live_session(image).await?.map(|live| Found::Live(Box::new(live))).ok_or_else(unknown)
    }

    /// The session under way of an image. Cost: one read, or none when the image waits for nothing.
    async fn live_session(&self, image: &Image) -> Result<Option<StoredSession>> {
        let Some(location) = &image.upload else { return Ok(None) };
        let blob = self.context.catalog.blob(location).await?;
        Ok(blob.filter(|blob| blob.state == BlobState::Writing).and_then(|blob| blob.session))
    }
}

/// The answer while what the store calls the upload is not known yet.
fn not_begun() -> Error {
    Error::Conflict("the upload session is being opened, try again".to_owned())
}
