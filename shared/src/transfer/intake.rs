//! From a body to an object.
//!
//! ```text
//! body ─ cut ─┬─ MD5 thread
//!             ├─ SHA-512 thread
//!             ├─ who watches, in passing
//!             ├─ the thread of the digest that was signed, if the image is and it is another
//!             └─ store, part by part
//! ```
//! A part is taken from the body only under a permit, which returns when all are done with it: memory is bounded
//! by parts in flight × part size, however fast the client and however slow the store.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::digest::Digester;
use super::plan::{PartPlan, fits};
use super::watch::Watch;
use crate::error::{Cause, Error, Result};
use crate::image::Digests;
use crate::ports::{Chunks, ObjectWriter, Part, Store, StoreError};
use crate::signature::Digesting;
use crate::store::ObjectKey;

/// How much of a body is read on, in bytes, once it is refused: a client that still sends may never see the answer.
const READ_ON: u64 = 1 << 30;

/// A request's body.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Cause>> + Send>>;

/// How bodies are taken in.
#[derive(Clone, Copy, Debug)]
pub struct Intake {
    /// The size of a part, in bytes, unless the store demands larger ones.
    pub part_bytes: u64,
    /// How many parts are held at a time, at least 1.
    pub parts_in_flight: u32,
    /// The most a body may hold, in bytes.
    pub max_bytes: u64,
    /// How long a client may be silent.
    pub idle: Duration,
}

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes.
    pub size: u64,
    /// What they hash to.
    pub digests: Digests,
    /// The digest that was asked for beside those.
    pub digest: Option<Vec<u8>>,
}

impl Intake {
    /// Writes a body under a key; when it answers `Ok`, the object is whole and durable.
    ///
    /// `expected` is the size the client announced, in bytes; `digesting` sees the bytes too. On an error, what was written is left to
    /// [`Store::remove`]; no write is under way any more.
    ///
    /// # Errors
    /// `Invalid` when the size is not the one expected, `LimitExceeded` when it is over the limit or the store is full,
    /// `ClientGone` when the body breaks or stalls, `Unavailable` or `Internal` for a fault of the store.
    pub async fn receive(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        body: &mut Body,
        expected: Option<u64>,
        digesting: Option<Box<dyn Digesting>>,
    ) -> Result<Received> {
        self.receive_watched(store, key, body, expected, digesting, &mut ()).await
    }

    /// As [`Intake::receive`], with somebody who looks at the bytes before they are an object and may refuse them. Of a body
    /// that is refused nothing more is written, and the rest is read on so that its sender hears why.
    ///
    /// # Errors
    /// As [`Intake::receive`], and what `watch` says.
    pub async fn receive_watched(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        body: &mut Body,
        expected: Option<u64>,
        digesting: Option<Box<dyn Digesting>>,
        watch: &mut dyn Watch,
    ) -> Result<Received> {
        let (size, (digests, digest)) =
            self.take(store, key, body, expected, Digester::start(digesting), watch).await?;
        Ok(Received { size, digests, digest })
    }

    /// As [`Intake::receive`], but nothing is hashed. Answers how many bytes there were.
    ///
    /// # Errors
    /// As [`Intake::receive`].
    pub async fn keep(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        body: &mut Body,
        expected: Option<u64>,
    ) -> Result<u64> {
        Ok(self.take(store, key, body, expected, (), &mut ()).await?.0)
    }

    async fn take<R: Reader>(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        body: &mut Body,
        expected: Option<u64>,
        reader: R,
        watch: &mut dyn Watch,
    ) -> Result<(u64, R::Told)> {
        let limits = store.part_limits();
        fits(limits, expected.unwrap_or_default())?;
        let limited = Self { max_bytes: self.max_bytes.min(limits.max_object_bytes), ..*self };
        let mut cutter = Cutter { body, rest: Bytes::new(), received: 0, expected, limits: limited };
        let plan = PartPlan::new(limits, self.part_bytes, expected);
        let permits = Arc::new(Semaphore::new(self.parts_in_flight.max(1) as usize));

        let first_permit = Arc::new(permit(&permits, self.units(plan.bytes_of(1))).await?);
        let first = cutter.part(plan.bytes_of(1)).await?;
        reader.update(&first.bytes, &first_permit);
        if let Err(refusal) = shown(watch, &first) {
            cutter.read_on(first.ended).await;
            return Err(refusal);
        }
        if first.ended {
            store.put(key, first.bytes).await?;
            return Ok((cutter.received, reader.finish().await?));
        }

        let mut parts =
            Parts { writer: store.begin(key, expected).await?, writes: JoinSet::new(), next: 1, offset: 0 };
        parts.write(first.bytes, first_permit);
        loop {
            let bytes = plan.bytes_of(parts.next);
            let permit = Arc::new(parts.unless_failed(permit(&permits, self.units(bytes))).await?);
            let cut = parts.unless_failed(cutter.part(bytes)).await?;
            reader.update(&cut.bytes, &permit);
            if let Err(refusal) = shown(watch, &cut) {
                drop(parts);
                cutter.read_on(cut.ended).await;
                return Err(refusal);
            }
            if !cut.bytes.is_empty() {
                // Asked only now: data that fills the last part exactly ends where another would begin.
                if !plan.allows(parts.next) {
                    return Err(Error::LimitExceeded(
                        "the data needs more parts than the image store takes".to_owned(),
                    ));
                }
                parts.write(cut.bytes, permit);
            }
            if cut.ended {
                break;
            }
        }
        // The last parts are hashed while the store makes the object durable.
        let (told, ()) = tokio::try_join!(reader.finish(), parts.complete())?;
        Ok((cutter.received, told))
    }

