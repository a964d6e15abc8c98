//! Parts that come to this service, where its store is its own.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::timeout;

use crate::error::{Cause, Error, Result};
use crate::id::{ImageId, Ulid};
use crate::operations::ImageData;
use crate::ports::{PartError, PresentedPart, SignedPart};
use crate::store::ObjectKey;
use crate::time::Timestamp;
use crate::transfer::Body;

/// How a part is brought, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPartUrl {
    /// The request.
    pub signed: SignedPart,
    /// Not after this time.
    pub until: Timestamp,
}

/// A part that a request brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroughtPart {
    /// The image.
    pub image: ImageId,
    /// The session, as the path has it.
    pub session: String,
    /// The part's number, as the path has it.
    pub number: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
}

impl ImageData {
    /// Takes a part by its URL alone, whoever brings it, and answers its entity tag. It may be brought again: the last counts.
    /// Cost: what the store's is; the table is not asked.
    ///
    /// # Errors
    /// `NotFound` when the session has ended, or parts go to the bucket; `Forbidden` when the URL is none of ours or has
    /// expired; `Invalid` when the bytes are not those that were announced; `Conflict` while another request brings the same;
    /// `ClientGone`; `LimitExceeded` when the store is full; `Unavailable`.
    pub async fn take_part(&self, part: BroughtPart, body: Body) -> Result<String> {
        let BroughtPart { image, session, number, query } = part;
        let unknown = || Error::NotFound("The resource could not be found.".to_owned());
        let session: Ulid = session.parse().map_err(|_| unknown())?;
        let number = number.parse().map_err(|_| unknown())?;
        let part = PresentedPart { key: ObjectKey::new(image, session), number, query };
        let (_, store) = self.stores.of_query(&part.query).ok_or_else(unknown)?;
        let body = unless_silent(body, self.settings.intake.idle);
        store.take_part(&part, self.context.clock.now(), body).await.map_err(told)
    }
}

/// The body, which ends with an error when nothing of it comes for a while.
fn unless_silent(body: Body, idle: Duration) -> BoxStream<'static, Result<bytes::Bytes, Cause>> {
    let next = move |mut body: Body| async move {
        match timeout(idle, body.next()).await {
            Ok(next) => next.map(|bytes| (bytes, body)),
            Err(silent) => Some((Err(silent.into()), body)),
        }
    };
    stream::unfold(body, next).boxed()
}

fn told(error: PartError) -> Error {
    let text = error.to_string();
    match error {
        PartError::Elsewhere | PartError::Ended => Error::NotFound(text),
        PartError::Unsealed(_) => Error::Forbidden(text),
        PartError::Busy => Error::Conflict(text),
        PartError::Length { .. } | PartError::Checksum { .. } => Error::Invalid(text),
        PartError::Broken { received, source } => Error::ClientGone { received, source: Some(source) },
        PartError::Store(error) => error.into(),
    }
}
