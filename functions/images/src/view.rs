//! Images as the API shows them (schemas `image` and `images`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};
use shared::id::StoreId;
use shared::image::{ContainerFormat, Course, DiskFormat, Image, Member};
use shared::operations::{ImagePage, Place, Told};

/// One image.
#[derive(Debug, Serialize)]
pub(crate) struct ImageView {
    id: String,
    name: Option<String>,
    status: &'static str,
    visibility: &'static str,
    protected: bool,
    os_hidden: bool,
    owner: Option<String>,
    disk_format: Option<&'static str>,
    container_format: Option<&'static str>,
    min_disk: u32,
    min_ram: u32,
    size: Option<u64>,
    virtual_size: Option<u64>,
    checksum: Option<String>,
    os_hash_algo: Option<&'static str>,
    os_hash_value: Option<String>,
    tags: BTreeSet<String>,
    created_at: String,
    updated_at: String,
    #[serde(rename = "self")]
    this: String,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    direct_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locations: Option<Vec<PlaceView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<String>,
    schema: &'static str,
    #[serde(flatten)]
    import: Option<ImportView>,
    #[serde(flatten)]
    properties: BTreeMap<String, String>,
}

/// How far an import is, or how the last one ended: in the properties that Glance has for it, and why a store failed, which it does not
/// tell.
#[derive(Debug, Serialize)]
struct ImportView {
    #[serde(rename = "os_glance_import_task", skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(rename = "os_glance_importing_to_stores")]
    coming: String,
    #[serde(rename = "os_glance_failed_import")]
    failed: String,
    #[serde(rename = "os_glance_failed_import_message", skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Course> for ImportView {
    fn from(course: Course) -> Self {
        let is_open = course.is_open();
        let coming: Vec<_> = course.importing_to().filter(|_| is_open).map(StoreId::as_str).collect();
        let (failed, why): (Vec<_>, Vec<_>) =
            course.failures().map(|(store, why)| (store.as_str(), format!("{store}: {why}"))).unzip();
        Self {
            task: is_open.then(|| course.task.to_string()),
            coming: coming.join(","),
            failed: failed.join(","),
            why: (!why.is_empty()).then(|| why.join("; ")),
        }
    }
}

impl ImageView {
    /// An image, with what is told of where its data is.
    pub(crate) fn new(image: Image, told: Told) -> Self {
        let this = format!("/v2/images/{}", image.id);
        let stores: Vec<_> = told.stores.iter().map(StoreId::as_str).collect();
        let stores = (!stores.is_empty()).then(|| stores.join(","));
        let (os_hash_algo, os_hash_value) =
            (image.hash_algorithm(), image.secure_hash().map(|(_, value)| value.to_owned()));
        let checksum = image.checksum().map(str::to_owned);
        Self {
            id: image.id.into(),
            name: image.name,
            status: image.status.name(),
            visibility: image.visibility.name(),
            protected: image.protected,
            os_hidden: image.os_hidden,
            owner: image.owner.map(String::from),
            disk_format: image.disk_format.map(DiskFormat::name),
            container_format: image.container_format.map(ContainerFormat::name),
            min_disk: image.min_disk,
            min_ram: image.min_ram,
            size: image.size,
            virtual_size: image.virtual_size,
            checksum,
            os_hash_algo,
            os_hash_value,
            tags: image.tags,
            created_at: image.created_at.to_string(),
            updated_at: image.updated_at.to_string(),
            file: format!("{this}/file"),
            this,
            direct_url: told.direct_url,
            locations: told.locations.map(|places| places.into_iter().map(PlaceView::from).collect()),
            stores,
            schema: "/v2/schemas/image",
            import: image.import.map(ImportView::from),
            properties: image.properties,
        }
    }
}

/// A page of a list, with the links of its neighbours.
#[derive(Debug, Serialize)]
pub(crate) struct ImagesView {
    images: Vec<ImageView>,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    schema: &'static str,
}

impl ImagesView {
    /// The page that answers a query. Links repeat the query, its repeated keys too; only the marker differs.
    pub(crate) fn new(page: ImagePage, query: &[(String, String)], told: impl Fn(&Image) -> Told) -> Self {
        let view = |image: Image| {
            let told = told(&image);
            ImageView::new(image, told)
        };
        let first = link(query, None);
        let next = page.next.map(|marker| link(query, Some(marker.as_str())));
        Self {
            images: page.images.into_iter().map(view).collect(),
            first,
            next,
            schema: "/v2/schemas/images",
        }
    }
}

/// A place where an image's data is.
#[derive(Debug, Serialize)]
pub(crate) struct PlaceView {
    url: String,
    metadata: Map<String, Value>,
}

impl From<Place> for PlaceView {
    fn from(Place { url, store, note }: Place) -> Self {
        let mut metadata = note.into_members();
        metadata.insert("store".to_owned(), store.as_str().into());
        Self { url, metadata }
    }
}

/// One member of an image (schema `member`).
#[derive(Debug, Serialize)]
pub(crate) struct MemberView {
    member_id: String,
    image_id: String,
    status: &'static str,
    created_at: String,
    updated_at: String,
    schema: &'static str,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            member_id: member.project.into(),
            image_id: member.image.into(),
            status: member.status.name(),
            created_at: member.created_at.to_string(),
            updated_at: member.updated_at.to_string(),
            schema: "/v2/schemas/member",
        }
    }
}

/// The members of an image (schema `members`).
#[derive(Debug, Serialize)]
pub(crate) struct MembersView {
    members: Vec<MemberView>,
    schema: &'static str,
}

impl MembersView {
    /// In the order given.
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self { members: members.into_iter().map(MemberView::from).collect(), schema: "/v2/schemas/members" }
    }
}

fn link(query: &[(String, String)], marker: Option<&str>) -> String {
    let kept =
        query.iter().map(|(key, value)| (key.as_str(), value.as_str())).filter(|(key, _)| *key != "marker");
    let marker = marker.map(|marker| ("marker", marker));
    let mut link = form_urlencoded::Serializer::new(String::new());
    let query = link.extend_pairs(kept.chain(marker)).finish();
    if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_every_tag_and_replace_the_marker() {
        let query = [("tag", "a b"), ("marker", "old"), ("tag", "c&d"), ("limit", "2")];
        let query = query.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(link(&query, None), "/v2/images?tag=a+b&tag=c%26d&limit=2");
        assert_eq!(link(&query, Some("new")), "/v2/images?tag=a+b&tag=c%26d&limit=2&marker=new");
        assert_eq!(link(&[], None), "/v2/images");
    }
}
