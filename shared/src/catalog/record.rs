//! The shapes of items. Attribute names stand here and nowhere else.

mod registration;
mod session;
mod task;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId, StoreId, Ulid};
use crate::image::{
    ContainerFormat, Course, Digests, DiskFormat, GivenHash, Image, Location, MemberStatus, Note, Refused,
    Status, Visibility,
};
use crate::ports::{Attributes, Condition};
use crate::store::ObjectKey;
use crate::time::Timestamp;
use crate::usage::{Resource, Usage};

pub(super) use registration::RegistrationRecord;
pub(super) use session::SessionRecord;
pub(super) use task::{TaskRecord, TaskReference};

/// The shape written today. A reader knows every shape up to it; a past one keeps a golden file.
const SCHEMA: u32 = 1;

/// An image as it lies in the table. Times are microseconds since 1970; what is unset is left out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ImageRecord {
    schema: u32,
    #[serde(default)]
    pub(super) revision: i64,
    pub(super) id: ImageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    status: Status,
    visibility: Visibility,
    #[serde(default, skip_serializing_if = "is_default")]
    protected: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    os_hidden: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<ProjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk_format: Option<DiskFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    container_format: Option<ContainerFormat>,
    #[serde(default, skip_serializing_if = "is_default")]
    min_disk: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    min_ram: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    virtual_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digests: Option<Digests>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<GivenHash>,
    #[serde(default, skip_serializing_if = "is_default")]
    hashing: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tags: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    /// Where they lie beside that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    copies: Vec<Location>,
    /// All of that in few bytes, in rows of lists: the stores, and the objects of the image in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<(StoreId, Ulid)>,
    /// What their stores call those of them that were registered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    named: BTreeMap<Ulid, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<Ulid, Note>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staged: Option<Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    import: Option<Course>,
    #[serde(default, skip_serializing_if = "is_default")]
    reserved: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    #[serde(default, skip_serializing_if = "is_default")]
    members: u32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ImageRecord {
    pub(super) fn new(image: &Image, revision: i64) -> Self {
        let image = image.clone();
        let mut locations = image.locations.into_iter();
        Self {
            schema: SCHEMA,
            revision,
            id: image.id,
            name: image.name,
            status: image.status,
            visibility: image.visibility,
            protected: image.protected,
            os_hidden: image.os_hidden,
            owner: image.owner,
            disk_format: image.disk_format,
            container_format: image.container_format,
            min_disk: image.min_disk,
            min_ram: image.min_ram,
            size: image.size,
            virtual_size: image.virtual_size,
            digests: image.digests,
            given: image.given,
            hashing: image.hashing,
            created_at: image.created_at,
            updated_at: image.updated_at,
            tags: image.tags,
            properties: image.properties,
            location: locations.next(),
            copies: locations.collect(),
            kept: Vec::new(),
            named: BTreeMap::new(),
            notes: image.notes,
            upload: image.upload,
            staged: image.staged,
            import: image.import,
            reserved: image.reserved,
            refused: image.refused,
            members: image.members,
        }
    }

    /// What a list shows of an image: not what happens to it.
    pub(super) fn row(image: &Image) -> Self {
        let kept = image.locations.iter().map(|at| (at.store.clone(), at.key.blob().clone())).collect();
        let named =
            image.locations.iter().filter_map(|at| Some((at.key.blob().clone(), at.key.name()?.into())));
        let named = named.collect();
        Self { kept, named, notes: image.notes.clone(), ..Self::new(&image.at_rest(), 0) }
    }
}

impl From<ImageRecord> for Image {
    fn from(record: ImageRecord) -> Self {
        let key = |blob: Ulid| match record.named.get(&blob) {
            Some(name) => ObjectKey::new(record.id.clone(), blob).named(name),
            None => ObjectKey::new(record.id.clone(), blob),
        };
        let kept: Vec<_> =
            record.kept.into_iter().map(|(store, blob)| Location { store, key: key(blob) }).collect();
        let locations = record.location.into_iter().chain(record.copies).chain(kept).collect();
        Self {
            id: record.id,
            name: record.name,
            status: record.status,
            visibility: record.visibility,
            protected: record.protected,
            os_hidden: record.os_hidden,
            owner: record.owner,
            disk_format: record.disk_format,
            container_format: record.container_format,
            min_disk: record.min_disk,
            min_ram: record.min_ram,
            size: record.size,
            virtual_size: record.virtual_size,
            digests: record.digests,
            given: record.given,
            hashing: record.hashing,
            created_at: record.created_at,
            updated_at: record.updated_at,
            tags: record.tags,
            properties: record.properties,
            locations,
            notes: record.notes,
            upload: record.upload,
            staged: record.staged,
            import: record.import,
            reserved: record.reserved,
            refused: record.refused,
            members: record.members,
        }
    }
}

