//! Hashing beside the transfer: each digest on a thread of its own, so that the slower one alone sets the pace.

use std::sync::Arc;

use md5::{Digest, Md5};
use sha2::Sha512;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, Result};
use crate::image::Digests;
use crate::ports::Chunks;

/// Bytes to hash, and the permit that counts them until every reader is done with them.
type Load = (Chunks, Arc<OwnedSemaphorePermit>);

/// Digests of a stream of bytes.
#[derive(Debug)]
pub(super) struct Digester {
    md5: Worker,
    sha512: Worker,
}

/// A digest under way on a thread.
#[derive(Debug)]
struct Worker {
    loads: UnboundedSender<Load>,
    digest: JoinHandle<String>,
}

impl Worker {
    fn start<D: Digest>() -> Self {
        let (loads, queue) = unbounded_channel();
        Self { loads, digest: spawn_blocking(move || hash::<D>(queue)) }
    }

    async fn finish(self) -> Result<String> {
        drop(self.loads);
        self.digest.await.map_err(Error::internal)
    }
}

fn hash<D: Digest>(mut queue: UnboundedReceiver<Load>) -> String {
    let mut state = D::new();
    while let Some((chunks, permit)) = queue.blocking_recv() {
        for piece in chunks.pieces() {
            state.update(piece);
        }
        drop(chunks);
        drop(permit);
    }
    hexadecimal(&state.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Digester {
    /// Starts the threads.
    pub(super) fn start() -> Self {
        Self { md5: Worker::start::<Md5>(), sha512: Worker::start::<Sha512>() }
    }

    /// Takes the next bytes. What a thread that died did not take is reported by [`Self::finish`].
    pub(super) fn update(&self, chunks: &Chunks, permit: &Arc<OwnedSemaphorePermit>) {
        for worker in [&self.md5, &self.sha512] {
            let _ = worker.loads.send((chunks.clone(), Arc::clone(permit)));
        }
    }

    /// The digests of all bytes taken.
    pub(super) async fn finish(self) -> Result<Digests> {
        let (md5, sha512) = tokio::try_join!(self.md5.finish(), self.sha512.finish())?;
        Ok(Digests { md5, sha512 })
    }
}
