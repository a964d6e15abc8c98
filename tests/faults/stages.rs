//! Staging, whatever fails and whatever comes between: what is staged is there whole or not at all, and goes with its image.

use std::sync::Arc;

use shared::Error;
use shared::format::Rules;
use shared::image::{Image, Patch, PatchForm};
use shared::operations::{Arrival, Arrivals, ArrivalsSettings, Bucket, Owner, Stores};
use shared::ports::{Clock, Store as _, StoreError};
use shared::store::ObjectKey;
use tests::callers::admin;
use tests::fixtures::{TestClock, bytes};
use tests::probe::Fault;
use tests::world::{LEASE, PART, World, completion};
use tokio::sync::Semaphore;

use super::races::{ALL, held_back};
use super::recover;

/// Holds the table and the store against each other. An image that is uploading owns what is staged, and nothing is due to it.
async fn check(world: &World, image: &Image, data: &[u8], case: &str) {
    let record = world.record(image).await;
    if record["status"] != "uploading" {
        return super::check(world, image, data, case).await;
    }
    let key: ObjectKey = record["staged"]["key"].as_str().unwrap().to_owned().try_into().unwrap();
    assert_eq!(world.store.keys(), std::slice::from_ref(&key), "{case}");
    assert_eq!(world.store.size(&key).await.unwrap(), data.len() as u64, "{case}");
    assert_eq!(read(world, &key).await.unwrap(), data, "{case}");
    assert_eq!((&record["size"], record.get("upload")), (&data.len().into(), None), "{case}");
    let rows = world.rows(&format!("image#{}", image.id)).await;
    assert_eq!(rows, [format!("blob#{}", key.blob()), "record".to_owned()], "{case}");
    assert_eq!(world.rows("due#blob#0").await, Vec::<String>::new(), "{case}: due");
    let usage = world.images.usage(image.owner.as_ref().unwrap()).await.unwrap();
    let counted = (usage.images, usage.bytes, usage.uploading, usage.staged);
    assert_eq!(counted, (1, 0, 1, data.len() as u64), "{case}: usage");
}

async fn read(world: &World, key: &ObjectKey) -> Result<Vec<u8>, StoreError> {
    let size = world.store.size(key).await?;
    if size == 0 {
        return Ok(Vec::new());
    }
    let pieces: Vec<bytes::Bytes> =
        futures_util::TryStreamExt::try_collect(world.store.read(key, 0..size).await?).await?;
    Ok(pieces.concat())
}

/// The number of port calls of a stage that nothing disturbs.
async fn calls_of_stage(data: &[u8]) -> usize {
    let world = World::default();
    let image = world.queued().await;
    world.probe.reset();
    world.stage(&image, data).await.unwrap();
    check(&world, &image, data, "undisturbed").await;
    world.probe.calls().len()
}

async fn a_stage_survives_faults(data: &[u8]) {
    let mut cases = 0;
    for at in 0..calls_of_stage(data).await {
        for fault in Fault::ALL {
            let world = World::default();
            let image = world.queued().await;
            world.probe.arm(at, fault);
            let staged = world.stage(&image, data).await;
            let case = format!("{fault:?} at call {at}: {:?}", world.probe.calls());
            recover(&world).await;
            check(&world, &image, data, &case).await;
            let status = world.record(&image).await["status"].clone();
            assert!(status == "queued" || status == "uploading", "{case}: {status}");
            if staged.is_ok() {
                assert_eq!(status, "uploading", "{case}");
            }
            if status == "queued" {
                world.stage(&image, data).await.unwrap();
                check(&world, &image, data, &case).await;
            }
            world.images.delete(&admin(), &image.id).await.unwrap();
            recover(&world).await;
            check(&world, &image, data, &case).await;
            cases += 1;
        }
    }
    println!("{cases} cases of {} bytes", data.len());
}

#[tokio::test]
async fn a_stage_in_one_piece_survives_a_fault_at_every_call() {
    a_stage_survives_faults(&bytes(PART - 1)).await;
}

#[tokio::test]
async fn a_stage_in_parts_survives_a_fault_at_every_call() {
    a_stage_survives_faults(&bytes(PART * 3 + 7)).await;
}

#[tokio::test]
async fn an_empty_stage_survives_a_fault_at_every_call() {
    a_stage_survives_faults(&[]).await;
}

#[tokio::test]
async fn a_delete_of_what_is_staged_survives_a_fault_at_every_call() {
    let data = bytes(PART + 1);
    for at in 0..8 {
        for fault in Fault::ALL {
            let world = World::default();
            let image = world.queued().await;
            world.stage(&image, &data).await.unwrap();
            world.probe.arm(at, fault);
            let deleted = world.images.delete(&admin(), &image.id).await;
            let _ = world.reaper.run().await;
            let case = format!("{fault:?} at call {at}: {:?}", world.probe.calls());
            recover(&world).await;
            check(&world, &image, &data, &case).await;
            if deleted.is_ok() {
                assert_eq!(world.record(&image).await["status"], "deleted", "{case}");
            }
        }
    }
}

