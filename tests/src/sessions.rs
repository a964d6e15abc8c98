//! Upload sessions as a client goes through one, past HTTP.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a harness fails by panicking, as tests do"
)]

use bytes::Bytes;
use serde_json::{Value, json};
use shared::error::Cause;
use shared::image::Image;
use shared::operations::{BroughtPart, PartState, SessionState, UploadRequest};
use shared::ports::PartTarget;

use crate::callers::admin;
use crate::world::World;

impl World {
    /// Opens a session for so many bytes, as the administrator.
    ///
    /// # Errors
    /// As [`shared::operations::ImageData::open_session`].
    pub async fn open(&self, image: &Image, size: usize) -> shared::Result<SessionState> {
        self.open_as(image, json!({"size": size})).await
    }

    /// The same, saying more.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_as(&self, image: &Image, body: Value) -> shared::Result<SessionState> {
        self.data.open_session(&admin(), &image.id, &UploadRequest::default(), &body, 1000).await
    }

    /// Brings a part of some data, in pieces of 10 bytes.
    ///
    /// # Errors
    /// As [`shared::operations::ImageData::take_part`].
    pub async fn bring(
        &self,
        session: &SessionState,
        part: &PartState,
        data: &[u8],
    ) -> shared::Result<String> {
        let of = |number: u64| usize::try_from(number).unwrap();
        self.bring_other(session, part, &data[of(part.offset)..of(part.offset + part.len)]).await
    }

    /// Brings these bytes as a part.
    ///
    /// # Errors
    /// As [`Self::bring`].
    pub async fn bring_other(
        &self,
        session: &SessionState,
        part: &PartState,
        bytes: &[u8],
    ) -> shared::Result<String> {
        let target = part.url.as_ref().map(|url| &url.signed.target);
        let Some(PartTarget::Gateway(query)) = target else { panic!("no URL of the gateway: {part:?}") };
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let brought = BroughtPart {
            image: session.image.clone(),
            session: session.id.to_string(),
            number: part.number.to_string(),
            query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        let pieces: Vec<Result<Bytes, Cause>> =
            bytes.chunks(10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        self.data.take_part(brought, Box::pin(futures_util::stream::iter(pieces))).await
    }

    /// Brings all parts that have not arrived.
    ///
    /// # Errors
    /// As [`Self::bring`], at the first that fails.
    pub async fn bring_all(&self, session: &SessionState, data: &[u8]) -> shared::Result<()> {
        for part in session.parts.iter().filter(|part| part.arrived.is_none()) {
            self.bring(session, part, data).await?;
        }
        Ok(())
    }

    /// Says that all parts were brought.
    ///
    /// # Errors
    /// As [`shared::operations::ImageData::complete_session`].
    pub async fn complete(&self, session: &SessionState) -> shared::Result<SessionState> {
        self.data.complete_session(&admin(), &session.image, session.id.as_str()).await
    }

    /// Shows a session with all its parts.
    ///
    /// # Errors
    /// As [`shared::operations::ImageData::show_session`].
    pub async fn shown(&self, session: &SessionState) -> shared::Result<SessionState> {
        self.data.show_session(&admin(), &session.image, session.id.as_str(), 0, 1000).await
    }
}
