//! What somebody says that data hashes to.

use serde::{Deserialize, Serialize};

use crate::hexadecimal;

/// A hash that was given with data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenHash {
    /// By which algorithm.
    pub algorithm: HashAlgorithm,
    /// In lower-case hexadecimal.
    pub value: String,
    /// The MD5 that was given beside, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

/// The algorithms that hashes may be given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// SHA-1, by which nothing is proved any more.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5, by which nothing is proved any more.
    Md5,
}

impl HashAlgorithm {
    /// All of them, in the order of the schema.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha512, Self::Md5];

    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Md5 => "md5",
        }
    }

    /// The algorithm of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The bytes of its digests.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Md5 => 16,
        }
    }
}

impl GivenHash {
    /// Reads a digest, in letters of either case.
    ///
    /// # Errors
    /// What it must be.
    pub fn read(algorithm: HashAlgorithm, value: &str) -> Result<Self, String> {
        let digest = hexadecimal::decode(value).filter(|digest| digest.len() == algorithm.bytes());
        let digest = digest.ok_or_else(|| {
            format!("must be {} hexadecimal digits, as {} has", algorithm.bytes() * 2, algorithm.name())
        })?;
        Ok(Self { algorithm, value: hexadecimal::encode(&digest), md5: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_length_of_its_algorithm() {
        for algorithm in HashAlgorithm::ALL {
            assert_eq!(HashAlgorithm::parse(algorithm.name()), Some(algorithm));
            let digits = "AB".repeat(algorithm.bytes());
            assert_eq!(GivenHash::read(algorithm, &digits).unwrap().value, digits.to_lowercase());
            for wrong in [digits.split_at(1).1, digits.split_at(2).1, "", &digits.replace('A', "x")] {
                assert!(GivenHash::read(algorithm, wrong).is_err(), "{wrong}");
            }
        }
        assert_eq!(HashAlgorithm::parse("SHA512"), None);
    }
}
