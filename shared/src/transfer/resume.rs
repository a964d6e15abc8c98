//! Hashing an object that lies in a store already, as far as there is time, and on from there later.
//!
//! MD5 comes from the library that can save its state, which the fast one cannot; both hashes run beside the read.

use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::OptionFuture;
use md5::Md5;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha512};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, Result};
use crate::hexadecimal;
use crate::image::Digests;
use crate::ports::Store;
use crate::signature::{Digesting, Verify};
use crate::store::{HashState, ObjectKey};

/// Pieces of a read that may wait for a hash. A store's piece is 1 MiB at most.
const AHEAD: usize = 4;

/// The hashes of the first bytes of an object.
#[derive(Debug)]
pub struct Hashing {
    bytes: u64,
    md5: Md5,
    sha512: Sha512,
    /// The digest that was signed, when it is another.
    signed: Option<Box<dyn Digesting>>,
}

impl Hashing {
    /// Of no bytes, or of as many as somebody else has come to, with what `verifier` wants beside.
    ///
    /// # Errors
    /// `Internal` when a state cannot be gone on with.
    pub fn from(saved: Option<&HashState>, verifier: Option<&dyn Verify>) -> Result<Self> {
        let begun = verifier.and_then(Verify::digesting);
        let Some(saved) = saved else {
            return Ok(Self { bytes: 0, md5: Md5::new(), sha512: Sha512::new(), signed: begun });
        };
        let signed =
            match (verifier, begun) {
                (Some(verifier), Some(_)) => {
                    let resumed = saved.signed.as_deref().and_then(|saved| verifier.resume(saved));
                    Some(resumed.ok_or_else(|| {
                        Error::internal("the saved state of a signed digest cannot be read")
                    })?)
                }
                _ => None,
            };
        let (md5, sha512) = (restored(&saved.md5, saved.bytes)?, restored(&saved.sha512, saved.bytes)?);
        Ok(Self { bytes: saved.bytes, md5, sha512, signed })
    }

    /// How many bytes were hashed.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What another can go on from.
    pub fn save(&self) -> HashState {
        HashState {
            bytes: self.bytes,
            md5: self.md5.serialize().to_vec(),
            sha512: self.sha512.serialize().to_vec(),
            signed: self.signed.as_ref().map(|signed| signed.save()),
        }
    }

    /// Hashes an object from where this is to a byte behind that. Cost: one read.
    ///
    /// # Errors
    /// `Unavailable`, `Internal` for a fault of the store.
    pub async fn read(self, store: &dyn Store, key: &ObjectKey, end: u64) -> Result<Self> {
        let range = Range { start: self.bytes, end };
        if range.is_empty() {
            return Ok(self);
        }
        let Self { md5, sha512, signed, .. } = self;
        let mut stream = store.read(key, range).await?;
        let (md5, sha512, signed) = (Beside::begin(md5), Beside::begin(sha512), signed.map(Beside::begin));
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            let third = OptionFuture::from(signed.as_ref().map(|signed| signed.eat(&piece)));
            tokio::join!(md5.eat(&piece), sha512.eat(&piece), third);
        }
        let signed = OptionFuture::from(signed.map(Beside::end)).await.transpose()?;
        Ok(Self { bytes: end, md5: md5.end().await?, sha512: sha512.end().await?, signed })
    }

    /// The digests of all bytes, and the one that was signed.
    pub fn finish(self) -> (Digests, Option<Vec<u8>>) {
        let digests = Digests {
            md5: hexadecimal::encode(&self.md5.finalize()),
            sha512: hexadecimal::encode(&self.sha512.finalize()),
        };
        (digests, self.signed.map(Digesting::finish))
    }
}

/// A hash on a thread of its own.
struct Beside<H> {
    pieces: Sender<Bytes>,
    hash: JoinHandle<H>,
}

impl<H: Eat + Send + 'static> Beside<H> {
    fn begin(mut hash: H) -> Self {
        let (pieces, mut coming) = channel::<Bytes>(AHEAD);
        let eating = move || {
            while let Some(piece) = coming.blocking_recv() {
                hash.eat(&piece);
            }
            hash
        };
        Self { pieces, hash: spawn_blocking(eating) }
    }

    async fn eat(&self, piece: &Bytes) {
        // Who does not listen any more has panicked, which is told at the end.
        let _ = self.pieces.send(piece.clone()).await;
    }

    async fn end(self) -> Result<H> {
        drop(self.pieces);
        self.hash.await.map_err(Error::internal)
    }
}

