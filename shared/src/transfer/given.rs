//! The hash that was given with data, by whatever algorithm, beside those that every image gets.

use sha1::Sha1;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::hexadecimal;
use crate::image::{Digests, GivenHash, HashAlgorithm};
use crate::signature::{Digesting, Verify};

/// A digest under way that no image keeps.
#[derive(Clone, Debug)]
struct Other<H>(H);

impl<H: Digest + SerializableState + std::fmt::Debug + Send + 'static> Other<H> {
    fn begun() -> Box<dyn Digesting> {
        Box::new(Self(H::new()))
    }

    fn resumed(saved: &[u8]) -> Option<Box<dyn Digesting>> {
        let state = SerializedState::<H>::try_from(saved).ok()?;
        Some(Box::new(Self(H::deserialize(&state).ok()?)))
    }
}

impl<H: Digest + SerializableState + std::fmt::Debug + Send + 'static> Digesting for Other<H> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn save(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// Data is what its hash says.
impl Verify for GivenHash {
    fn digesting(&self) -> Option<Box<dyn Digesting>> {
        match self.algorithm {
            HashAlgorithm::Sha1 => Some(Other::<Sha1>::begun()),
            HashAlgorithm::Sha256 => Some(Other::<Sha256>::begun()),
            HashAlgorithm::Sha512 | HashAlgorithm::Md5 => None,
        }
    }

    fn resume(&self, saved: &[u8]) -> Option<Box<dyn Digesting>> {
        match self.algorithm {
            HashAlgorithm::Sha1 => Other::<Sha1>::resumed(saved),
            HashAlgorithm::Sha256 => Other::<Sha256>::resumed(saved),
            HashAlgorithm::Sha512 | HashAlgorithm::Md5 => None,
        }
    }

    fn save(&self) -> String {
        format!("{} {}", self.algorithm.name(), self.value)
    }

    fn verify(&self, digests: &Digests, digest: Option<&[u8]>) -> Result<()> {
        let found = match (self.algorithm, digest) {
            (HashAlgorithm::Sha512, _) => digests.sha512.clone(),
            (HashAlgorithm::Md5, _) => digests.md5.clone(),
            (HashAlgorithm::Sha1 | HashAlgorithm::Sha256, Some(digest)) => hexadecimal::encode(digest),
            (HashAlgorithm::Sha1 | HashAlgorithm::Sha256, None) => {
                return Err(Error::internal("a digest that was given has not been made"));
            }
        };
        let differs = |name: &str, found: &str, algorithm: &str, given: &str| {
            Err(Error::Invalid(format!(
                "{name}: the data hashes to {found} by {algorithm}, not to {given} as given."
            )))
        };
        if found != self.value {
            return differs("os_hash_value", &found, self.algorithm.name(), &self.value);
        }
        match self.md5.as_ref().filter(|md5| **md5 != digests.md5) {
            Some(md5) => differs("checksum", &digests.md5, HashAlgorithm::Md5.name(), md5),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;
    use crate::adapters::memory::MemoryStore;
    use crate::id::{ImageId, Ulid};
    use crate::ports::Store as _;
    use crate::store::ObjectKey;
    use crate::transfer::Hashing;

    /// What `openssl dgst` says of the text.
    const TEXT: &[u8] = b"abc";
    const HASHES: [(HashAlgorithm, &str); 4] = [
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
             454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
    ];

    #[tokio::test]
    async fn data_is_held_to_its_hash_by_every_algorithm_wherever_it_was_interrupted() {
        let (store, key) =
            (MemoryStore::new(), ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1)));
        store.put(&key, vec![TEXT.into()].into()).await.unwrap();
        for (algorithm, value) in HASHES {
            let given = GivenHash::read(algorithm, value).unwrap();
            let begun = Hashing::from(None, Some(&given)).unwrap().read(&store, &key, 1).await.unwrap();
            let saved = begun.save();
            let rest =
                Hashing::from(Some(&saved), Some(&given)).unwrap().read(&store, &key, 3).await.unwrap();
            let (digests, digest) = rest.finish();
            given.verify(&digests, digest.as_deref()).unwrap();
            let other = GivenHash { value: format!("0{}", value.split_at(1).1), ..given.clone() };
            let said = other.verify(&digests, digest.as_deref()).unwrap_err();
            assert!(matches!(&said, Error::Invalid(text) if text.contains(value)), "{said}");
            for (md5, fits) in [(HASHES[3].1.to_owned(), true), ("0".repeat(32), false)] {
                let both = GivenHash { md5: Some(md5), ..given.clone() };
                assert_eq!(both.verify(&digests, digest.as_deref()).is_ok(), fits);
            }
        }
    }
}
