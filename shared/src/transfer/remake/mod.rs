//! Data made into what its image is to have, on its way into a store: unpacked, converted, or both ([`crate::import::Plugins`]).
//!
//! ```text
//! Origin ─ stream ─ decompress ─ stream ──────────────────────────────── bytes from any offset on
//! Origin ─ ranges ──────────────────────── convert ─ pieces, in order ── the same
//! Origin ─ stream ─ decompress ─ Replay ─ ranges ─ convert ─ pieces ──── the same
//! ```
//! Nothing is written in between. Of the same source comes the same at every run, so whoever takes over asks for the rest; what was
//! packed is unpacked from its beginning again for that. A disk that is packed is unpacked once for its length, and once more whenever
//! its tables lead farther back than is kept: so many times, and no more.

mod origin;
mod replay;

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};

pub use origin::{Origin, OriginError, OriginStream, StoredOrigin, UrlOrigin};
pub use replay::ReplaySettings;

use self::replay::Replay;
use super::Body;
use crate::convert::{self, Conversion, Disk, ReadAt, joined};
use crate::decompress::{self, Bounds, Packing, decompress};
use crate::import::Remake;
use crate::ports::{Cause, FetchError, StoreError};

/// Bytes of what was made, in order. After an error nothing comes; a stream that ends is whole.
pub type Output = Pin<Box<dyn Stream<Item = Result<Bytes, RemakeError>> + Send>>;

/// Unpacked data up to here may be as dense as it likes, in bytes.
const FLOOR_BYTES: u64 = 1 << 30;

/// How data is made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemakeSettings {
    /// How disks are converted. The largest disk is [`Remake::max_bytes`] all the same.
    pub convert: convert::Settings,
    /// How far the tables of a packed disk may jump.
    pub replay: ReplaySettings,
}

/// Why data is not made anew. What it says is for whose data it is.
#[derive(Debug, thiserror::Error)]
pub enum RemakeError {
    /// It cannot be unpacked.
    #[error(transparent)]
    Unpack(decompress::Error),
    /// It cannot be converted.
    #[error(transparent)]
    Convert(convert::Error),
    /// Its tables lead back and forth.
    #[error(
        "the disk is packed, and its parts lie in an order for which it would be unpacked over {0} times: unpack it first"
    )]
    Jumps(u32),
    /// It would have to be read more than once.
    #[error(
        "the source says nothing that it is known by later (an entity tag, or when it changed last), which a conversion needs"
    )]
    Unknown,
    /// It is not what it was when it was read before.
    #[error("the source has changed since it was read first")]
    Changed,
    /// The store that it lies in.
    #[error(transparent)]
    Store(StoreError),
    /// Where it is fetched from.
    #[error(transparent)]
    Fetch(FetchError),
}

impl From<OriginError> for RemakeError {
    fn from(error: OriginError) -> Self {
        match error {
            OriginError::Store(error) => Self::Store(error),
            OriginError::Fetch(error) => Self::Fetch(error),
        }
    }
}

impl From<decompress::Error> for RemakeError {
    fn from(error: decompress::Error) -> Self {
        match error {
            decompress::Error::Source(cause) => match cause.downcast::<OriginError>() {
                Ok(told) => (*told).into(),
                Err(cause) => Self::Unpack(decompress::Error::Source(cause)),
            },
            other => Self::Unpack(other),
        }
    }
}

impl From<convert::Error> for RemakeError {
    fn from(error: convert::Error) -> Self {
        match error {
            convert::Error::Store(StoreError::Failed(cause)) => match cause.downcast::<Self>() {
                Ok(told) => *told,
                Err(cause) => Self::Store(StoreError::Failed(cause)),
            },
            convert::Error::Store(error) => Self::Store(error),
            other => Self::Convert(other),
        }
    }
}

/// On its way through a conversion, which knows of stores alone.
impl From<RemakeError> for StoreError {
    fn from(error: RemakeError) -> Self {
        match error {
            RemakeError::Store(error) => error,
            other => Self::Failed(Box::new(other)),
        }
    }
}

/// Data as it is made, read from any offset on.
#[derive(Clone, Debug)]
pub struct Remade {
    how: How,
    size: Option<u64>,
}

#[derive(Clone, Debug)]
enum How {
    Unpacked(Running),
    Converted(Conversion),
}