/// The condition that a record is still the one of this revision.
pub(super) fn at_revision(revision: i64) -> Condition {
    Condition::Equals("revision".to_owned(), revision.into())
}

/// What an object is to its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobState {
    /// Somebody writes it, or died doing so.
    Writing,
    /// It holds bytes that were staged for an import.
    Staged,
    /// It holds the image's bytes.
    Attached,
    /// Nobody needs it: it is to be removed.
    Garbage,
}

impl BlobState {
    /// As the table says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Staged => "staged",
            Self::Attached => "attached",
            Self::Garbage => "garbage",
        }
    }
}

/// What is known of an object.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlobRecord {
    pub(super) state: BlobState,
    pub(super) location: Location,
    /// Counts the changes of an upload session.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) revision: i64,
    /// Set while it is written by an upload session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<SessionRecord>,
    /// Set while it is looked at because it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) registration: Option<RegistrationRecord>,
}

/// The condition that a blob is in a state.
pub(super) fn in_state(state: BlobState) -> Condition {
    Condition::Equals("state".to_owned(), state.name().into())
}

/// Something that is due to a blob.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DueRecord {
    pub(super) at: Timestamp,
    pub(super) location: Location,
}

/// A project that an image is shared with. Image and project are in the key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MemberRecord {
    pub(super) status: MemberStatus,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// The condition that a member is still as it was read.
pub(super) fn since(updated_at: Timestamp) -> Condition {
    Condition::Equals("updated_at".to_owned(), updated_at.microseconds().into())
}

/// An image in the list of what is shared with a project.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MemberRow {
    pub(super) image: ImageId,
    pub(super) status: MemberStatus,
}

/// Members of a deleted image that are due to be removed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DueMembersRecord {
    pub(super) at: Timestamp,
    pub(super) image: ImageId,
}

/// A project's counters.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct UsageRecord {
    #[serde(default)]
    pub(super) images: i64,
    #[serde(default)]
    pub(super) bytes: i64,
    #[serde(default)]
    pub(super) uploading: i64,
    #[serde(default)]
    pub(super) staged: i64,
    /// How often any of them has moved: what was counted while this stayed the same is true.
    #[serde(default)]
    pub(super) changes: i64,
}

impl UsageRecord {
    pub(super) fn new(usage: &Usage, changes: i64) -> Self {
        let [images, bytes, uploading, staged] = [usage.images, usage.bytes, usage.uploading, usage.staged]
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        Self { images, bytes, uploading, staged, changes }
    }
}

impl From<UsageRecord> for Usage {
    fn from(record: UsageRecord) -> Self {
        let [images, bytes, uploading, staged] =
            [record.images, record.bytes, record.uploading, record.staged]
                .map(|count| u64::try_from(count).unwrap_or(0));
        Self { images, bytes, uploading, staged }
    }
}

/// The attribute of a resource's counter.
pub(super) const fn counter(resource: Resource) -> &'static str {
    match resource {
        Resource::ImageCountTotal => "images",
        Resource::ImageSizeTotal => "bytes",
        Resource::ImageCountUploading => "uploading",
        Resource::ImageStageTotal => "staged",
    }
}

/// The attribute that counts the counters' changes.
pub(super) const USAGE_CHANGES: &str = "changes";

/// The condition that no counter has moved since so many changes.
pub(super) fn unmoved_since(changes: i64) -> Condition {
    Condition::Equals(USAGE_CHANGES.to_owned(), changes.into())
}

/// Writes a shape as attributes.
pub(super) fn encode(record: &impl Serialize) -> Result<Attributes> {
    match serde_json::to_value(record) {
        Ok(Value::Object(attributes)) => Ok(attributes),
        Ok(other) => Err(Error::internal(format!("a record must be an object, not {other}"))),
        Err(error) => Err(Error::internal(error)),
    }
}

/// Reads a shape from attributes; names it does not know are overlooked.
pub(super) fn decode<T: DeserializeOwned>(attributes: Attributes) -> Result<T> {
    serde_json::from_value(Value::Object(attributes)).map_err(Error::internal)
}