    /// How many permits a part takes: more than one when it is larger than the parts that were counted with.
    fn units(&self, bytes: u64) -> u32 {
        let units = bytes.div_ceil(self.part_bytes.max(1));
        u32::try_from(units).unwrap_or(u32::MAX).clamp(1, self.parts_in_flight.max(1))
    }
}

/// Who reads a body beside the store.
trait Reader: Send {
    /// What it makes of the whole.
    type Told: Send;
    fn update(&self, chunks: &Chunks, permit: &Arc<OwnedSemaphorePermit>);
    fn finish(self) -> impl Future<Output = Result<Self::Told>> + Send;
}

impl Reader for Digester {
    type Told = (Digests, Option<Vec<u8>>);

    fn update(&self, chunks: &Chunks, permit: &Arc<OwnedSemaphorePermit>) {
        self.update(chunks, permit);
    }

    fn finish(self) -> impl Future<Output = Result<Self::Told>> + Send {
        self.finish()
    }
}

/// Nobody.
impl Reader for () {
    type Told = ();

    fn update(&self, _: &Chunks, _: &Arc<OwnedSemaphorePermit>) {}

    async fn finish(self) -> Result<()> {
        Ok(())
    }
}

async fn permit(permits: &Arc<Semaphore>, units: u32) -> Result<OwnedSemaphorePermit> {
    Arc::clone(permits).acquire_many_owned(units).await.map_err(Error::internal)
}

/// An object's parts on their way to the store. Dropped, it stops them.
struct Parts {
    writer: Arc<dyn ObjectWriter>,
    writes: JoinSet<Result<(), StoreError>>,
    next: u32,
    offset: u64,
}

impl Parts {
    fn write(&mut self, bytes: Chunks, permit: Arc<OwnedSemaphorePermit>) {
        let part = Part { number: self.next, offset: self.offset, bytes };
        self.next += 1;
        self.offset += part.bytes.len();
        let writer = Arc::clone(&self.writer);
        self.writes.spawn(async move {
            let written = writer.write(part).await;
            drop(permit);
            written
        });
    }

    /// Waits for something, unless a part fails first: a full store is told at once, not when the body ends.
    async fn unless_failed<T>(&mut self, wanted: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::pin!(wanted);
        loop {
            tokio::select! {
                biased;
                Some(written) = self.writes.join_next() => outcome(written)?,
                done = &mut wanted => return done,
            }
        }
    }

    async fn complete(mut self) -> Result<()> {
        while let Some(written) = self.writes.join_next().await {
            outcome(written)?;
        }
        Ok(self.writer.complete().await?)
    }
}

/// Shows a run of a body to who watches, and that it was the last.
fn shown(watch: &mut dyn Watch, cut: &Cut) -> Result<()> {
    watch.see(cut.bytes.pieces())?;
    if cut.ended { watch.end() } else { Ok(()) }
}

fn outcome(written: Result<Result<(), StoreError>, JoinError>) -> Result<()> {
    Ok(written.map_err(Error::internal)??)
}

/// Cuts a body into parts and counts it.
struct Cutter<'a> {
    body: &'a mut Body,
    rest: Bytes,
    received: u64,
    expected: Option<u64>,
    limits: Intake,
}

/// A run of a body.
struct Cut {
    bytes: Chunks,
    ended: bool,
}

impl Cutter<'_> {
    /// Takes the next `size` bytes, or what is left.
    async fn part(&mut self, size: u64) -> Result<Cut> {
        let (mut pieces, mut taken) = (Vec::new(), 0);
        while taken < size {
            if self.rest.is_empty() {
                match self.next().await? {
                    Some(bytes) => self.rest = bytes,
                    None => return Ok(Cut { bytes: pieces.into(), ended: true }),
                }
            }
            let room = usize::try_from(size - taken).unwrap_or(usize::MAX);
            let piece = self.rest.split_to(room.min(self.rest.len()));
            taken += piece.len() as u64;
            if !piece.is_empty() {
                pieces.push(piece);
            }
        }
        Ok(Cut { bytes: pieces.into(), ended: false })
    }

    /// Reads what is left of a body that is refused, if it is not too much.
    async fn read_on(&mut self, ended: bool) {
        let until = self.received.saturating_add(READ_ON);
        let fits = !ended && self.expected.is_none_or(|expected| expected <= until);
        while fits && self.received < until && matches!(self.next().await, Ok(Some(_))) {}
    }

    /// The body's next bytes, once they are known to fit; `None` at its end, once it is known to be complete.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let received = self.received;
        let gone = |source| Error::ClientGone { received, source };
        let next =
            timeout(self.limits.idle, self.body.next()).await.map_err(|silent| gone(Some(silent.into())))?;
        let Some(bytes) = next.transpose().map_err(|error| gone(Some(error)))? else {
            return match self.expected {
                Some(expected) if expected != received => Err(Error::Invalid(format!(
                    "the size of the data received, {received} bytes, does not match the size announced, {expected} bytes"
                ))),
                _ => Ok(None),
            };
        };
        self.received += bytes.len() as u64;
        if let Some(expected) = self.expected.filter(|expected| self.received > *expected) {
            return Err(Error::Invalid(format!("the data exceeds the size announced, {expected} bytes")));
        }
        if self.received > self.limits.max_bytes {
            let limit = self.limits.max_bytes;
            return Err(Error::LimitExceeded(format!(
                "the data exceeds the limit of {limit} bytes for an image"
            )));
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests;
