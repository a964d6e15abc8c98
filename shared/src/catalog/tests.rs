use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::record::{ImageRecord, decode, encode};
use super::*;
use crate::id::ImageId;
use crate::image::{
    ContainerFormat, Digests, DiskFormat, Image, Location, Sort, SortKey, Status, Visibility,
};
use crate::ports::{
    Addition, Attributes, Change, Condition, Direction, Index, Item, Key, MAX_ITEM_BYTES, Page, Position,
    Query,
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
        created_at: at,
        updated_at: at,
        tags: BTreeSet::new(),
        properties: BTreeMap::new(),
        location: None,
        upload: None,
        reserved: 0,
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
    let location = Some(location(image, "default", "01ARYZ6S41ZZZZZZZZZZZZZZZZ"));
    Image { status: Status::Active, size: Some(size), location, ..image.clone() }
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

    async fn get_batch(&self, _: &[Key]) -> Result<Vec<Item>, TableError> {
        Ok(Vec::new())
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

/// Every image of a list, read `step` rows at a time.
async fn listed(
    catalog: &Catalog,
    scope: Scope,
    sort: Sort,
    name: Option<&str>,
    after: Option<&Image>,
    step: usize,
) -> Vec<Image> {
    let mut listing = catalog.list(&[scope], sort, name, after, step);
    let mut images = Vec::new();
    while let Some(image) = listing.next().await.unwrap() {
        images.push(image);
    }
    images
}

const ASCENDING: Sort = Sort { key: SortKey::CreatedAt, descending: false };

mod members;
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
            location: Some(kept),
            upload: Some(begun),
            ..image
        }
    }

    fn least() -> Image {
        let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        Image { id, name: None, owner: None, ..image(1) }
    }

    /// When the shape changes, the schema does: these files stay, and the records in them must still be read.
    #[test]
    fn schema_1_is_read_and_written_as_it_ever_was() {
        for (text, image, revision) in [
            (include_str!("golden/image-1.json"), everything(), 7),
            (include_str!("golden/image-1-least.json"), least(), 1),
            (include_str!("golden/image-1-shared.json"), Image { members: 3, ..least() }, 4),
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
    async fn a_listing_row_tells_all_but_where_the_bytes_are() {
        let (catalog, _) = catalog(1);
        let image = Image {
            upload: Some(location(&image(1), "default", "01ARYZ6S42ZZZZZZZZZZZZZZZZ")),
            ..active(&image(1), 5)
        };
        catalog.create(&image, &any()).await.unwrap();
        let rows = listed(&catalog, Scope::All, ASCENDING, None, None, 10).await;
        assert_eq!(rows, [Image { location: None, upload: None, ..image }]);
    }

    #[tokio::test]
    async fn a_revision_counts_changes_and_guards_them() {
        let (catalog, _) = catalog(1);
        catalog.create(&image(1), &any()).await.unwrap();
        let first = catalog.find(&id(1)).await.unwrap().unwrap();
        assert!(matches!(catalog.create(&image(1), &any()).await, Err(ChangeError::Lost)));
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
            Err(ChangeError::Table(Error::LimitExceeded(_)))
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
    async fn a_change_of_visibility_moves_one_row() {
        let to = |visibility| Image { visibility, ..image(1) };
        let kept = ["put image#ID record", "put list#all#0 000001Z", "put list#owner#p1#0 000001Z"];
        for (before, after, removed, put) in [
            (Visibility::Private, Visibility::Shared, None, None),
            (Visibility::Shared, Visibility::Public, None, Some("put list#public#0 000001Z")),
            (Visibility::Shared, Visibility::Community, None, Some("put list#community#0 000001Z")),
            (Visibility::Public, Visibility::Private, Some("remove list#public#0 000001Z"), None),
            (
                Visibility::Public,
                Visibility::Community,
                Some("remove list#public#0 000001Z"),
                Some("put list#community#0 000001Z"),
            ),
        ] {
            let mut expected: Vec<&str> = kept.into_iter().chain(removed).chain(put).collect();
            expected.sort_unstable();
            let mut written = written(&to(before), &to(after)).await;
            written.sort_unstable();
            assert_eq!(written, expected, "{before:?} to {after:?}");
        }
    }

    #[tokio::test]
    async fn a_change_of_owner_moves_its_row_and_its_usage() {
        let before = active(&image(1), 5);
        assert_eq!(
            written(&before, &Image { owner: Some("p2".parse().unwrap()), ..before.clone() }).await,
            [
                "put image#ID record",
                "remove list#owner#p1#0 000001Z",
                "put list#all#0 000001Z",
                "put list#owner#p2#0 000001Z",
                "add project#p1 images -1 bytes -5",
                "add project#p2 images +1 bytes +5",
            ]
        );
        assert_eq!(
            written(&before, &Image { owner: None, ..before.clone() }).await,
            [
                "put image#ID record",
                "remove list#owner#p1#0 000001Z",
                "put list#all#0 000001Z",
                "add project#p1 images -1 bytes -5",
            ]
        );
    }

    #[tokio::test]
    async fn a_deleted_image_keeps_its_record_alone() {
        let before = Image { visibility: Visibility::Public, ..active(&image(1), 5) };
        assert_eq!(
            written(&before, &Image { status: Status::Deleted, location: None, ..before.clone() }).await,
            [
                "put image#ID record",
                "remove list#all#0 000001Z",
                "remove list#owner#p1#0 000001Z",
                "remove list#public#0 000001Z",
                "add project#p1 images -1 bytes -5",
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
        let deleted = Image { status: Status::Deleted, location: None, ..active.clone() };
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

mod counters {
    use super::*;
    use crate::adapters::memory::MemoryTable;
    use crate::ports::ProjectLimits;
    use crate::usage::Usage;

    fn allowed(limits: &[(&str, i64)]) -> Allowance {
        let all = ["image_size_total", "image_stage_total", "image_count_total", "image_count_uploading"];
        let all = all.map(|name| (name.to_owned(), -1)).into_iter();
        (&ProjectLimits::new(all.chain(limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit)))))
            .into()
    }

    #[test]
    fn what_is_allowed_bounds_what_there_is_more_of() {
        let limits = [("image_size_total", 1), ("image_count_total", 9), ("image_count_uploading", 3)];
        let limits = allowed(&limits);
        let queued = image(1);
        let saving = Image { status: Status::Saving, ..queued.clone() };
        let announced = Image { reserved: 7, ..saving.clone() };
        let moved = Image { owner: Some("p2".parse().unwrap()), ..queued.clone() };
        for (before, after, expected) in [
            (None, &queued, "add project#p1 images +1 to 9"),
            (Some(&queued), &saving, "add project#p1 bytes +0 to 1048576 uploading +1 to 3"),
            (Some(&queued), &announced, "add project#p1 bytes +7 to 1048576 uploading +1 to 3"),
            (Some(&announced), &queued, "add project#p1 bytes -7 uploading -1"),
            (Some(&queued), &moved, "add project#p1 images -1, add project#p2 images +1 to 9"),
        ] {
            let moved: Vec<_> = usage::difference(before, after, &limits).iter().map(told).collect();
            assert_eq!(moved.join(", "), expected, "{before:?} to {after:?}");
        }
    }

    #[tokio::test]
    async fn a_limit_lets_through_as_many_as_it_says() {
        let catalog = Catalog::new(Arc::new(MemoryTable::new()), 1);
        let limits = allowed(&[("image_count_total", 2)]);
        for number in 1..=2 {
            catalog.create(&image(number), &limits).await.unwrap();
        }
        assert!(matches!(catalog.create(&image(3), &limits).await, Err(ChangeError::OverLimit)));
        assert!(
            matches!(catalog.create(&image(1), &limits).await, Err(ChangeError::Lost)),
            "the id is taken"
        );
        let others = Image { owner: Some("p2".parse().unwrap()), ..image(3) };
        catalog.create(&others, &limits).await.unwrap();
        assert_eq!(catalog.find(&id(3)).await.unwrap().unwrap().image, others);
    }

    #[tokio::test]
    async fn a_recount_sets_counters_that_went_wrong_and_no_others() {
        let table = Arc::new(MemoryTable::new());
        let catalog = Catalog::new(Arc::clone(&table) as Arc<dyn Table>, 4);
        let project = "p1".parse().unwrap();
        for number in 1..=120 {
            catalog.create(&image(number), &any()).await.unwrap();
        }
        let seen = catalog.find(&id(7)).await.unwrap().unwrap();
        catalog.replace(&seen, &active(&seen.image, 9)).await.unwrap();
        let seen = catalog.find(&id(8)).await.unwrap().unwrap();
        let saving = Image { status: Status::Saving, reserved: 5, ..seen.image.clone() };
        catalog.replace(&seen, &saving).await.unwrap();
        let right = Usage { images: 120, bytes: 14, uploading: 1, staged: 0 };
        assert_eq!(catalog.usage(&project).await.unwrap(), right);
        assert_eq!(catalog.recount_usage(&project).await.unwrap(), (right, right));

        let key = Key { partition: "project#p1".to_owned(), sort: "usage".to_owned() };
        let wrong = vec![Addition::new("images", -200), Addition::new("staged", 3)];
        table.commit(Write::default().with(Change::Add(key.clone(), wrong))).await.unwrap();
        let (said, counted) = catalog.recount_usage(&project).await.unwrap();
        assert_eq!((said, counted), (Usage { images: 0, staged: 3, ..right }, right));
        assert_eq!(catalog.usage(&project).await.unwrap(), right);

        table.commit(Write::default().with(Change::Remove(key, Condition::Always))).await.unwrap();
        assert_eq!(catalog.recount_usage(&project).await.unwrap(), (Usage::default(), right));
        let nobody = "p3".parse().unwrap();
        assert_eq!(catalog.recount_usage(&nobody).await.unwrap(), (Usage::default(), Usage::default()));
    }
}

mod orders {
    use super::*;

    /// Names that hold what keys are made of, or sort near it.
    const NAMES: [&str; 12] =
        ["", " ", "!", "#", "a", "a\u{2}", "a b", "a#b", "a-b", "b", "\u{e4}", "\u{ffff}"];

    #[tokio::test]
    async fn names_sort_as_their_bytes_do_whatever_follows_them() {
        let (catalog, _) = catalog(1);
        // Registered the other way round, so that time does not help.
        for (number, name) in (1..).zip(NAMES.iter().rev()) {
            catalog.create(&named(number, name), &any()).await.unwrap();
        }
        for step in [1, 2, 5, 100] {
            for descending in [false, true] {
                let sort = Sort { key: SortKey::Name, descending };
                let images = listed(&catalog, Scope::All, sort, None, None, step).await;
                let mut names: Vec<_> = images.iter().map(|image| image.name.as_deref().unwrap()).collect();
                if descending {
                    names.reverse();
                }
                assert_eq!(names, NAMES, "{step} rows a query, descending {descending}");
            }
        }
    }

    #[tokio::test]
    async fn every_marker_leads_to_the_rest_of_the_list() {
        let (catalog, _) = catalog(4);
        for (number, name) in (1..).zip(NAMES.iter().chain(&["a\u{1}", "a\u{1}b", "a", "a"])) {
            catalog.create(&named(number, name), &any()).await.unwrap();
        }
        for key in [SortKey::Name, SortKey::CreatedAt, SortKey::UpdatedAt, SortKey::Size, SortKey::Status] {
            for descending in [false, true] {
                let sort = Sort { key, descending };
                let all = listed(&catalog, Scope::All, sort, None, None, 3).await;
                assert_eq!(all.len(), NAMES.len() + 4);
                for (at, marker) in all.iter().enumerate() {
                    let rest = listed(&catalog, Scope::All, sort, None, Some(marker), 3).await;
                    assert_eq!(rest, all[at + 1..], "{sort:?} behind {:?}", marker.name);
                }
            }
        }
    }

    #[tokio::test]
    async fn a_list_by_name_holds_that_name_alone() {
        let (catalog, _) = catalog(2);
        let others = ["we", "web-base", "web\u{2}", "web\u{0}", "webs", "Web", "", "web "];
        for (number, name) in (1..).zip(["web"].iter().chain(&others).chain(&["web"])) {
            catalog.create(&named(number, name), &any()).await.unwrap();
        }
        catalog.create(&Image { name: None, ..image(50) }, &any()).await.unwrap();
        let sort = Sort::default();
        for step in [1, 10] {
            let images = listed(&catalog, Scope::All, sort, Some("web"), None, step).await;
            let ids: Vec<_> = images.into_iter().map(|image| image.id).collect();
            assert_eq!(ids, [id(10), id(1)], "newest first");
            for name in others.iter().filter(|name| !name.is_empty()) {
                assert_eq!(
                    listed(&catalog, Scope::All, sort, Some(name), None, step).await.len(),
                    1,
                    "{name:?}"
                );
            }
        }
        let unnamed = listed(&catalog, Scope::All, sort, Some(""), None, 10).await;
        assert_eq!(unnamed.len(), 2, "no name and an empty one are one place: the filter tells them apart");
    }

    #[test]
    fn the_range_of_a_name_holds_its_keys_and_no_others() {
        let range = key::named("web");
        let place = |name: &str| key::indexed(Index::First, &named(1, name));
        assert!(range.contains(&place("web")));
        for other in ["", "we", "web-base", "web\u{2}", "web\u{0}", "webs", "web0", "\u{1}web"] {
            assert!(!range.contains(&place(other)), "{other:?}");
        }
        // A name that goes on with the separator itself is in the range too: the filter sorts it out.
        assert!(range.contains(&place("web\u{1}x")));
    }

    #[test]
    fn sizes_sort_as_numbers_and_none_counts_as_0() {
        let place = |size| key::indexed(Index::Third, &Image { size, ..image(1) });
        let sizes = [0, 1, 9, 10, 99, 100, 1 << 40, u64::MAX];
        let places = sizes.map(|size| place(Some(size)));
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert_eq!(place(None), place(Some(0)));
        assert!(place(None) < key::indexed(Index::Third, &Image { size: None, ..image(2) }), "ties by time");
    }

    #[test]
    fn an_index_attribute_fits_the_table_whatever_the_name() {
        let longest = key::indexed(Index::First, &named(1, &"\u{ffff}".repeat(255)));
        assert!(longest.len() <= 1024, "{}", longest.len());
        let owner = "\u{10ffff}".repeat(255).parse().unwrap();
        assert!(key::listing_partition(&Scope::Owner(owner), 0).len() <= 2048);
    }

    #[test]
    fn shards_spread_the_widest_scopes_and_stay_where_they_are() {
        let spread = |scope: &Scope, shards| {
            let keys = (0..1000).map(|number| key::listing(scope, shards, &image(number)).partition);
            keys.fold(BTreeMap::<_, u32>::new(), |mut counts, partition| {
                *counts.entry(partition).or_default() += 1;
                counts
            })
        };
        let all = spread(&Scope::All, 4);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["list#all#0", "list#all#1", "list#all#2", "list#all#3"]);
        assert!(all.values().all(|count| (150..=350).contains(count)), "{all:?}");
        assert_eq!(spread(&Scope::Community, 4).len(), 1);
        assert_eq!(spread(&Scope::Owner("p1".parse().unwrap()), 4).len(), 1);
        assert_eq!(spread(&Scope::All, 1).len(), 1);
        // These must never change: rows are where they were written.
        let shards = (0..8).map(|number| key::listing(&Scope::Public, 4, &image(number)).partition);
        let shards: Vec<_> = shards.map(|partition| partition.replace("list#public#", "")).collect();
        assert_eq!(shards, ["1", "2", "3", "0", "1", "2", "3", "0"]);
    }

    #[test]
    fn owners_do_not_meet_in_one_partition() {
        let partition = |owner: &str| key::listing_partition(&Scope::Owner(owner.parse().unwrap()), 0);
        assert_ne!(partition("a#0"), partition("a"));
        let wide =
            [Scope::All, Scope::Public, Scope::Community].map(|scope| key::listing_partition(&scope, 0));
        for owner in ["all", "public", "all#0", "#", "owner"] {
            assert!(!wide.contains(&partition(owner)), "{owner}");
        }
    }

    proptest! {
        #[test]
        fn two_names_sort_as_they_do_themselves(a in "[ -~\u{e4}-\u{fff}]{0,8}", b in "[ -~\u{e4}-\u{fff}]{0,8}") {
            let (first, second) = (key::indexed(Index::First, &named(1, &a)), key::indexed(Index::First, &named(1, &b)));
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
        }
    }
}
