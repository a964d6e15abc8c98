//! Hashing beside the transfer: each digest on a thread of its own, so that the slowest alone sets the pace.

use std::sync::Arc;

use fast_md5::Md5;
use sha2::{Digest as _, Sha512};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, Result};
use crate::hexadecimal;
use crate::image::Digests;
use crate::ports::Chunks;
use crate::signature::Digesting;

/// Bytes to hash, and the permit that counts them until every reader is done with them.
type Load = (Chunks, Arc<OwnedSemaphorePermit>);

/// Digests of a stream of bytes.
#[derive(Debug)]
pub(super) struct Digester {
    md5: Worker<String>,
    sha512: Worker<String>,
    /// The digest that was signed, when it is another.
    signed: Option<Worker<Vec<u8>>>,
}

/// A digest under way on a thread.
#[derive(Debug)]
struct Worker<T> {
    loads: UnboundedSender<Load>,
    digest: JoinHandle<T>,
}

impl<T: Send + 'static> Worker<T> {
    fn start<H: Hash<Digest = T>>(state: H) -> Self {
        let (loads, queue) = unbounded_channel();
        Self { loads, digest: spawn_blocking(move || hash(state, queue)) }
    }

    async fn finish(self) -> Result<T> {
        drop(self.loads);
        self.digest.await.map_err(Error::internal)
    }
}

/// What the libraries have in common.
trait Hash: Send + 'static {
    type Digest;
    fn update(&mut self, bytes: &[u8]);
    fn finish(self) -> Self::Digest;
}

impl Hash for Md5 {
    type Digest = String;

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self) -> String {
        hexadecimal::encode(&self.finalize())
    }
}

impl Hash for Sha512 {
    type Digest = String;

    fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }

    fn finish(self) -> String {
        hexadecimal::encode(&self.finalize())
    }
}

impl Hash for Box<dyn Digesting> {
    type Digest = Vec<u8>;

    fn update(&mut self, bytes: &[u8]) {
        (**self).update(bytes);
    }

    fn finish(self) -> Vec<u8> {
        Digesting::finish(self)
    }
}

fn hash<H: Hash>(mut state: H, mut queue: UnboundedReceiver<Load>) -> H::Digest {
    while let Some((chunks, permit)) = queue.blocking_recv() {
        for piece in chunks.pieces() {
            state.update(piece);
        }
        drop(chunks);
        drop(permit);
    }
    state.finish()
}

impl Digester {
    /// Starts the threads; one more for the digest that was signed.
    pub(super) fn start(signed: Option<Box<dyn Digesting>>) -> Self {
        Self {
            md5: Worker::start(Md5::new()),
            sha512: Worker::start(Sha512::default()),
            signed: signed.map(Worker::start),
        }
    }

    /// Takes the next bytes. What a thread that died did not take is reported by [`Self::finish`].
    pub(super) fn update(&self, chunks: &Chunks, permit: &Arc<OwnedSemaphorePermit>) {
        let signed = self.signed.as_ref().map(|worker| &worker.loads);
        for loads in [&self.md5.loads, &self.sha512.loads].into_iter().chain(signed) {
            let _ = loads.send((chunks.clone(), Arc::clone(permit)));
        }
    }

    /// The digests of all bytes taken, and the one that was signed.
    pub(super) async fn finish(self) -> Result<(Digests, Option<Vec<u8>>)> {
        let signed = async {
            match self.signed {
                Some(worker) => worker.finish().await.map(Some),
                None => Ok(None),
            }
        };
        let (md5, sha512, signed) = tokio::try_join!(self.md5.finish(), self.sha512.finish(), signed)?;
        Ok((Digests { md5, sha512 }, signed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Lengths around the block sizes (64 and 128 bytes), in pieces of any size.
        #[test]
        fn digests_are_those_of_the_reference_libraries(bytes in proptest::collection::vec(any::<u8>(), 0..700), piece in 1_usize..200) {
            let (mut md5, mut sha512) = (Md5::new(), Sha512::default());
            for piece in bytes.chunks(piece) {
                Hash::update(&mut md5, piece);
                Hash::update(&mut sha512, piece);
            }
            prop_assert_eq!(Hash::finish(md5), hexadecimal::encode(&<md5::Md5 as sha2::Digest>::digest(&bytes)));
            prop_assert_eq!(Hash::finish(sha512), hexadecimal::encode(&Sha512::digest(&bytes)));
        }
    }

    #[test]
    fn nothing_hashes_to_the_published_values() {
        assert_eq!(Hash::finish(Md5::new()), "d41d8cd98f00b204e9800998ecf8427e");
        assert!(
            Hash::finish(Sha512::default())
                .starts_with("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce")
        );
    }
}
