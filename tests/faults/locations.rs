//! Data that others have written, with every fault at every port call of registering it and of looking at it. Then others do
//! what is due until nothing is, and what the table says is held together.

use serde_json::{Value, json};
use shared::identity::Caller;
use shared::image::{Image, Relocation};
use shared::operations::Shown;
use tests::callers::{admin, caller};
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::world::{LEASE, STRETCH, TASK_LIFE, World};

use super::settle;

const NAME: &str = "others/a";

fn service() -> Caller {
    caller("services:admin,service").unwrap()
}

fn data() -> Vec<u8> {
    bytes(usize::try_from(STRETCH).unwrap() * 2 + 1)
}

fn sha512() -> String {
    use sha2::Digest as _;
    shared::hexadecimal::encode(&sha2::Sha512::digest(data()))
}

async fn add(world: &World, image: &Image, given: Option<&str>) -> shared::Result<()> {
    let mut body = json!({"url": format!("s3://pictures/{NAME}")});
    if let Some(value) = given {
        body["validation_data"] = json!({"os_hash_algo": "sha512", "os_hash_value": value});
    }
    let request = "req-0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".to_owned().try_into().unwrap();
    world.locations.add(&service(), &request, &image.id, body).await
}

/// Holds the record, the rows, the counters and the task against each other. Answers the image's status.
async fn check(world: &World, image: &Image, case: &str) -> String {
    let record = world.record(image).await;
    let status = record["status"].as_str().unwrap().to_owned();
    let copies = record["copies"].as_array().map_or(&[][..], Vec::as_slice);
    let keys: Vec<_> =
        record.get("location").into_iter().chain(copies).map(|at| at["key"].to_string()).collect();
    let owned = keys.len();
    assert_eq!(owned > 0, status == "active", "{case}: {keys:?}");
    if status == "active" {
        let is_named = |key: &String| key.ends_with(&format!(" {NAME}\""));
        let there = (keys.iter().filter(|key| !is_named(key)).count(), world.store.keys().len());
        assert_eq!(there.0, there.1, "{case}: {keys:?}");
        assert_eq!(record["size"], data().len(), "{case}");
        if let Some(digests) = record.get("digests") {
            assert_eq!(digests["sha512"], sha512(), "{case}");
        }
    }
    if status == "queued" {
        for left in ["size", "digests", "given", "location", "staged"] {
            assert!(record.get(left).is_none(), "{case}: {left} is left on the queued image");
        }
    }
    assert!(record.get("upload").is_none(), "{case}");
    // It goes with an image that it was registered for, and else never.
    assert!(world.shelf.names().len() == 1 || status == "deleted", "{case}: the object");
    let rows = world.rows(&format!("image#{}", image.id)).await;
    let blobs = rows.iter().filter(|row| row.starts_with("blob#")).count();
    assert_eq!(blobs, owned, "{case}: {rows:?}");
    let project = image.owner.as_ref().unwrap();
    let usage = world.images.usage(project).await.unwrap();
    assert_eq!(usage, world.catalog.count_usage(project).await.unwrap(), "{case}: a recount");
    assert_eq!((usage.uploading, usage.bytes), (0, (data().len() * owned) as u64), "{case}: usage");
    for task in world.catalog.image_tasks(&image.id).await.unwrap() {
        let told = (task.status.name(), status.as_str());
        let fits = matches!(told, ("success", "active") | ("failure", "queued")) || status == "deleted";
        let fits = fits || (told == ("failure", "active") && owned == 1);
        assert!(fits, "{case}: the task is {told:?}");
    }
    status
}

/// The service, where patches may add locations.
fn shown() -> World {
    World::showing(Shown { locations: true, direct_url: false })
}

/// The service, where nothing is hashed.
fn believing() -> World {
    World::registering(false)
}

/// The service, where patches wait for what they name.
fn looking() -> World {
    World::looking(Shown { locations: true, direct_url: false })
}

async fn patch(world: &World, image: &Image, said: Value) -> shared::Result<Image> {
    let location =
        json!({"url": format!("s3://pictures/{NAME}"), "metadata": {"a": 1}, "validation_data": said});
    let request = "req-0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".to_owned().try_into().unwrap();
    world.locations.change(&service(), &request, &image.id, Relocation::Add(None, location)).await
}

async fn queued(_: &World, _: &Image) {}

/// After how many leases nothing is due any more.
const SETTLED: u64 = 8;

/// Goes a path with every fault at its first call, at its second and so on, until it has no such call.
async fn each_fault(
    name: &str,
    make: fn() -> World,
    starts: impl AsyncFn(&World, &Image),
    goes: impl AsyncFn(&World, &Image) -> Option<&'static str>,
) {
    super::each_fault(name, 8, async |at, fault| {
        let world = make();
        world.shelf.put(NAME, &data());
        let image = world.queued().await;
        starts(&world, &image).await;
        world.probe.arm(at, fault);
        let promised = goes(&world, &image).await;
        if world.probe.calls().len() <= at {
            return false;
        }
        let case = format!("{name}, {fault:?} at call {at}: {:?}", world.probe.calls());
        settle(&world, SETTLED, &case).await;
        let status = check(&world, &image, &case).await;
        assert!(promised.is_none_or(|promised| promised == status), "{case}: {promised:?}, {status}");
        true
    })
    .await;
}

async fn goes(world: &World, image: &Image, given: Option<&str>) -> bool {
    let added = add(world, image, given).await;
    let _ = world.reaper.run().await;
    added.is_ok()
}

#[tokio::test]
async fn a_location_that_is_hashed_afterwards() {
    each_fault("location without a hash", shown, queued, async |world, image| {
        goes(world, image, None).await.then_some("active")
    })
    .await;
}