impl Remade {
    /// Looks at data and plans what is made of it; `None` where it stays as it is, for it is neither packed nor converted.
    ///
    /// Cost: its first bytes. For a conversion, its tables, and all of it where these tell nothing of holes; of a disk that is packed,
    /// or cannot be read by ranges, all of it once more for its length.
    ///
    /// # Errors
    /// [`RemakeError`]. One run and the next give the same, while the source is.
    pub async fn open(
        origin: Arc<dyn Origin>,
        remake: &Remake,
        settings: &RemakeSettings,
    ) -> Result<Option<Self>, RemakeError> {
        let packing = if remake.unpack { sniffed(origin.as_ref()).await? } else { None };
        let running = Running { origin, unpack: packing.map(|packing| (packing, bounds(remake))) };
        let Some((from, to)) = remake.convert else {
            return Ok(packing.map(|_| Self { how: How::Unpacked(running), size: None }));
        };
        if !running.origin.is_known_again() {
            return Err(RemakeError::Unknown);
        }
        let data: Arc<dyn ReadAt> = match (packing, running.origin.size()) {
            (None, Some(size)) if running.origin.takes_ranges() => {
                Arc::new(Ranges { origin: running.origin, size })
            }
            _ => Arc::new(Replay::open(running, settings.replay).await?),
        };
        let convert = convert::Settings { max_disk_bytes: remake.max_bytes, ..settings.convert };
        let disk = Disk::open(data, from, &convert).await?;
        let conversion = Conversion::plan(disk, to, convert).await?;
        Ok(Some(Self { size: Some(conversion.size()), how: How::Converted(conversion) }))
    }

    /// Its number of bytes, if that is known: of a conversion it is; of what is only unpacked, once it was measured.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The same, of known length. Cost: what is unpacked is unpacked once to its end; else nothing. A source that would not be known
    /// again is left as it is.
    ///
    /// # Errors
    /// What is wrong with the data or its source.
    pub async fn measured(self) -> Result<Self, RemakeError> {
        let Self { how: How::Unpacked(running), size: None } = &self else { return Ok(self) };
        if !running.origin.is_known_again() {
            return Ok(self);
        }
        let all = running.begin();
        let size = all.try_fold(0, |sum, bytes| future::ready(Ok(sum + bytes.len() as u64))).await?;
        Ok(Self { size: Some(size), ..self })
    }

    /// The bytes from an offset on; none from the end on. Needs a runtime, for what unpacks is a thread of it.
    pub fn stream(&self, from: u64) -> Output {
        match &self.how {
            How::Unpacked(running) => behind(running.begin(), from),
            How::Converted(conversion) => conversion.stream(from).map_err(RemakeError::from).boxed(),
        }
    }
}

/// What a source brings from its first byte on, unpacked where it is packed.
#[derive(Clone, Debug)]
struct Running {
    origin: Arc<dyn Origin>,
    unpack: Option<(Packing, Bounds)>,
}

impl Running {
    fn begin(&self) -> Output {
        let origin = Arc::clone(&self.origin);
        let bytes = stream::once(async move { origin.read(0, None).await }).try_flatten();
        match self.unpack {
            Some((packing, bounds)) => {
                let body: Body = bytes.map_err(Cause::from).boxed();
                decompress(packing, body, bounds).map_err(RemakeError::from).boxed()
            }
            None => bytes.map_err(RemakeError::from).boxed(),
        }
    }
}

/// A source that answers ranges.
#[derive(Debug)]
struct Ranges {
    origin: Arc<dyn Origin>,
    size: u64,
}

#[async_trait]
impl ReadAt for Ranges {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let read = async {
            let stream = self.origin.read(range.start, Some(range.end)).await?;
            joined(stream, wanted).await
        };
        let bytes = read.await.map_err(|error| StoreError::from(RemakeError::from(error)))?;
        if bytes.len() == wanted { Ok(bytes) } else { Err(RemakeError::Changed.into()) }
    }
}

/// What a source is packed by, told from its first bytes.
async fn sniffed(origin: &dyn Origin) -> Result<Option<Packing>, RemakeError> {
    let head = origin.read(0, Some(Packing::HEAD as u64)).await?;
    Ok(Packing::sniff(&joined(head, Packing::HEAD).await?))
}

fn bounds(remake: &Remake) -> Bounds {
    Bounds { max_bytes: remake.max_bytes, max_ratio: remake.max_ratio, floor: FLOOR_BYTES }
}

/// What lies behind so many bytes of a stream.
fn behind(stream: Output, from: u64) -> Output {
    let mut left = from;
    let passed = move |mut bytes: Bytes| {
        let pass = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        bytes.advance(pass);
        left -= pass as u64;
        bytes
    };
    stream.map_ok(passed).try_filter(|bytes| future::ready(!bytes.is_empty())).boxed()
}

#[cfg(test)]
mod tests;
