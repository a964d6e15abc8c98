//! The digest that was signed, from bytes as they come, over as many runs as that takes.

use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::{Digesting, HashMethod};

/// A digest under way.
#[derive(Clone, Debug)]
pub struct Hashing(State);

#[derive(Clone, Debug)]
enum State {
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

macro_rules! each {
    ($state:expr, $hash:ident => $done:expr) => {
        match $state {
            State::Sha224($hash) => $done,
            State::Sha256($hash) => $done,
            State::Sha384($hash) => $done,
            State::Sha512($hash) => $done,
        }
    };
}

impl Hashing {
    /// Of no bytes yet.
    pub fn new(method: HashMethod) -> Self {
        Self(match method {
            HashMethod::Sha224 => State::Sha224(Sha224::new()),
            HashMethod::Sha256 => State::Sha256(Sha256::new()),
            HashMethod::Sha384 => State::Sha384(Sha384::new()),
            HashMethod::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        each!(&mut self.0, hash => hash.update(bytes));
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Vec<u8> {
        each!(self.0, hash => hash.finalize().to_vec())
    }

    /// What another run goes on from, in some hundred bytes.
    pub fn save(&self) -> Vec<u8> {
        each!(&self.0, hash => hash.serialize().to_vec())
    }

    /// Goes on from what [`Self::save`] gave for the same method; nothing when it is anything else.
    pub fn resume(method: HashMethod, saved: &[u8]) -> Option<Self> {
        fn read<H: SerializableState>(saved: &[u8]) -> Option<H> {
            H::deserialize(&SerializedState::<H>::try_from(saved).ok()?).ok()
        }
        Some(Self(match method {
            HashMethod::Sha224 => State::Sha224(read(saved)?),
            HashMethod::Sha256 => State::Sha256(read(saved)?),
            HashMethod::Sha384 => State::Sha384(read(saved)?),
            HashMethod::Sha512 => State::Sha512(read(saved)?),
        }))
    }
}

impl Digesting for Hashing {
    fn update(&mut self, bytes: &[u8]) {
        Self::update(self, bytes);
    }

    fn save(&self) -> Vec<u8> {
        Self::save(self)
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        (*self).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the data is cut, and wherever one run hands over to the next.
        #[test]
        fn any_split_of_the_data_has_one_digest(
            data in proptest::collection::vec(any::<u8>(), 0..600),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            for method in HashMethod::ALL {
                let mut whole = Hashing::new(method);
                whole.update(&data);
                let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
                ends.push(data.len());
                ends.sort_unstable();
                let (mut hashing, mut from) = (Hashing::new(method), 0);
                for end in ends {
                    hashing.update(&data[from..end]);
                    hashing = Hashing::resume(method, &hashing.save()).unwrap();
                    from = end;
                }
                prop_assert_eq!(hashing.finish(), whole.finish());
            }
        }
    }

    #[test]
    fn the_state_of_one_method_is_not_taken_for_another() {
        let saved = Hashing::new(HashMethod::Sha256).save();
        assert!(Hashing::resume(HashMethod::Sha512, &saved).is_none());
        assert!(Hashing::resume(HashMethod::Sha256, &saved[1..]).is_none());
    }
}
