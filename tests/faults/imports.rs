//! Imports, with every fault at every port call of who asks for one and of who does it. Then time passes, others do what is due and the
//! imports that are asked for, until nothing is; and the table is held against the stores.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use shared::adapters::memory::MemoryStore;
use shared::id::RequestId;
use shared::identity::Token;
use shared::image::{Image, Location};
use shared::operations::ImportCall;
use shared::ports::Store as _;
use tests::callers::{ADMIN, admin};
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::web::Page;
use tests::world::{IMPORT_LIFE, LEASE, PART, World};

use super::settle;

const STORES: &[(&str, i64)] = &[("far", -5)];
const URL: &str = "https://images.example/disk";

async fn ask(world: &World, image: &Image, body: Value) -> shared::Result<()> {
    let (caller, request) = (admin(), RequestId::from_random(7));
    let token = Token::new(ADMIN);
    let call = ImportCall { caller: &caller, request: &request, store: None, token: Some(&token) };
    world.imports.import(&call, &image.id, &body).await
}

/// Holds the table and the stores against each other. In which stores the data is.
async fn check(world: &World, image: &Image, data: &[u8], case: &str) -> BTreeSet<String> {
    let found = world.catalog.find(&image.id).await.unwrap().unwrap().image;
    let named: BTreeSet<String> =
        found.locations.iter().map(|at| format!("{}/{}", at.store, at.key)).collect();
    let others = &world.other_stores["far"];
    let stored = [("default", &world.store), ("far", others)];
    let kept: BTreeSet<String> = stored
        .iter()
        .flat_map(|(name, store)| store.keys().into_iter().map(move |key| format!("{name}/{key}")))
        .collect();
    assert_eq!(kept, named, "{case}: what is stored, and what the record names");
    for at in &found.locations {
        let store = if at.store.as_str() == "far" { others } else { &world.store };
        assert_eq!(read(store, at, data.len()).await, data, "{case}");
    }
    assert!(found.import.as_ref().is_none_or(|course| !course.is_open()), "{case}: it goes on for ever");
    let is_active = found.status.name() == "active";
    assert_eq!(is_active, !found.locations.is_empty(), "{case}: {:?}", found.status);
    assert!(is_active || ["queued", "deleted"].contains(&found.status.name()), "{case}: {:?}", found.status);
    assert_eq!((found.staged, found.upload, found.reserved), (None, None, 0), "{case}");
    let rows = world.rows(&format!("image#{}", image.id)).await;
    let blobs = rows.iter().filter(|row| row.starts_with("blob#")).count();
    assert_eq!(blobs, named.len(), "{case}: {rows:?}");
    let project = image.owner.as_ref().unwrap();
    let usage = world.images.usage(project).await.unwrap();
    assert_eq!(usage, world.catalog.count_usage(project).await.unwrap(), "{case}: a recount");
    assert_eq!(usage.bytes, (data.len() * named.len()) as u64, "{case}: usage");
    found.locations.iter().map(|at| at.store.to_string()).collect()
}

async fn read(store: &MemoryStore, at: &Location, len: usize) -> Vec<u8> {
    let stream = store.read(&at.key, 0..len as u64).await.unwrap();
    stream.try_collect::<Vec<_>>().await.unwrap().concat()
}

/// After how many leases nothing is due any more.
const SETTLED: u64 = IMPORT_LIFE.as_secs() * 4 / LEASE.as_secs();

/// Goes a path with every fault at its first call, at its second and so on, until it has no such call.
async fn each_fault(
    name: &str,
    data: &[u8],
    starts: impl AsyncFn(&World) -> Image,
    goes: impl AsyncFn(&World, &Image),
    ends: &[&[&str]],
) {
    super::each_fault(name, 0, async |at, fault| {
        let world = World::abroad(STORES);
        let image = starts(&world).await;
        world.probe.arm(at, fault);
        goes(&world, &image).await;
        if world.probe.calls().len() <= at {
            return false;
        }
        let case = format!("{name}, {fault:?} at call {at}: {:?}", world.probe.calls());
        settle(&world, SETTLED, &case).await;
        let stores = check(&world, &image, data, &case).await;
        let stores: Vec<&str> = stores.iter().map(String::as_str).collect();
        assert!(ends.contains(&stores.as_slice()), "{case}: {stores:?}");
        true
    })
    .await;
}

fn both() -> Value {
    json!({"all_stores": true})
}

