//! What an image's data must hash to.

use fast_md5::Md5;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use shared::hexadecimal;

/// The hash of an image: the best that its record has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    kind: Kind,
    expected: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Md5,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash under way.
pub(super) enum Summing {
    Md5(Box<Md5>),
    Sha256(Box<Sha256>),
    Sha384(Box<Sha384>),
    Sha512(Box<Sha512>),
}

impl Digest {
    /// `None` when the record has none that is known here.
    pub(super) fn of(image: &Value) -> Option<Self> {
        let text = |name: &str| image.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
        let kind = match text("os_hash_algo")?.as_str() {
            "sha256" => Some(Kind::Sha256),
            "sha384" => Some(Kind::Sha384),
            "sha512" => Some(Kind::Sha512),
            _ => None,
        };
        let hash = kind.and_then(|kind| Some(Self { kind, expected: text("os_hash_value")? }));
        hash.or_else(|| Some(Self { kind: Kind::Md5, expected: text("checksum")? }))
    }

    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Md5 => "md5",
            Kind::Sha256 => "sha256",
            Kind::Sha384 => "sha384",
            Kind::Sha512 => "sha512",
        }
    }

    /// In lower-case hexadecimal.
    pub(super) fn expected(&self) -> &str {
        &self.expected
    }

    /// Whether data that hashes to this is the image's; else why not.
    pub(super) fn hold(&self, found: &str) -> Result<(), String> {
        if self.expected == found {
            return Ok(());
        }
        Err(format!("its {} is {found}, and the image's {}", self.name(), self.expected))
    }
}

impl Summing {
    /// Of no bytes yet.
    pub(super) fn new(digest: &Digest) -> Self {
        match digest.kind {
            Kind::Md5 => Self::Md5(Box::new(Md5::new())),
            Kind::Sha256 => Self::Sha256(Box::default()),
            Kind::Sha384 => Self::Sha384(Box::default()),
            Kind::Sha512 => Self::Sha512(Box::default()),
        }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(state) => state.update(bytes),
            Self::Sha256(state) => state.update(bytes),
            Self::Sha384(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    /// In lower-case hexadecimal.
    pub(super) fn finish(self) -> String {
        match self {
            Self::Md5(state) => hexadecimal::encode(&state.finalize()),
            Self::Sha256(state) => hexadecimal::encode(&state.finalize()),
            Self::Sha384(state) => hexadecimal::encode(&state.finalize()),
            Self::Sha512(state) => hexadecimal::encode(&state.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_best_hash_counts() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        for (image, name) in [
            (json!({"os_hash_algo": "sha256", "os_hash_value": abc, "checksum": "x"}), "sha256"),
            (json!({"os_hash_algo": "blake3", "os_hash_value": "x", "checksum": md5.to_uppercase()}), "md5"),
        ] {
            let digest = Digest::of(&image).unwrap();
            assert_eq!(digest.name(), name);
            let of = |bytes: &[u8]| {
                let mut summing = Summing::new(&digest);
                summing.update(bytes);
                summing.finish()
            };
            assert_eq!(digest.hold(&of(b"abc")), Ok(()));
            assert!(digest.hold(&of(b"abd")).is_err());
        }
        assert_eq!(Digest::of(&json!({"os_hash_algo": null, "checksum": null})), None);
    }
}
