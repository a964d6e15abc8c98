use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::record::{ImageRecord, decode, encode};
use super::*;
use crate::id::ImageId;
use crate::image::{
    ContainerFormat, Digests, DiskFormat, Image, Location, Order, SortKey, Status, Visibility,
};
use crate::ports::{
    Addition, Attributes, Change, Condition, Direction, Item, Key, MAX_ITEM_BYTES, Page, Position, Query,
};
use crate::time::Timestamp;
use crate::usage::Allowance;

/// 2026-10-01T08:00:00Z.
const NOW: i64 = 1_790_841_600_000_000;

fn id(number: u32) -> ImageId {
    ImageId::from_random(number.into())
}

/// A queued image of p1, registered this many microseconds after the first.
fn image(number: u32) -> Image {
    let at = Timestamp::from_microseconds(NOW + i64::from(number));
    Image {
        id: id(number),
        name: Some("web".to_owned()),
        status: Status::Queued,
        visibility: Visibility::Shared,
        protected: false,
        os_hidden: false,
        owner: Some("p1".parse().unwrap()),
        disk_format: None,
        container_format: None,
        min_disk: 0,
        min_ram: 0,
        size: None,
        virtual_size: None,
        digests: None,
        given: None,
        created_at: at,
        updated_at: at,
        tags: BTreeSet::new(),
        properties: BTreeMap::new(),
        locations: Vec::new(),
        upload: None,
        staged: None,
        import: None,
        reserved: 0,
        refused: None,
        members: 0,
    }
}

fn named(number: u32, name: &str) -> Image {
    Image { name: Some(name.to_owned()), ..image(number) }
}

fn location(image: &Image, store: &str, ulid: &str) -> Location {
    Location { store: store.parse().unwrap(), key: format!("{}/{ulid}", image.id).try_into().unwrap() }
}

fn active(image: &Image, size: u64) -> Image {
    let locations = vec![location(image, "default", "01ARYZ6S41ZZZZZZZZZZZZZZZZ")];
    Image { status: Status::Active, size: Some(size), locations, ..image.clone() }
}

/// A table that remembers what was written, and answers queries as the port says.
#[derive(Debug, Default)]
struct Sheet {
    items: Mutex<BTreeMap<Key, Attributes>>,
    written: Mutex<Vec<String>>,
}

#[async_trait]
impl Table for Sheet {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let items = self.items.lock().unwrap();
        Ok(items.get(key).map(|attributes| Item { key: key.clone(), attributes: attributes.clone() }))
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let items = self.items.lock().unwrap();
        let found = keys.iter().filter_map(|key| items.get_key_value(key));
        Ok(found.map(|(key, attributes)| Item { key: key.clone(), attributes: attributes.clone() }).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        query.check()?;
        let items = self.items.lock().unwrap();
        let mut found: Vec<_> = items
            .iter()
            .filter(|(key, _)| key.partition == query.partition)
            .filter_map(|(key, attributes)| {
                let order = match query.index {
                    None => key.sort.as_str(),
                    Some(index) => attributes.get(index.name())?.as_str()?,
                };
                Some((order, key, attributes))
            })
            .collect();
        found.sort_by_key(|(order, key, _)| (*order, &key.sort));
        if query.direction == Direction::Descending {
            found.reverse();
        }
        found.retain(|(order, key, _)| {
            let within = query.range.as_ref().is_none_or(|range| range.contains(&(*order).to_owned()));
            let behind = query.after.as_ref().is_none_or(|Position { sort, indexed }| {
                let (here, start) = match indexed {
                    None => ((*order, ""), (sort.as_str(), "")),
                    Some(value) => ((*order, key.sort.as_str()), (value.as_str(), sort.as_str())),
                };
                if query.direction == Direction::Descending { here < start } else { here > start }
            });
            within && behind
        });
        let more = found.len() > query.limit;
        let items = found.into_iter().take(query.limit);
        let items =
            items.map(|(_, key, attributes)| Item { key: key.clone(), attributes: attributes.clone() });
        Ok(Page { items: items.collect(), more })
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        write.check()?;
        let mut items = self.items.lock().unwrap();
        for (number, change) in write.changes().iter().enumerate() {
            if let Change::Put(Item { key, .. }, condition) | Change::Remove(key, condition) = change
                && !condition.holds(items.get(key))
            {
                return Err(TableError::ConditionFailed { change: number });
            }
        }
        for change in write.into_changes() {
            self.written.lock().unwrap().push(told(&change));
            match change {
                Change::Put(item, _) => drop(items.insert(item.key, item.attributes)),
                Change::Remove(key, _) => drop(items.remove(&key)),
                Change::Add(..) | Change::Check(..) => {}
            }
        }
        Ok(())
    }
}

