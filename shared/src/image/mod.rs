//! What an image is, and the rules of its record. Pure: nothing here reads, writes or waits.

mod accepted;
mod attributes;
mod course;
mod filter;
mod format;
mod given;
mod member;
mod note;
mod patch;
mod property;
mod relocation;
mod remote;
pub mod schema;
mod status;
mod visibility;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, ProjectId, StoreId, Ulid};
use crate::store::ObjectKey;
use crate::time::Timestamp;

pub use accepted::{Accepted, Described};
pub use attributes::{NewImage, Quotas, check_tag};
pub use course::{Abroad, Course, Ending, Found, ImportSource, Target, TargetState};
pub use filter::{Bounds, Filter, ListRequest, Order, PageLimits, Sort, SortKey, VisibilityFilter};
pub use format::{ContainerFormat, DiskFormat, OutputFormat};
pub use given::{GivenHash, HashAlgorithm};
pub use member::{Member, MemberStatus, read_member};
pub use note::Note;
pub use patch::{Op, Patch, PatchForm};
pub use property::PropertyAction;
pub(crate) use property::protected;
pub use relocation::Relocation;
pub use remote::{Remote, RemoteSource};
pub use status::Status;
pub use visibility::Visibility;

/// A virtual machine or container image: its record, not its bytes (API reference, "Images").
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its id, which nobody else ever gets.
    pub id: ImageId,
    /// Its name: not unique.
    pub name: Option<String>,
    /// Where it stands in its life.
    pub status: Status,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether it refuses to be deleted.
    pub protected: bool,
    /// Whether default lists leave it out.
    pub os_hidden: bool,
    /// The project it belongs to.
    pub owner: Option<ProjectId>,
    /// The format of its bytes.
    pub disk_format: Option<DiskFormat>,
    /// What its bytes are wrapped in.
    pub container_format: Option<ContainerFormat>,
    /// The disk a server needs for it, in GB.
    pub min_disk: u32,
    /// The memory a server needs for it, in MB.
    pub min_ram: u32,
    /// Its number of bytes, once they are known.
    pub size: Option<u64>,
    /// The size of the disk in it, in bytes, once that is known.
    pub virtual_size: Option<u64>,
    /// What its bytes hash to, once they are there.
    pub digests: Option<Digests>,
    /// What somebody said they hash to; beside `digests`, it was found to be true.
    pub given: Option<GivenHash>,
    /// Whether they are being hashed, while they can be read already.
    pub hashing: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
    /// Its tags: a set.
    pub tags: BTreeSet<String>,
    /// Its custom properties.
    pub properties: BTreeMap<String, String>,
    /// Where its bytes lie, once they are there: each whole, in as many stores.
    pub locations: Vec<Location>,
    /// What was noted with locations that were registered, by the last part of their keys.
    pub notes: BTreeMap<Ulid, Note>,
    /// The upload that is under way: the only one whose bytes the image will take.
    pub upload: Option<Location>,
    /// Where bytes lie that were staged for an import, `size` of them.
    pub staged: Option<Location>,
    /// The import that is under way.
    pub import: Option<Course>,
    /// The bytes that the upload under way has announced: its owner's usage counts them already.
    pub reserved: u64,
    /// Why the bytes of the last upload session were not taken, until another upload begins.
    pub refused: Option<Refused>,
    /// How many projects it is shared with. It counts while the image is shared, and is kept while it is not.
    pub members: u32,
}

impl Image {
    /// One as it is registered: queued, with Glance's defaults, and nothing else said of it.
    pub fn queued(id: ImageId, owner: Option<ProjectId>, now: Timestamp) -> Self {
        Self {
            id,
            name: None,
            status: Status::Queued,
            visibility: Visibility::default(),
            protected: false,
            os_hidden: false,
            owner,
            disk_format: None,
            container_format: None,
            min_disk: 0,
            min_ram: 0,
            size: None,
            virtual_size: None,
            digests: None,
            given: None,
            hashing: false,
            created_at: now,
            updated_at: now,
            tags: BTreeSet::new(),
            properties: BTreeMap::new(),
            locations: Vec::new(),
            notes: BTreeMap::new(),
            upload: None,
            staged: None,
            import: None,
            reserved: 0,
            refused: None,
            members: 0,
        }
    }

    /// What it is, without where its bytes lie, what happens to it and whom it is shared with.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self {
            locations: Vec::new(),
            notes: BTreeMap::new(),
            upload: None,
            staged: None,
            import: None,
            reserved: 0,
            refused: None,
            members: 0,
            ..self.clone()
        }
    }

    /// Whether these are bytes of it.
    pub fn lies_at(&self, location: &Location) -> bool {
        self.locations.contains(location)
    }

    /// What its bytes hash to, and by which algorithm: the one that it was given by, or else as it was found.
    pub fn secure_hash(&self) -> Option<(&'static str, &str)> {
        let found = || self.digests.as_ref().map(|digests| (HASH_ALGORITHM, digests.sha512.as_str()));
        let given = self.given.as_ref().map(|given| (given.algorithm.name(), given.value.as_str()));
        given.or_else(found)
    }

    /// The algorithm of the secure hash, which is known before the hash is.
    pub fn hash_algorithm(&self) -> Option<&'static str> {
        let coming = self.hashing.then_some(HASH_ALGORITHM);
        self.secure_hash().map(|(algorithm, _)| algorithm).or(coming)
    }

    /// The MD5 of its bytes: as it was found, or else as it was given.
    pub fn checksum(&self) -> Option<&str> {
        let given = || self.given.as_ref().and_then(|given| given.md5.as_deref());
        self.digests.as_ref().map(|digests| digests.md5.as_str()).or_else(given)
    }

    /// Its bytes in a store.
    pub fn in_store(&self, store: &StoreId) -> Option<&Location> {
        self.locations.iter().find(|location| location.store == *store)
    }
}

/// An upload session, or a location, whose bytes were not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The session, or the last part of the location's key.
    pub session: Ulid,
    /// Why, for who opened it.
    pub reason: String,
    /// Of a location, the store that has the bytes still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// Where bytes lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The store.
    pub store: StoreId,
    /// The object in it.
    pub key: ObjectKey,
}

/// What an image's bytes hash to, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// MD5: the record's `checksum` and the download's `Content-MD5`.
    pub md5: String,
    /// SHA-512: the record's `os_hash_value`.
    pub sha512: String,
}

/// The name of the secure hash, as `os_hash_algo` says it.
pub const HASH_ALGORITHM: &str = "sha512";