/// What hashes have in common here.
trait Eat {
    fn eat(&mut self, bytes: &[u8]);
}

impl Eat for Md5 {
    fn eat(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Eat for Sha512 {
    fn eat(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Eat for Box<dyn Digesting> {
    fn eat(&mut self, bytes: &[u8]) {
        (**self).update(bytes);
    }
}

/// How a hash is saved: its own state, then how many whole blocks it has taken, then how many bytes wait for a block, and these.
trait Saved: SerializableState {
    /// The length of its own state, in bytes.
    const STATE: usize;
    /// The length of the number of blocks, which is little-endian, in bytes.
    const COUNT: usize;
    /// The length of a block, in bytes.
    const BLOCK: u128;
}

impl Saved for Md5 {
    const STATE: usize = 16;
    const COUNT: usize = 8;
    const BLOCK: u128 = 64;
}

impl Saved for Sha512 {
    const STATE: usize = 64;
    const COUNT: usize = 16;
    const BLOCK: u128 = 128;
}

/// How many bytes a hash had taken when it was saved, as its state says.
fn taken<H: Saved>(saved: &[u8]) -> Option<u128> {
    let (count, rest) = saved.get(H::STATE..)?.split_at_checked(H::COUNT)?;
    let blocks = count.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
    blocks.checked_mul(H::BLOCK)?.checked_add(u128::from(*rest.first()?))
}

/// Goes on with a hash that has taken `bytes`. One that has taken others would have a digest of nothing that is there.
fn restored<H: Saved>(saved: &[u8], bytes: u64) -> Result<H> {
    let state = SerializedState::<H>::try_from(saved);
    let state = state.map_err(|_| Error::internal("the saved state of a hash has another length"))?;
    if taken::<H>(saved) != Some(bytes.into()) {
        return Err(Error::internal("the saved state of a hash is of other bytes"));
    }
    H::deserialize(&state).map_err(|_| Error::internal("the saved state of a hash cannot be read"))
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::adapters::memory::MemoryStore;
    use crate::id::{ImageId, Ulid};

    proptest! {
        #[test]
        fn wherever_it_is_interrupted_the_digests_are_those_of_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 1..2000),
            stops in proptest::collection::vec(0_u64..2000, 0..6),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let digests = runtime.block_on(async {
                let (store, key) = (MemoryStore::new(), ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1)));
                store.put(&key, vec![Bytes::from(bytes.clone())].into()).await.unwrap();
                let size = bytes.len() as u64;
                let mut stops: Vec<_> = stops.into_iter().map(|stop| stop.min(size)).collect();
                stops.sort_unstable();
                let mut saved = None;
                for stop in stops.into_iter().chain([size]) {
                    let hashing = Hashing::from(saved.as_ref(), None).unwrap();
                    saved = Some(hashing.read(&store, &key, stop).await.unwrap().save());
                }
                Hashing::from(saved.as_ref(), None).unwrap().finish().0
            });
            prop_assert_eq!(digests.md5, hexadecimal::encode(&Md5::digest(&bytes)));
            prop_assert_eq!(digests.sha512, hexadecimal::encode(&Sha512::digest(&bytes)));
        }
    }

    #[test]
    fn a_state_that_is_none_is_an_error() {
        let saved = HashState { bytes: 1, md5: vec![1; 3], sha512: vec![], signed: None };
        assert!(matches!(Hashing::from(Some(&saved), None), Err(Error::Internal(_))));
    }

    #[test]
    fn a_state_of_other_bytes_is_an_error() {
        let saved = Hashing::from(None, None).unwrap().save();
        assert!(Hashing::from(Some(&saved), None).is_ok());
        let of_others = HashState { bytes: 1, ..saved.clone() };
        assert!(matches!(Hashing::from(Some(&of_others), None), Err(Error::Internal(_))));
        // So many that their number in bits cannot be counted.
        let mut sha512 = saved.sha512.clone();
        sha512[79] = 255;
        assert!(matches!(Hashing::from(Some(&HashState { sha512, ..saved }), None), Err(Error::Internal(_))));
    }
}