#[tokio::test]
async fn a_location_that_is_held_to_its_hash() {
    let right = sha512();
    each_fault("location with its hash", shown, queued, async |world, image| {
        goes(world, image, Some(&right)).await.then_some("active")
    })
    .await;
}

#[tokio::test]
async fn a_location_that_is_refused() {
    let wrong = "0".repeat(128);
    each_fault("location with another hash", shown, queued, async |world, image| {
        goes(world, image, Some(&wrong)).await;
        Some("queued")
    })
    .await;
}

#[tokio::test]
async fn a_location_that_is_believed() {
    let any = "0".repeat(128);
    each_fault("location whose hash is believed", believing, queued, async |world, image| {
        goes(world, image, Some(&any)).await.then_some("active")
    })
    .await;
}

#[tokio::test]
async fn a_location_of_an_image_that_is_deleted() {
    each_fault("location of an image that is deleted", shown, queued, async |world, image| {
        let _ = add(world, image, None).await;
        let deleted = world.images.delete(&admin(), &image.id).await;
        let _ = world.reaper.run().await;
        deleted.is_ok().then_some("deleted")
    })
    .await;
}

/// An image that has its data gets it in one place more, or stays as it was.
#[tokio::test]
async fn a_location_of_an_image_that_is_active() {
    let starts = async |world: &World, image: &Image| world.upload(image, &data()).await.unwrap();
    each_fault("location of an active image", shown, starts, async |world, image| {
        let location = json!({"url": format!("s3://pictures/{NAME}"), "metadata": {}});
        let request = "req-0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".to_owned().try_into().unwrap();
        let change = Relocation::Add(None, location);
        let _ = world.locations.change(&service(), &request, &image.id, change).await;
        let _ = world.reaper.run().await;
        Some("active")
    })
    .await;
}

/// What a patch names is looked at while it waits, and by others where it could not be.
#[tokio::test]
async fn a_location_that_a_patch_waits_for() {
    each_fault("location of a patch", looking, queued, async |world, image| {
        patch(world, image, json!({})).await.is_ok().then_some("active")
    })
    .await;
    let right = sha512();
    each_fault("location of a patch with its hash", looking, queued, async |world, image| {
        let said = json!({"os_hash_algo": "sha512", "os_hash_value": right});
        let patched = patch(world, image, said).await;
        let _ = world.reaper.run().await;
        patched.is_ok().then_some("active")
    })
    .await;
    let starts = async |world: &World, image: &Image| world.upload(image, &data()).await.unwrap();
    each_fault("location of a patch of an active image", looking, starts, async |world, image| {
        let _ = patch(world, image, json!({})).await;
        Some("active")
    })
    .await;
}

/// A worker that dies after each stretch is followed by one that goes on behind it.
#[tokio::test]
async fn a_location_is_hashed_on_from_where_the_last_worker_stopped() {
    let world = World::registering(true);
    world.shelf.put(NAME, &data());
    let image = world.queued().await;
    add(&world, &image, Some(&sha512())).await.unwrap();
    let (mut reads, mut runs) = (Vec::new(), 0);
    while world.record(&image).await["status"] == "importing" {
        world.probe.reset();
        // Who has written down how far it has come dies; the first one begins the task and asks for the size, too.
        match runs {
            0 => world.probe.arm(9, Fault::KilledAfter),
            1 => world.probe.arm(7, Fault::KilledAfter),
            _ => {}
        }
        let _ = world.reaper.run().await;
        reads.push(world.probe.calls().iter().filter(|call| call.starts_with("read")).count());
        runs += 1;
        assert!(runs < 10, "{:?}", world.probe.calls());
        world.clock.advance(LEASE * 2);
    }
    assert_eq!(reads, [2, 2, 2], "each looks into it and hashes a stretch");
    settle(&world, SETTLED, "in runs").await;
    assert_eq!(check(&world, &image, "in runs").await, "active");
}

/// One call that fails costs a pause, and a source that never answers costs the image nothing but time.
#[tokio::test]
async fn a_source_that_cannot_be_read_is_tried_again_and_then_given_up() {
    let world = World::registering(true);
    world.shelf.put(NAME, &data());
    let image = world.queued().await;
    add(&world, &image, Some(&sha512())).await.unwrap();
    for run in 0..=tests::world::RETRIES {
        assert_eq!(world.record(&image).await["status"], "importing", "run {run}");
        world.probe.reset();
        // What is due, the blob, the lease, the task, in the first run its beginning, the image.
        let calls_before_the_size = if run == 0 { 6 } else { 5 };
        world.probe.arm(calls_before_the_size, Fault::Refused);
        world.reaper.run().await.unwrap();
        let calls = world.probe.calls();
        assert_eq!(calls[calls_before_the_size], "size", "{calls:?}");
        world.clock.advance(LEASE);
    }
    assert_eq!(check(&world, &image, "given up").await, "queued");
}

/// A task whose time is over has been given up, and its image with it.
#[tokio::test]
async fn what_could_not_be_looked_at_in_time_is_given_up() {
    let world = World::registering(true);
    world.shelf.put(NAME, &data());
    let image = world.queued().await;
    add(&world, &image, None).await.unwrap();
    world.clock.advance(TASK_LIFE);
    world.reaper.run().await.unwrap();
    assert_eq!(check(&world, &image, "too late").await, "queued");
    let message = world.catalog.image_tasks(&image.id).await.unwrap()[0].message.clone();
    assert_eq!(message, "The location could not be looked at in time.");
    assert_eq!(world.record(&image).await.get("upload"), None::<&Value>);
}
