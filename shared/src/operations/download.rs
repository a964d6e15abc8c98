//! Image data on its way out.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::{ImageData, Stores, find_as};
use crate::error::{Error, Result};
use crate::id::{ImageId, StoreId, Ulid};
use crate::identity::Caller;
use crate::image::{Location, Status};
use crate::policy::{Operation, Target};
use crate::ports::{ByteStream, Clock, ReadError, ReadTarget, Store};
use crate::store::{FileName, ObjectKey, ReadGrant, TrustedHosts};

/// How clients are sent to the store to read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirects {
    /// Hosts that clients may be sent to, for they take their token along.
    pub trusted: TrustedHosts,
    /// How long a URL is good.
    pub url_life: Duration,
}

/// What can be said of image data without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Bytes.
    pub size: u64,
    /// MD5, in hexadecimal, when it is known.
    pub checksum: Option<String>,
}

/// Image data, ready to be read.
#[derive(Clone, Debug)]
pub struct Download {
    /// What can be said of it.
    pub info: ImageInfo,
    /// What it is saved as.
    pub file_name: FileName,
    /// Where it lies, in the order in which it is read. One at least.
    locations: Vec<Location>,
    stores: Stores,
    redirects: Option<Arc<Redirects>>,
    clock: Arc<dyn Clock>,
}

impl ImageData {
    /// The same operations, where clients are sent to the store to read there; nowhere with `None`.
    #[must_use]
    pub fn redirecting(self, redirects: Option<Redirects>) -> Self {
        Self { redirects: redirects.map(Arc::new), ..self }
    }

    /// Finds an image's data (`GET /v2/images/{image_id}/file`); `None` while there is none. It is read from the stores of `prefer`,
    /// parted by commas, first, if it lies there. Cost: one read.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without role `member`, or when the image is deactivated and the caller no administrator; `Invalid` when
    /// there is no store of those, or no other.
    pub async fn open(
        &self,
        caller: &Caller,
        id: &ImageId,
        prefer: Option<&str>,
    ) -> Result<Option<Download>> {
        let (found, is_member) = find_as(&self.context, Operation::DownloadImage, caller, id).await?;
        let image = found.image;
        let prefer = match prefer {
            None => Vec::new(),
            Some(stores) => {
                let target = Target::image(&image).shared(is_member);
                self.context.policy.check(Operation::DownloadFromStore, caller, target)?;
                self.preferred(stores)?
            }
        };
        if image.status == Status::Deactivated && !self.context.policy.is_admin(caller) {
            let text = "The requested image has been deactivated. Image data download is forbidden.";
            return Err(Error::Forbidden(text.to_owned()));
        }
        let (Some(first), Some(size)) = (image.locations.first(), image.size) else { return Ok(None) };
        let locations: Vec<_> =
            self.stores.in_order(&image.locations, &prefer).into_iter().cloned().collect();
        if locations.is_empty() {
            self.store(&first.store)?;
        }
        let checksum = image.checksum().map(str::to_owned);
        Ok(Some(Download {
            info: ImageInfo { size, checksum },
            file_name: FileName::of(image.name.as_deref().unwrap_or_default(), id.as_str()),
            locations,
            stores: self.stores.clone(),
            redirects: self.redirects.clone(),
            clock: Arc::clone(&self.context.clock),
        }))
    }

    /// The stores a caller wants to read from.
    fn preferred(&self, stores: &str) -> Result<Vec<StoreId>> {
        if !self.stores.are_many() {
            return Err(Error::Invalid("prefer: there is one store alone, and nothing to prefer".to_owned()));
        }
        let known = |name: &str| {
            let id = name.trim().parse().ok().filter(|id| self.stores.get(id).is_some());
            id.ok_or_else(|| Error::Invalid(format!("prefer: there is no store '{}'", name.trim())))
        };
        stores.split(',').map(known).collect()
    }

