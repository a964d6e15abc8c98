//! What objects, marks and blocks are called in the container.
//!
//! Beside an object `<prefix><key>` lies `<prefix>begun/<key>` as long as parts may come. A block's id is 48 bytes, as all ids of a
//! blob are of one length: the part's number, the time it was written at, three bytes of chance, and what was declared of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hexadecimal;
use crate::store::{Checksum, ChecksumKind, ObjectKey};
use crate::text::escaped;

/// What is called the upload of every object: a key is begun once.
pub(super) const UPLOAD: &str = "azblob";

/// What may stand in the path of a URL as it is.
const IN_A_PATH: &[u8] = b"-._~/";

const SUM_AT: usize = 16;
const ID_BYTES: usize = SUM_AT + 32;

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

    /// The container in a URL, under the account.
    pub(super) fn container(&self) -> String {
        format!("/{}", escaped(&self.container, IN_A_PATH))
    }

    /// An object in a URL, under the account.
    pub(super) fn object(&self, key: &ObjectKey) -> String {
        self.url(&format!("{}{key}", self.prefix))
    }

    /// What is there as long as parts may come, likewise.
    pub(super) fn mark(&self, key: &ObjectKey) -> String {
        self.url(&format!("{}begun/{key}", self.prefix))
    }

    /// An object's path under the account, as the server reads it.
    pub(super) fn plain(&self, key: &ObjectKey) -> String {
        format!("/{}/{}{key}", self.container, self.prefix)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}", self.container(), escaped(name, IN_A_PATH))
    }
}

/// A part that lies as a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) number: u32,
    /// When it was written, in microseconds: of two of a part the later counts.
    pub(super) at: u64,
    chance: [u8; 3],
    pub(super) checksum: Option<Checksum>,
}

impl Block {
    /// One that never was.
    pub(super) fn new(number: u32, at: u64, checksum: Option<Checksum>) -> Self {
        let [first, second, third, _] = fastrand::u32(..).to_be_bytes();
        Self { number, at, chance: [first, second, third], checksum }
    }

    /// As the server has it, in base 64.
    pub(super) fn id(&self) -> String {
        let mut bytes = Vec::with_capacity(ID_BYTES);
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.at.to_be_bytes());
        bytes.extend(self.chance);
        let (kind, sum) = match &self.checksum {
            None => (0, Vec::new()),
            Some(sum) => (code(sum.kind), STANDARD.decode(sum.value()).unwrap_or_default()),
        };
        bytes.push(kind);
        bytes.extend(sum);
        bytes.resize(ID_BYTES, 0);
        STANDARD.encode(bytes)
    }

    /// Reads an id; `None` for what others have written.
    pub(super) fn parse(id: &str) -> Option<Self> {
        let bytes: [u8; ID_BYTES] = STANDARD.decode(id).ok()?.try_into().ok()?;
        let (head, sum) = bytes.split_at_checked(SUM_AT)?;
        let (number, rest) = head.split_first_chunk()?;
        let (at, rest) = rest.split_first_chunk()?;
        let (chance, kind) = rest.split_first_chunk()?;
        let kind = *kind.first()?;
        let checksum = if kind == 0 {
            None
        } else {
            let kind = ChecksumKind::ALL.into_iter().find(|known| code(*known) == kind)?;
            Some(Checksum::parse(kind, &STANDARD.encode(sum.get(..kind.bytes())?))?)
        };
        let (number, at) = (u32::from_be_bytes(*number), u64::from_be_bytes(*at));
        Some(Self { number, at, chance: *chance, checksum })
    }

    /// What a part is told apart by that lies so.
    pub(super) fn etag(&self) -> String {
        format!("\"{:016x}{}\"", self.at, hexadecimal::encode(&self.chance))
    }
}

/// Never another: ids that were written have it.
fn code(kind: ChecksumKind) -> u8 {
    match kind {
        ChecksumKind::Crc64Nvme => 1,
        ChecksumKind::Sha256 => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, Ulid};

    #[test]
    fn a_block_is_known_by_its_id_and_all_ids_are_as_long() {
        let sha = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        for checksum in [
            None,
            Checksum::parse(ChecksumKind::Crc64Nvme, "rosUhgp5mIg="),
            Checksum::parse(ChecksumKind::Sha256, sha),
        ] {
            let block = Block::new(50_000, u64::MAX, checksum);
            assert_eq!(Block::parse(&block.id()), Some(block.clone()));
            assert_eq!(block.id().len(), 64, "at most 64 bytes before base 64, and no padding");
            assert_ne!(block.etag(), Block { at: 1, ..block.clone() }.etag());
        }
        let unknown = STANDARD.encode([9; ID_BYTES]);
        for other in ["", "AAAA", "no base 64", &unknown] {
            assert_eq!(Block::parse(other), None, "{other}");
        }
    }

    #[test]
    fn names_of_any_kind_stand_in_urls() {
        let names = Names::new("images", "a b/ü?/");
        let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
        assert_eq!(names.object(&key), format!("/images/a%20b/%C3%BC%3F/{key}"));
        assert_eq!(names.mark(&key), format!("/images/a%20b/%C3%BC%3F/begun/{key}"));
        assert_eq!(names.plain(&key), format!("/images/a b/ü?/{key}"));
    }
}