/// A change in few words.
fn told(change: &Change) -> String {
    let Key { partition, sort } = change.key();
    let sort = sort.split('#').next().unwrap_or_default().replace("2026-10-01T08:00:00.", "");
    match change {
        Change::Put(..) => format!("put {partition} {sort}"),
        Change::Remove(..) => format!("remove {partition} {sort}"),
        Change::Add(_, additions) => {
            // Each addition counts itself as well.
            let amounts = additions.iter().filter(|addition| addition.name != "changes");
            let amounts = amounts.map(|Addition { name, amount, at_most }| {
                let bound = at_most.map(|most| format!(" to {most}")).unwrap_or_default();
                format!(" {name} {amount:+}{bound}")
            });
            format!("add {partition}{}", amounts.collect::<String>())
        }
        Change::Check(..) => format!("check {partition} {sort}"),
    }
}

/// As much as anybody wants.
fn any() -> Allowance {
    Allowance::default()
}

fn catalog(shards: u32) -> (Catalog, Arc<Sheet>) {
    let sheet = Arc::new(Sheet::default());
    (Catalog::new(Arc::clone(&sheet) as Arc<dyn Table>, shards), sheet)
}

/// What is written when one image becomes another.
async fn written(before: &Image, after: &Image) -> Vec<String> {
    let (catalog, sheet) = catalog(1);
    catalog.create(before, &any()).await.unwrap();
    let seen = catalog.find(&before.id).await.unwrap().unwrap();
    sheet.written.lock().unwrap().clear();
    catalog.replace(&seen, after).await.unwrap();
    let written = sheet.written.lock().unwrap();
    let short = written.iter().map(|change| change.replace(before.id.as_str(), "ID"));
    short.collect()
}

/// Every image of a list.
async fn listed(catalog: &Catalog, walk: Walk<'_>) -> Vec<Image> {
    let mut listing = catalog.list(walk);
    let mut images = Vec::new();
    while let Some(listed) = listing.next().await.unwrap() {
        images.push(listed.image);
    }
    images
}

const ASCENDING: Order = Order { key: SortKey::CreatedAt, descending: false };

mod counters;
mod members;
mod orders;
mod tasks;

mod records {
    use super::*;

    fn golden(text: &str) -> Attributes {
        serde_json::from_str(text).unwrap()
    }

