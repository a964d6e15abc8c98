//! Where an import reads: an object of ours, or what lies at a URL; from any byte on, where that can be had.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::worker::Trouble;
use crate::egress::CheckedUrl;
use crate::image::Location;
use crate::ports::{Chunks, Fetch, FetchError, FetchRequest, Store, StoreError, Validator};
use crate::transfer::{Patience, fetch_patiently};

/// Bytes of a source, in order.
pub(super) type Bytestream = BoxStream<'static, Result<Bytes, Trouble>>;

/// A source that answers.
pub(super) struct Source {
    /// How many bytes it has, if it says.
    pub(super) size: Option<u64>,
    /// What it is known by later.
    pub(super) validator: Option<Validator>,
    at: At,
    /// The bytes from `next` on.
    open: Option<Bytestream>,
    next: u64,
    rest: Bytes,
}

enum At {
    Object { store: Arc<dyn Store>, location: Location, size: u64 },
    Url { fetch: Arc<dyn Fetch>, request: FetchRequest, patience: Patience },
}

impl Source {
    /// An object of a store. Asks how large it is.
    pub(super) async fn object(store: Arc<dyn Store>, location: Location) -> Result<Self, StoreError> {
        let size = store.size(&location.key).await?;
        let at = At::Object { store, location, size };
        Ok(Self { size: Some(size), validator: None, at, open: None, next: 0, rest: Bytes::new() })
    }

    /// What lies at a URL, from its first byte on, or, when it is known from before, that it is still the same.
    pub(super) async fn url(
        fetch: Arc<dyn Fetch>,
        url: CheckedUrl,
        max_bytes: u64,
        known: Option<Validator>,
        patience: Patience,
    ) -> Result<Self, FetchError> {
        let request = FetchRequest { max_bytes, validator: known, ..FetchRequest::whole(url) };
        let fetched = fetch_patiently(Arc::clone(&fetch), request.clone(), patience).await?;
        if request.validator.is_some() && fetched.validator != request.validator {
            return Err(FetchError::Changed);
        }
        let validator = fetched.validator.clone();
        let at =
            At::Url { fetch, request: FetchRequest { validator: validator.clone(), ..request }, patience };
        let open = Some(fetched.body.map_err(Trouble::from).boxed());
        Ok(Self { size: fetched.size, validator, at, open, next: 0, rest: Bytes::new() })
    }

    /// Everything from the first byte on, for one who writes down nothing.
    pub(super) fn into_stream(self) -> Option<Bytestream> {
        self.open
    }

    /// Reads a run of bytes, which costs nothing but the bytes when it begins where the last one ended.
    ///
    /// # Errors
    /// What is wrong with the source, or that it has fewer.
    pub(super) async fn take(&mut self, from: u64, len: u64) -> Result<Chunks, Trouble> {
        if self.open.is_none() || self.next != from {
            (self.open, self.rest) = (None, Bytes::new());
            self.open = Some(self.at.open(from).await?);
            self.next = from;
        }
        let (mut pieces, mut missing) = (Vec::new(), usize::try_from(len).unwrap_or(usize::MAX));
        while missing > 0 {
            if self.rest.is_empty() {
                let came = match &mut self.open {
                    Some(open) => open.next().await.transpose()?,
                    None => None,
                };
                self.rest = came.ok_or_else(|| {
                    Trouble::Source("the source ended before it had given as much as it said".to_owned())
                })?;
                continue;
            }
            let piece = self.rest.split_to(self.rest.len().min(missing));
            missing -= piece.len();
            self.next += piece.len() as u64;
            pieces.push(piece);
        }
        Ok(pieces.into())
    }
}

impl At {
    async fn open(&self, from: u64) -> Result<Bytestream, Trouble> {
        match self {
            Self::Object { store, location, size } => {
                let read = store.read(&location.key, from..*size).await;
                let stream = read.map_err(|error| Trouble::of_source(location, error))?;
                let location = location.clone();
                Ok(stream.map_err(move |error| Trouble::of_source(&location, error)).boxed())
            }
            Self::Url { fetch, request, patience } => {
                let request = FetchRequest { from, ..request.clone() };
                let fetched = fetch_patiently(Arc::clone(fetch), request, *patience).await?;
                Ok(fetched.body.map_err(Trouble::from).boxed())
            }
        }
    }
}