/// Starts a stage and waits until bytes are in the store.
async fn uploading(
    world: &Arc<World>,
    data: &[u8],
) -> (Image, Arc<Semaphore>, tokio::task::JoinHandle<shared::Result<()>>) {
    let image = world.queued().await;
    let (body, gate) = held_back(data);
    let (running, id) = (Arc::clone(world), image.id.clone());
    let stage = tokio::spawn(async move { running.data.stage(&admin(), &id, None, body).await });
    while world.record(&image).await["status"] != "uploading" || world.store.keys().is_empty() {
        tokio::task::yield_now().await;
    }
    (image, gate, stage)
}

#[tokio::test]
async fn an_image_that_is_patched_meanwhile_keeps_both() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, stage) = uploading(&world, &data).await;
    let rename = serde_json::json!([{"op": "replace", "path": "/name", "value": "renamed"}]);
    let rename = Patch::parse(PatchForm::V21, rename).unwrap();
    world.images.update(&admin(), &image.id, &rename).await.unwrap();
    gate.add_permits(ALL);
    stage.await.unwrap().unwrap();
    world.images.update(&admin(), &image.id, &rename).await.unwrap();
    assert_eq!(world.record(&image).await["name"], "renamed");
    check(&world, &image, &data, "renamed").await;
}

#[tokio::test]
async fn a_stager_whose_lease_ended_cannot_commit() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, stage) = uploading(&world, &data).await;
    world.clock.advance(LEASE * 2);
    assert_eq!(world.reaper.run().await.unwrap().expired, 1);
    gate.add_permits(ALL);
    assert!(stage.await.unwrap().is_err());
    check(&world, &image, &data, "evicted").await;
    world.stage(&image, &data).await.unwrap();
    check(&world, &image, &data, "again").await;
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_the_image_queued() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, stage) = uploading(&world, &data).await;
    stage.abort();
    // The body breaks with the connection.
    gate.close();
    while world.record(&image).await["status"] != "queued" || !world.rows("due#blob#0").await.is_empty() {
        tokio::task::yield_now().await;
    }
    check(&world, &image, &data, "dropped").await;
}

#[tokio::test]
async fn of_many_stages_and_uploads_at_once_one_wins() {
    let world = World::default();
    let image = world.queued().await;
    let all = (0..8).map(async |number| {
        if number % 2 == 0 {
            world.stage(&image, b"the same bytes").await
        } else {
            world.upload(&image, b"the same bytes").await
        }
    });
    let outcomes = futures_util::future::join_all(all).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let lost = |outcome: &shared::Result<()>| matches!(outcome, Ok(()) | Err(Error::Conflict(_)));
    assert!(outcomes.iter().all(lost), "{outcomes:?}");
    check(&world, &image, b"the same bytes", "winner").await;
}

#[tokio::test]
async fn what_nobody_imports_stays_for_as_long_as_its_image() {
    let world = World::default();
    let (image, data) = (world.queued().await, bytes(PART * 2));
    world.stage(&image, &data).await.unwrap();
    for _ in 0..5 {
        recover(&world).await;
        world.clock.advance(std::time::Duration::from_hours(24 * 365));
    }
    world.reaper.recover().await.unwrap();
    assert_eq!(world.record(&image).await["status"], "uploading");
    check(&world, &image, &data, "a start, years later").await;
}

#[tokio::test]
async fn the_bucket_tells_of_what_is_staged_and_it_stays() {
    let world = World::default();
    let (image, data) = (world.queued().await, bytes(PART * 2));
    world.stage(&image, &data).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&world.clock);
    let stores = Stores::single("default".parse().unwrap(), Arc::new(world.store.clone()));
    let settings = ArrivalsSettings {
        buckets: vec![Bucket {
            store: "default".parse().unwrap(),
            name: "images".to_owned(),
            prefix: String::new(),
        }],
        grace: LEASE,
    };
    let arrivals =
        Arrivals::new(completion(world.catalog.clone(), stores, clock, Rules::default()), settings);
    let path = world.record(&image).await["staged"]["key"].as_str().unwrap().to_owned();
    let arrival = Arrival { bucket: "images".to_owned(), path, at: world.clock.now() };
    assert_eq!(arrivals.arrived(&arrival, None).await.unwrap(), Owner::Image);
    recover(&world).await;
    check(&world, &image, &data, "told").await;
    world.images.delete(&admin(), &image.id).await.unwrap();
    assert_eq!(arrivals.arrived(&arrival, None).await.unwrap(), Owner::Nobody);
    recover(&world).await;
    check(&world, &image, &data, "deleted").await;
}