    fn everything() -> Image {
        let mut image = image(1);
        image.id = "0F1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        let (kept, begun) = (
            location(&image, "default", "01ARYZ6S41ZZZZZZZZZZZZZZZZ"),
            location(&image, "slow_1", "01ARYZ6S42ZZZZZZZZZZZZZZZZ"),
        );
        Image {
            name: Some("web-base".to_owned()),
            status: Status::Active,
            visibility: Visibility::Community,
            protected: true,
            os_hidden: true,
            owner: Some("5d3c".parse().unwrap()),
            disk_format: Some(DiskFormat::Qcow2),
            container_format: Some(ContainerFormat::Bare),
            min_disk: 5,
            min_ram: 512,
            size: Some(512_000_000),
            virtual_size: Some(2_147_483_648),
            digests: Some(Digests {
                md5: "900150983cd24fb0d6963f7d28e17f72".to_owned(),
                sha512: "ddaf35a193617abacc417349ae204131".to_owned(),
            }),
            updated_at: Timestamp::from_microseconds(1_790_841_731_999_999),
            tags: ["web", "lts"].map(str::to_owned).into(),
            properties: [("os_distro".to_owned(), "debian".to_owned())].into(),
            locations: vec![kept],
            upload: Some(begun),
            ..image
        }
    }

    fn least() -> Image {
        let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        Image { id, name: None, owner: None, ..image(1) }
    }

    fn copied() -> Image {
        let image = Image { status: Status::Active, size: Some(5), ..least() };
        let locations = [("fast", "01ARYZ6S41ZZZZZZZZZZZZZZZZ"), ("slow", "01ARYZ6S42ZZZZZZZZZZZZZZZZ")];
        let locations = locations.map(|(store, ulid)| location(&image, store, ulid)).into();
        Image { locations, ..image }
    }

    /// When the shape changes, the schema does: these files stay, and the records in them must still be read.
    #[test]
    fn schema_1_is_read_and_written_as_it_ever_was() {
        for (text, image, revision) in [
            (include_str!("golden/image-1.json"), everything(), 7),
            (include_str!("golden/image-1-least.json"), least(), 1),
            (include_str!("golden/image-1-shared.json"), Image { members: 3, ..least() }, 4),
            (include_str!("golden/image-1-copies.json"), copied(), 2),
        ] {
            let record: ImageRecord = decode(golden(text)).unwrap();
            assert_eq!(record.revision, revision);
            assert_eq!(Image::from(record), image);
            assert_eq!(encode(&ImageRecord::new(&image, revision)).unwrap(), golden(text));
        }
    }

    #[test]
    fn attributes_a_later_version_adds_are_overlooked() {
        let mut attributes = golden(include_str!("golden/image-1-least.json"));
        attributes.insert("colour".to_owned(), json!("blue"));
        attributes.insert("lsi1".to_owned(), json!("x"));
        assert_eq!(Image::from(decode::<ImageRecord>(attributes).unwrap()), least());
    }

    #[test]
    fn what_is_no_record_is_a_fault_of_ours() {
        for (name, value) in [
            ("status", json!("lost")),
            ("id", json!("web")),
            ("size", json!(-1)),
            ("created_at", Value::Null),
        ] {
            let mut attributes = golden(include_str!("golden/image-1.json"));
            attributes.insert(name.to_owned(), value);
            assert!(matches!(decode::<ImageRecord>(attributes), Err(Error::Internal(_))), "{name}");
        }
    }

    #[tokio::test]
    async fn a_listing_row_tells_all_but_what_is_under_way() {
        let (catalog, _) = catalog(1);
        let image = Image {
            upload: Some(location(&image(1), "default", "01ARYZ6S42ZZZZZZZZZZZZZZZZ")),
            ..active(&image(1), 5)
        };
        catalog.create(&image, &any()).await.unwrap();
        let rows = listed(&catalog, Walk::new(&[Scope::All], ASCENDING, 10)).await;
        assert_eq!(rows, [Image { upload: None, ..image }]);
    }

    #[tokio::test]
    async fn a_revision_counts_changes_and_guards_them() {
        let (catalog, _) = catalog(1);
        catalog.create(&image(1), &any()).await.unwrap();
        let first = catalog.find(&id(1)).await.unwrap().unwrap();
        assert!(matches!(
            catalog.create(&image(1), &any()).await,
            Err(BoundedError::Change(ChangeError::Lost))
        ));
        let second = catalog.replace(&first, &named(1, "second")).await.unwrap();
        assert_eq!(catalog.find(&id(1)).await.unwrap().unwrap(), second);
        assert!(matches!(catalog.replace(&first, &named(1, "late")).await, Err(ChangeError::Lost)));
        catalog.replace(&second, &named(1, "third")).await.unwrap();
        assert_eq!(catalog.find(&id(1)).await.unwrap().unwrap().image, named(1, "third"));
    }

    #[tokio::test]
    async fn more_than_an_item_may_hold_is_told_as_a_limit() {
        let (catalog, _) = catalog(1);
        let mut image = image(1);
        image.properties.insert("notes".to_owned(), "x".repeat(MAX_ITEM_BYTES));
        assert!(matches!(
            catalog.create(&image, &any()).await,
            Err(BoundedError::Change(ChangeError::Table(Error::LimitExceeded(_))))
        ));
    }
}

mod changes {
    use super::*;

    #[tokio::test]
    async fn a_change_rewrites_the_record_and_each_row() {
        assert_eq!(
            written(&image(1), &named(1, "new")).await,
            ["put image#ID record", "put list#all#0 000001Z", "put list#owner#p1#0 000001Z",]
        );
    }

    #[tokio::test]
    async fn a_change_that_no_list_shows_rewrites_the_record_alone() {
        assert_eq!(written(&image(1), &Image { members: 3, ..image(1) }).await, ["put image#ID record"]);
        let begun = location(&image(1), "default", "01ARYZ6S42ZZZZZZZZZZZZZZZZ");
        assert_eq!(
            written(&image(1), &Image { upload: Some(begun), ..image(1) }).await,
            ["put image#ID record"]
        );
    }

    #[tokio::test]
    async fn a_change_of_visibility_moves_the_rows_of_one_scope() {
        let to = |visibility| Image { visibility, ..image(1) };
        let kept = ["put image#ID record", "put list#all#0 000001Z", "put list#owner#p1#0 000001Z"];
        for (before, after, removed, put) in [
            (Visibility::Private, Visibility::Shared, None, None),
            (Visibility::Shared, Visibility::Public, None, Some("put public")),
            (Visibility::Shared, Visibility::Community, None, Some("put community")),
            (Visibility::Public, Visibility::Private, Some("remove public"), None),
            (Visibility::Public, Visibility::Community, Some("remove public"), Some("put community")),
        ] {
            let both = |moved: &str| {
                let (verb, scope) = moved.split_once(' ').unwrap();
                [format!("{verb} list#{scope}#0 000001Z"), format!("{verb} ids#{scope}#0 ID")]
            };
            let moved = removed.into_iter().chain(put).flat_map(both);
            let mut expected: Vec<_> = kept.map(str::to_owned).into_iter().chain(moved).collect();
            expected.sort_unstable();
            let mut written = written(&to(before), &to(after)).await;
            written.sort_unstable();
            assert_eq!(written, expected, "{before:?} to {after:?}");
        }
    }

