//! What objects, segments and manifests are called in the container.
//!
//! Beside an object `<prefix><key>` lies what is begun of it, under `<prefix>segments/<key>/`: `begun` as long as parts may come, and a
//! segment a part, `<number>.<unique>` or `<number>.<unique>.<kind of checksum>.<its value in hexadecimal>`.

use crate::hexadecimal;
use crate::store::{ArrivedPart, Checksum, ChecksumKind, ObjectKey};
use crate::text::escaped;

/// What is called the upload of every object: a key is begun once.
pub(super) const UPLOAD: &str = "swift";

/// What may stand in the path of a URL as it is.
const IN_A_PATH: &[u8] = b"-._~/";
/// The same of one element.
const IN_AN_ELEMENT: &[u8] = b"-._~";

/// Names in one container.
#[derive(Clone, Debug)]
pub(super) struct Names {
    container: String,
    prefix: String,
}

impl Names {
    pub(super) fn new(container: &str, prefix: &str) -> Self {
        Self { container: container.to_owned(), prefix: prefix.to_owned() }
    }

    /// An object's path under the account, as the server reads it.
    pub(super) fn plain(&self, key: &ObjectKey) -> String {
        format!("/{}/{}{key}", self.container, self.prefix)
    }

    /// The container in a URL.
    pub(super) fn container(&self) -> String {
        format!("/{}", escaped(&self.container, IN_AN_ELEMENT))
    }

    /// An object in a URL.
    pub(super) fn object(&self, key: &ObjectKey) -> String {
        self.url(&format!("{}{key}", self.prefix))
    }

    /// Anything in the container in a URL, by its name there.
    pub(super) fn url(&self, name: &str) -> String {
        format!("{}/{}", self.container(), escaped(name, IN_A_PATH))
    }

    /// The path of a name under the account, as manifests have it.
    pub(super) fn in_manifest(&self, name: &str) -> String {
        format!("/{}/{name}", self.container)
    }

    /// A name by its path in a manifest.
    pub(super) fn of_manifest<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix('/')?.strip_prefix(self.container.as_str())?.strip_prefix('/')
    }

    /// What begins the names of all that is begun under a key.
    pub(super) fn folder(&self, key: &ObjectKey) -> String {
        format!("{}segments/{key}/", self.prefix)
    }

    /// What is there as long as parts may come.
    pub(super) fn mark(&self, key: &ObjectKey) -> String {
        format!("{}begun", self.folder(key))
    }

    /// A manifest of a manifest.
    pub(super) fn manifest(&self, key: &ObjectKey, at: usize) -> String {
        format!("{}manifest.{at:03}", self.folder(key))
    }

    /// A segment.
    pub(super) fn segment(&self, key: &ObjectKey, segment: &Segment) -> String {
        format!("{}{}", self.folder(key), segment.name())
    }
}

/// A part that lies as an object of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u32,
    /// What no other segment of the object is called by.
    pub(super) unique: String,
    pub(super) checksum: Option<Checksum>,
}

impl Segment {
    /// One that never was.
    pub(super) fn new(number: u32, checksum: Option<Checksum>) -> Self {
        Self { number, unique: format!("{:016x}", fastrand::u64(..)), checksum }
    }

    /// What begins the names of the segments of a part.
    pub(super) fn begin(number: u32) -> String {
        format!("{number:05}.")
    }

    fn name(&self) -> String {
        let checksum = self
            .checksum
            .as_ref()
            .map(|sum| format!(".{}.{}", sum.kind.name(), hexadecimal::encode(sum.value().as_bytes())));
        format!("{}{}{}", Self::begin(self.number), self.unique, checksum.unwrap_or_default())
    }

    /// Reads a name, as it stands in its folder.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut words = name.split('.');
        let number = words.next()?.parse().ok()?;
        let unique = words.next().filter(|unique| unique.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        let checksum = match (words.next(), words.next()) {
            (None, _) => None,
            (Some(kind), value) => {
                let value = String::from_utf8(hexadecimal::decode(value?)?).ok()?;
                Some(Checksum::parse(ChecksumKind::parse(kind)?, &value)?)
            }
        };
        words.next().is_none().then(|| Self { number, unique: unique.to_owned(), checksum })
    }

    /// What a part is told apart by that lies so.
    pub(super) fn etag(&self, md5: &str) -> String {
        format!("\"{}-{md5}\"", self.unique)
    }

    /// The segment of a part, and its MD5.
    pub(super) fn of(part: &ArrivedPart) -> Option<(Self, &str)> {
        let (unique, md5) = part.etag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
        let checksum = part.checksum.clone();
        Some((Self { number: part.number, unique: unique.to_owned(), checksum }, md5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, Ulid};

    #[test]
    fn a_segment_is_known_by_its_name_and_by_its_tag() {
        for checksum in [None, Checksum::parse(ChecksumKind::Crc64Nvme, "rosUhgp5mIg=")] {
            let segment = Segment::new(7, checksum.clone());
            assert_eq!(Segment::parse(&segment.name()), Some(segment.clone()), "{}", segment.name());
            let etag = segment.etag("900150983cd24fb0d6963f7d28e17f72");
            let part = ArrivedPart { number: 7, len: 3, etag, checksum };
            assert_eq!(Segment::of(&part), Some((segment, "900150983cd24fb0d6963f7d28e17f72")));
        }
        for other in
            ["begun", "manifest.000", "00001", "00001.xyz", "00001.0a.crc64nvme", "00001.0a.crc64nvme.30.1"]
        {
            assert_eq!(Segment::parse(other), None, "{other}");
        }
    }

    #[test]
    fn names_of_any_kind_stand_in_urls() {
        let names = Names::new("my images", "a/ü?/");
        let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
        assert_eq!(names.object(&key), format!("/my%20images/a/%C3%BC%3F/{key}"));
        assert_eq!(names.plain(&key), format!("/my images/a/ü?/{key}"));
        let path = names.in_manifest(&names.mark(&key));
        assert_eq!(names.of_manifest(&path), Some(format!("a/ü?/segments/{key}/begun").as_str()));
        assert_eq!(names.of_manifest("/other/x"), None);
    }
}
