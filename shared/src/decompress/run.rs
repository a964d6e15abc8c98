//! A decoder in a thread of its own, between two streams.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::feed::{Bounded, Decoder, Feed, Stop, damaged};
use super::lha::Lha;
use super::streams::{Gzip, Xz, Zstd};
use super::zip::Zip;
use super::{Bounds, Error, Packing};
use crate::transfer::Body;

/// Unpacked bytes, in order. After an error nothing comes; a stream that ends was found whole.
pub type Output = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// Pieces that wait on each side of the decoder.
const WAITING: usize = 4;

/// Unpacks a stream, in a blocking thread of the runtime that ends when the answer is dropped. Memory: some pieces of both, and what
/// the packing needs, 66 MiB at most.
pub fn decompress(packing: Packing, packed: Body, bounds: Bounds) -> Output {
    let (arrive, arrivals) = mpsc::channel(WAITING);
    let (gone, out) = mpsc::channel(WAITING);
    let feeding = tokio::spawn(feed(packed, arrive));
    let feeding = Abort(feeding);
    let decoding = tokio::task::spawn_blocking(move || decode(packing, Feed::new(arrivals), bounds, &gone));
    Box::pin(stream::unfold(Some((out, feeding, decoding)), move |state| async move {
        let (mut out, feeding, decoding) = state?;
        match out.recv().await {
            Some(Ok(bytes)) => Some((Ok(bytes), Some((out, feeding, decoding)))),
            Some(Err(error)) => Some((Err(error), None)),
            // A thread that panicked ends its stream short.
            None => decoding.await.err().map(|error| (Err(Error::Source(error.into())), None)),
        }
    }))
}

/// What brings bytes stops with who waits for them.
struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn feed(mut packed: Body, arrive: mpsc::Sender<Result<Bytes, crate::ports::Cause>>) {
    while let Some(item) = packed.next().await {
        let broke = item.is_err();
        if arrive.send(item).await.is_err() || broke {
            return;
        }
    }
}

fn decode(packing: Packing, feed: Feed, bounds: Bounds, gone: &mpsc::Sender<Result<Bytes, Error>>) {
    let mut out = Bounded::new(packing, bounds, gone.clone());
    let done = match packing {
        Packing::Gzip => out.copy(&mut Gzip::new(feed)),
        Packing::Xz => out.copy(&mut Xz::new(feed)),
        Packing::Zstd => begun(packing, Zstd::open(feed)).and_then(|mut zstd| out.copy(&mut zstd)),
        Packing::Zip => begun(packing, Zip::open(feed)).and_then(|mut zip| out.copy(&mut zip)),
        Packing::Lha => begun(packing, Lha::open(feed)).and_then(|mut lha| out.copy(&mut lha)),
    };
    if let Err(Stop::Because(error)) = done {
        // Nobody may wait any more.
        let _ = gone.blocking_send(Err(error));
    }
}

/// A decoder that could begin, or what its feed says of the error.
fn begun<D: Decoder>(packing: Packing, opened: Result<D, (Feed, std::io::Error)>) -> Result<D, Stop> {
    opened.map_err(|(mut feed, error)| Stop::Because(damaged(packing, Some(&mut feed), &error)))
}