    #[tokio::test]
    async fn a_change_of_owner_moves_its_rows_and_its_usage() {
        let before = active(&image(1), 5);
        assert_eq!(
            written(&before, &Image { owner: Some("p2".parse().unwrap()), ..before.clone() }).await,
            [
                "put image#ID record",
                "remove list#owner#p1#0 000001Z",
                "remove ids#owner#p1#0 ID",
                "put list#all#0 000001Z",
                "put list#owner#p2#0 000001Z",
                "put ids#owner#p2#0 ID",
                "add project#p1 images -1 bytes -5",
                "add project#p2 images +1 bytes +5",
            ]
        );
        assert_eq!(
            written(&before, &Image { owner: None, ..before.clone() }).await,
            [
                "put image#ID record",
                "remove list#owner#p1#0 000001Z",
                "remove ids#owner#p1#0 ID",
                "put list#all#0 000001Z",
                "add project#p1 images -1 bytes -5",
            ]
        );
    }

    #[tokio::test]
    async fn a_deleted_image_keeps_its_record_alone() {
        let before = Image { visibility: Visibility::Public, ..active(&image(1), 5) };
        assert_eq!(
            written(&before, &Image { status: Status::Deleted, locations: Vec::new(), ..before.clone() })
                .await,
            [
                "put image#ID record",
                "remove list#all#0 000001Z",
                "remove ids#all#0 ID",
                "remove list#owner#p1#0 000001Z",
                "remove ids#owner#p1#0 ID",
                "remove list#public#0 000001Z",
                "remove ids#public#0 ID",
                "add project#p1 images -1 bytes -5",
            ]
        );
    }

    #[tokio::test]
    async fn a_change_of_format_rewrites_every_row() {
        let after = Image { disk_format: Some(DiskFormat::Raw), ..image(1) };
        assert_eq!(
            written(&image(1), &after).await,
            [
                "put image#ID record",
                "put list#all#0 000001Z",
                "put ids#all#0 ID",
                "put list#owner#p1#0 000001Z",
                "put ids#owner#p1#0 ID",
            ]
        );
    }

    #[tokio::test]
    async fn rows_stay_where_they_are_when_the_image_changes() {
        let (catalog, sheet) = catalog(4);
        let before = Image { visibility: Visibility::Public, ..image(1) };
        catalog.create(&before, &any()).await.unwrap();
        let keys: Vec<_> = sheet.items.lock().unwrap().keys().cloned().collect();
        let seen = catalog.find(&id(1)).await.unwrap().unwrap();
        catalog.replace(&seen, &active(&Image { name: None, ..before }, 9)).await.unwrap();
        assert_eq!(sheet.items.lock().unwrap().keys().cloned().collect::<Vec<_>>(), keys);
    }

    fn usage_of(before: Option<&Image>, after: &Image) -> Vec<String> {
        usage::difference(before, after, &any()).iter().map(told).collect()
    }

    #[test]
    fn usage_counts_live_images_and_stored_bytes() {
        let queued = image(1);
        let saving = Image { status: Status::Saving, size: Some(7), ..queued.clone() };
        let active = active(&queued, 7);
        let announced = Image { reserved: 7, size: None, ..saving.clone() };
        let staged = Image { status: Status::Uploading, ..saving.clone() };
        let deleted = Image { status: Status::Deleted, locations: Vec::new(), ..active.clone() };
        let gone = Image { status: Status::Deleted, ..queued.clone() };
        let nobodys = Image { owner: None, ..active.clone() };
        for (before, after, expected) in [
            (None, &queued, "add project#p1 images +1"),
            (None, &active, "add project#p1 images +1 bytes +7"),
            (None, &nobodys, ""),
            (Some(&queued), &saving, "add project#p1 uploading +1"),
            (Some(&saving), &active, "add project#p1 bytes +7 uploading -1"),
            (Some(&queued), &announced, "add project#p1 bytes +7 uploading +1"),
            (Some(&announced), &active, "add project#p1 uploading -1"),
            (Some(&announced), &queued, "add project#p1 bytes -7 uploading -1"),
            (Some(&announced), &gone, "add project#p1 images -1 bytes -7 uploading -1"),
            (Some(&queued), &staged, "add project#p1 uploading +1 staged +7"),
            (Some(&staged), &active, "add project#p1 bytes +7 uploading -1 staged -7"),
            (Some(&active), &active, ""),
            (Some(&active), &deleted, "add project#p1 images -1 bytes -7"),
            (Some(&queued), &Image { status: Status::Deleted, ..queued.clone() }, "add project#p1 images -1"),
            (Some(&nobodys), &active, "add project#p1 images +1 bytes +7"),
            (Some(&deleted), &deleted, ""),
        ] {
            assert_eq!(usage_of(before, after).join(", "), expected, "{before:?} to {after:?}");
        }
    }
}
