//! Image data on its way out.

use std::ops::Range;
use std::sync::Arc;

use super::{ImageData, find};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::Status;
use crate::policy::Operation;
use crate::ports::{ByteStream, Store};
use crate::store::ObjectKey;

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
    key: ObjectKey,
    store: Arc<dyn Store>,
}

impl ImageData {
    /// Finds an image's data (`GET /v2/images/{image_id}/file`); `None` while there is none. Cost: one read.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without role `member`, or when the image is deactivated and the caller no administrator.
    pub async fn open(&self, caller: &Caller, id: &ImageId) -> Result<Option<Download>> {
        let image = find(&self.context, Operation::DownloadImage, caller, id).await?.image;
        if image.status == Status::Deactivated && !self.context.policy.is_admin(caller) {
            let text = "The requested image has been deactivated. Image data download is forbidden.";
            return Err(Error::Forbidden(text.to_owned()));
        }
        let (Some(location), Some(size)) = (image.location, image.size) else { return Ok(None) };
        let store = self.store(&location.store)?;
        let checksum = image.digests.map(|digests| digests.md5);
        Ok(Some(Download { info: ImageInfo { size, checksum }, key: location.key, store }))
    }
}

impl Download {
    /// Streams a range of the data; an empty range, without asking the store. Cost: one store read.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` when the range reaches past the data; `Unavailable`, `Internal` for a fault of the store.
    /// A stream that breaks later ends with an error, never short.
    pub async fn read(&self, range: Range<u64>) -> Result<ByteStream> {
        if range.end > self.info.size {
            return Err(Error::RangeNotSatisfiable { size: self.info.size });
        }
        if range.is_empty() {
            return Ok(Box::pin(futures_util::stream::empty()));
        }
        Ok(self.store.read(&self.key, range).await?)
    }
}