fn staged(more: &Value) -> Value {
    with(json!({"method": {"name": "glance-direct"}}), more)
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// A fault that passes costs time, and no import: only who asks may not be told that it was taken.
#[tokio::test]
async fn an_import_of_what_was_staged() {
    let data = bytes(PART * 2 + 7);
    for all_must in [true, false] {
        let starts = async |world: &World| {
            let image = world.queued().await;
            world.stage(&image, &data).await.unwrap();
            image
        };
        let goes = async |world: &World, image: &Image| {
            let body = with(staged(&both()), &json!({"all_stores_must_succeed": all_must}));
            if ask(world, image, body.clone()).await.is_err() {
                // It may have been taken all the same: then a second one is a conflict.
                world.probe.reset();
                let _ = ask(world, image, body).await;
            }
            world.work().await;
        };
        each_fault("import of what was staged", &data, starts, goes, &[&["default", "far"]]).await;
    }
}

#[tokio::test]
async fn an_import_from_a_url() {
    let data = bytes(PART * 2 + 7);
    for (is_silent, tag) in [(false, Some("\"a\"")), (true, None)] {
        let starts = async |world: &World| {
            world.web.put(URL, Page { bytes: data.clone(), is_silent, tag, ..Page::default() });
            let image = world.queued().await;
            let body = with(json!({"method": {"name": "web-download", "uri": URL}}), &both());
            ask(world, &image, body).await.unwrap();
            image
        };
        let goes = async |world: &World, _: &Image| world.work().await;
        each_fault("import from a URL", &data, starts, goes, &[&["default", "far"]]).await;
    }
}

/// What another region says is asked for once, and written down before anything is fetched.
#[tokio::test]
async fn an_import_from_another_region() {
    let data = bytes(PART * 2 + 7);
    let there = "36d4b546-64a2-4bb9-bdd0-ba676aa48f2c";
    let url = format!("https://image.two.example/v2/images/{there}");
    for (size, ends) in [(data.len(), &[&["default", "far"][..]][..]), (5, &[&[][..]])] {
        let starts = async |world: &World| {
            let said = json!({
                "status": "active", "size": size, "disk_format": "raw", "container_format": "bare", "hw_disk_bus": "scsi",
            });
            world.regions.put("two", "public", "https://image.two.example");
            world.web.put(&url, Page { bytes: said.to_string().into_bytes(), ..Page::default() });
            world.web.put(&format!("{url}/file"), Page { bytes: data.clone(), ..Page::default() });
            world.queued().await
        };
        let goes = async |world: &World, image: &Image| {
            let method = json!({"name": "glance-download", "glance_region": "two", "glance_image_id": there});
            let body = with(json!({ "method": method }), &both());
            if ask(world, image, body.clone()).await.is_err() {
                world.probe.reset();
                let _ = ask(world, image, body).await;
            }
            world.work().await;
        };
        each_fault("import from another region", &data, starts, goes, ends).await;
    }
}

#[tokio::test]
async fn a_copy() {
    let data = bytes(PART * 2 + 7);
    let starts = async |world: &World| {
        let image = world.queued().await;
        world.upload(&image, &data).await.unwrap();
        let body = with(json!({"method": {"name": "copy-image"}}), &json!({"stores": ["far"]}));
        ask(world, &image, body).await.unwrap();
        image
    };
    let goes = async |world: &World, _: &Image| world.work().await;
    each_fault("copy", &data, starts, goes, &[&["default", "far"]]).await;
}

#[tokio::test]
async fn an_import_that_is_refused() {
    let data = bytes(PART * 2 + 7);
    let starts = async |world: &World| {
        world.web.put(URL, Page { bytes: data.clone(), breaks_after: Some(70), ..Page::default() });
        let image = world.queued().await;
        let body = with(json!({"method": {"name": "web-download", "uri": URL}}), &both());
        ask(world, &image, body).await.unwrap();
        image
    };
    let goes = async |world: &World, _: &Image| world.work().await;
    each_fault("import that is refused", &data, starts, goes, &[&[]]).await;
}

#[tokio::test]
async fn an_import_whose_image_is_deleted() {
    let data = bytes(PART * 2 + 7);
    for done in 0..2 {
        let starts = async |world: &World| {
            let image = world.queued().await;
            world.stage(&image, &data).await.unwrap();
            ask(world, &image, staged(&both())).await.unwrap();
            for _ in 0..done {
                world.work_once().await;
            }
            image
        };
        let goes = async |world: &World, image: &Image| {
            let _ = world.images.delete(&admin(), &image.id).await;
            world.work().await;
        };
        each_fault("import whose image is deleted", &data, starts, goes, &[&[], &["default", "far"]]).await;
    }
}

/// Of parts that had arrived none is brought again: what two workers bring twice is the part at most that was on its way.
#[tokio::test]
async fn who_takes_over_brings_what_has_not_arrived_alone() {
    let count = 12;
    let data = bytes(PART * count);
    let mut seen = BTreeSet::new();
    for (killed, fault) in (4..24).flat_map(|at| [(at, Fault::Killed), (at, Fault::KilledAfter)]) {
        let world = World::abroad(STORES);
        let image = world.queued().await;
        world.stage(&image, &data).await.unwrap();
        ask(&world, &image, staged(&json!({}))).await.unwrap();
        world.probe.arm(killed, fault);
        world.work().await;
        world.probe.reset();
        let course = world.catalog.find(&image.id).await.unwrap().unwrap().image.import.unwrap();
        let key = &course.targets.first().unwrap().location.key;
        let arrived = world.store.arrived(key, "memory", 0, 1000).await.map_or(0, |parts| parts.len());
        let is_whole = world.store.size(key).await.is_ok();
        world.clock.advance(LEASE * 2);
        world.reaper.run().await.unwrap();
        world.work().await;
        let brought = world.probe.calls().iter().filter(|call| *call == "bring_part").count();
        assert_eq!(brought, if is_whole { 0 } else { count - arrived }, "{fault:?} at {killed}");
        seen.insert(arrived);
        settle(&world, SETTLED, "taken over").await;
        check(&world, &image, &data, "taken over").await;
    }
    assert!(seen.len() > count / 2, "killed between few parts: {seen:?}");
}