    /// Finds an object by a URL that was given out for it, whoever asks. Cost: what its size is to the store; the table is not
    /// asked, so a URL is good until it ends.
    ///
    /// # Errors
    /// `Forbidden` when the URL is none of ours or has expired; `NotFound` when objects are read from the bucket, or this one is
    /// removed; `Unavailable`.
    pub async fn open_signed(
        &self,
        image: ImageId,
        object: &str,
        query: &[(String, String)],
    ) -> Result<Download> {
        let unknown = || Error::NotFound("The resource could not be found.".to_owned());
        let object: Ulid = object.parse().map_err(|_| unknown())?;
        let key = ObjectKey::new(image, object);
        let (id, store) = self.stores.of_query(query).ok_or_else(unknown)?;
        let grant = store.open_read(&key, query, self.context.clock.now()).map_err(|error| match error {
            ReadError::Elsewhere => Error::NotFound(error.to_string()),
            ReadError::Unsealed(_) => Error::Forbidden(error.to_string()),
        })?;
        let size = match store.size(&key).await {
            Err(crate::ports::StoreError::NotFound) => return Err(unknown()),
            size => size?,
        };
        let info = ImageInfo { size, checksum: grant.md5 };
        let clock = Arc::clone(&self.context.clock);
        let locations = vec![Location { store: id.clone(), key }];
        let stores = self.stores.clone();
        Ok(Download { info, file_name: grant.file_name, locations, stores, redirects: None, clock })
    }
}

impl Download {
    /// Streams a range of the data, from the first store that opens it; an empty range, without asking one. Cost: one store read,
    /// and one for each store that does not open it.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` when the range reaches past the data; `Unavailable`, `Internal` for a fault of the last store.
    /// A stream that breaks later ends with an error, never short.
    pub async fn read(&self, range: Range<u64>) -> Result<ByteStream> {
        if range.end > self.info.size {
            return Err(Error::RangeNotSatisfiable { size: self.info.size });
        }
        if range.is_empty() {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        let mut failed = None;
        for (location, store) in self.places() {
            match store.read(&location.key, range.clone()).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(store = %location.store, key = %location.key, %error, ?cause, "an image could not be read");
                    failed = Some(error);
                }
            }
        }
        Err(failed.map_or_else(|| Error::internal("the image lies in no store"), Error::from))
    }

    /// The URL a client is sent to, to read the data there; `None` where it is to be read here: clients are sent nowhere, there are
    /// no bytes, or no store's host is trusted with their tokens. `ours` makes a URL of this service from the object and a query.
    /// Cost: none; nothing is sent.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` when a store cannot sign.
    pub async fn redirect(&self, ours: impl Fn(&ObjectKey, &str) -> String) -> Result<Option<String>> {
        let Some(redirects) = self.redirects.as_ref().filter(|_| self.info.size > 0) else { return Ok(None) };
        let now = self.clock.now();
        for (location, store) in self.places() {
            let grant = ReadGrant {
                key: location.key.clone(),
                file_name: self.file_name.clone(),
                md5: self.info.checksum.clone(),
                until: now.plus(redirects.url_life),
            };
            let url = match store.sign_read(&grant, now).await? {
                None => continue,
                Some(ReadTarget::Store(url)) => url,
                Some(ReadTarget::Gateway(query)) => {
                    ours(&location.key, &self.stores.with_store(&location.store, query))
                }
            };
            if redirects.trusted.trust(&url) {
                return Ok(Some(url));
            }
            // Without its query, which is the leave.
            let place = url.split('?').next().unwrap_or_default();
            tracing::warn!(place, "no redirect: its host is not in download.trusted_hosts");
        }
        Ok(None)
    }

    fn places(&self) -> impl Iterator<Item = (&Location, &Arc<dyn Store>)> {
        self.locations.iter().filter_map(|location| Some((location, self.stores.get(&location.store)?)))
    }
}
