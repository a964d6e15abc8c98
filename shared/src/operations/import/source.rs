//! Where an import reads: an object of ours, or what lies at a URL; from any byte on, where that can be had.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::trouble::Trouble;
use crate::image::Location;
use crate::import::Remake;
use crate::ports::{Chunks, Fetch, FetchError, FetchRequest, Store, StoreError, Validator};
use crate::transfer::remake::{Origin as _, Remade, RemakeSettings, StoredOrigin, UrlOrigin};
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
    Remade(Remade),
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
        request: FetchRequest,
        patience: Patience,
    ) -> Result<Self, FetchError> {
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

    /// What is made of an object; the object itself, when it stays as it is. What is unpacked is measured, so that whoever takes over
    /// can go on with it.
    pub(super) async fn remade_object(
        store: Arc<dyn Store>,
        location: &Location,
        remake: &Remake,
    ) -> Result<Self, Trouble> {
        let opened = StoredOrigin::open(Arc::clone(&store), location.key.clone()).await;
        let origin = Arc::new(opened.map_err(|error| Trouble::of_source(location, error))?);
        if let Some(made) = Remade::open(origin, remake, &RemakeSettings::default()).await? {
            return Ok(Self::remade(made.measured().await?, None));
        }
        let source = Self::object(store, location.clone()).await;
        source.map_err(|error| Trouble::of_source(location, error))
    }

    /// What is made of what lies at a URL, which somebody else may say is so long; that itself, when it stays as it is.
    pub(super) async fn remade_url(
        fetch: Arc<dyn Fetch>,
        request: FetchRequest,
        patience: Patience,
        (remake, told): (&Remake, Option<u64>),
    ) -> Result<Self, Trouble> {
        let origin = UrlOrigin::open(Arc::clone(&fetch), request.clone(), patience).await?;
        if let (Some(size), Some(told)) = (origin.size(), told) {
            is_as_told(size, told)?;
        }
        let known = origin.validator().cloned();
        if let Some(made) = Remade::open(Arc::new(origin), remake, &RemakeSettings::default()).await? {
            return Ok(Self::remade(made, known));
        }
        let whole = Self::url(fetch, FetchRequest { validator: known, ..request }, patience).await?;
        match told {
            Some(told) => whole.of_size(told),
            None => Ok(whole),
        }
    }

    /// The same, which somebody else says is so long.
    ///
    /// # Errors
    /// When it says otherwise itself.
    pub(super) fn of_size(self, told: u64) -> Result<Self, Trouble> {
        self.size.map_or(Ok(()), |size| is_as_told(size, told))?;
        Ok(Self { size: Some(told), ..self })
    }

    /// Whether it is made of what lies there.
    pub(super) fn is_remade(&self) -> bool {
        matches!(self.at, At::Remade(_))
    }

    fn remade(made: Remade, validator: Option<Validator>) -> Self {
        let (size, at) = (made.size(), At::Remade(made));
        Self { size, validator, at, open: None, next: 0, rest: Bytes::new() }
    }

    /// Everything from the first byte on, for one who writes down nothing.
    ///
    /// # Errors
    /// What is wrong with the source.
    pub(super) async fn into_stream(self) -> Result<Bytestream, Trouble> {
        match self.open {
            Some(open) => Ok(open),
            None => self.at.open(0).await,
        }
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

fn is_as_told(size: u64, told: u64) -> Result<(), Trouble> {
    if size == told {
        return Ok(());
    }
    let why = format!("size: the image has {told} bytes, as its record says, and its data has {size}");
    Err(Trouble::Source(why))
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
            Self::Remade(made) => Ok(made.stream(from).map_err(Trouble::from).boxed()),
            Self::Url { fetch, request, patience } => {
                let request = FetchRequest { from, ..request.clone() };
                let fetched = fetch_patiently(Arc::clone(fetch), request, *patience).await?;
                Ok(fetched.body.map_err(Trouble::from).boxed())
            }
        }
    }
}
