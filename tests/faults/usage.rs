//! Counters of what projects use, held against what their images are, whatever was done and whatever failed.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::json;
use shared::adapters::memory::MemoryTable;
use shared::error::{Cause, Error};
use shared::id::ProjectId;
use shared::image::{Image, Patch, PatchForm};
use shared::operations::{UploadRequest, recount};
use shared::ports::Table;
use shared::transfer::Body;
use shared::usage::Usage;
use tests::callers::{MEMBER, admin, caller};
use tests::engines::dynamodb::Dynamo;
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::world::{PART, World};

const PROJECTS: [&str; 2] = ["p1", "p2"];

fn project(at: usize) -> ProjectId {
    PROJECTS[at % PROJECTS.len()].parse().unwrap()
}

/// Something that is done to one of some images.
#[derive(Clone, Debug)]
enum Step {
    Create { project: usize },
    Upload { image: usize, size: usize, announced: bool },
    Stage { image: usize, size: usize, announced: bool },
    Move { image: usize, project: usize },
    Delete { image: usize },
    Reap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2_usize).prop_map(|project| Step::Create { project }),
        4 => (0..4_usize, 0..PART * 3, any::<bool>())
            .prop_map(|(image, size, announced)| Step::Upload { image, size, announced }),
        2 => (0..4_usize, 0..PART * 3, any::<bool>())
            .prop_map(|(image, size, announced)| Step::Stage { image, size, announced }),
        2 => (0..4_usize, 0..2_usize).prop_map(|(image, project)| Step::Move { image, project }),
        2 => (0..4_usize).prop_map(|image| Step::Delete { image }),
        1 => Just(Step::Reap),
    ]
}

fn fault() -> impl Strategy<Value = Option<(usize, Fault)>> {
    prop_oneof![
        1 => Just(None),
        2 => (0..9_usize, proptest::sample::select(Fault::ALL.to_vec())).prop_map(Some),
    ]
}

async fn upload(world: &World, image: &Image, size: usize, announced: bool) -> shared::Result<()> {
    let request = UploadRequest { size: announced.then_some(size as u64), store: None, token: None };
    world.data.upload(&admin(), &image.id, &request, body(size)).await
}

fn body(size: usize) -> Body {
    let data = bytes(size);
    let pieces: Vec<Result<Bytes, Cause>> =
        data.chunks(10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures_util::stream::iter(pieces))
}

/// Does a step, disturbed; what it answers does not matter.
async fn done(world: &World, images: &mut Vec<Image>, step: &Step, fault: Option<(usize, Fault)>) {
    world.probe.arm_all(fault);
    let of = |at: usize| images.get(at % images.len().max(1)).cloned();
    match step {
        Step::Create { project: at } => {
            let new = json!({"owner": project(*at), "disk_format": "raw", "container_format": "bare"});
            images.extend(world.images.create(&admin(), new).await);
        }
        Step::Upload { image, size, announced } => {
            let Some(image) = of(*image) else { return };
            let _ = upload(world, &image, *size, *announced).await;
        }
        Step::Stage { image, size, announced } => {
            let Some(image) = of(*image) else { return };
            let announced = announced.then_some(*size as u64);
            let _ = world.data.stage(&admin(), &image.id, announced, body(*size)).await;
        }
        Step::Move { image, project: at } => {
            let Some(image) = of(*image) else { return };
            let change = json!([{"op": "replace", "path": "/owner", "value": project(*at)}]);
            let patch = Patch::parse(PatchForm::V21, change).unwrap();
            let _ = world.images.update(&admin(), &image.id, &patch).await;
        }
        Step::Delete { image } => {
            let Some(image) = of(*image) else { return };
            let _ = world.images.delete(&admin(), &image.id).await;
        }
        Step::Reap => {
            let _ = world.reaper.run().await;
        }
    }
    world.probe.reset();
}

/// Holds the counters of every project against its images.
async fn assert_counted(world: &World, case: &str) -> [Usage; 2] {
    let mut counted = [Usage::default(); 2];
    for (at, counted) in counted.iter_mut().enumerate() {
        let said = world.catalog.usage(&project(at)).await.unwrap();
        *counted = world.catalog.count_usage(&project(at)).await.unwrap();
        assert_eq!(said, *counted, "{case}: {}", project(at));
    }
    counted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn counters_are_what_images_are(steps in proptest::collection::vec((step(), fault()), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            let mut images = Vec::new();
            for (step, fault) in &steps {
                done(&world, &mut images, step, *fault).await;
                // At every moment, not only once it has settled: they are written with what they count.
                assert_counted(&world, &format!("{step:?} {fault:?}")).await;
            }
            super::recover(&world).await;
            let usage = assert_counted(&world, "after the reaper").await;
            // What is staged waits for an import, and for nothing else.
            let mut staged = 0;
            for image in &images {
                staged += u64::from(world.record(image).await.get("staged").is_some());
            }
            assert_eq!(usage.map(|usage| usage.uploading).iter().sum::<u64>(), staged);
        });
    }
}

#[tokio::test]
async fn the_last_of_a_limit_is_given_once() {
    let world = World::default();
    world.limits.set(&[("image_count_total", 5)]);
    let admin = admin();
    let all = (0..16).map(|_| world.images.create(&admin, json!({"owner": "p1"})));
    let outcomes = join_all(all).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5, "{outcomes:?}");
    let refused = |outcome: &shared::Result<Image>| matches!(outcome, Ok(_) | Err(Error::LimitExceeded(_)));
    assert!(outcomes.iter().all(refused), "{outcomes:?}");
    assert_eq!(assert_counted(&world, "created").await[0].images, 5);
}

#[tokio::test]
async fn announced_bytes_are_given_once_however_many_ask_at_once() {
    let world = World::default();
    let mut images = Vec::new();
    for _ in 0..8 {
        images.push(
            world.create(json!({"owner": "p1", "disk_format": "raw", "container_format": "bare"})).await,
        );
    }
    // A little under a third of a MiB each, so that three fit.
    world.limits.set(&[("image_size_total", 1)]);
    let size = (1 << 20) / 3 - 1;
    let outcomes = join_all(images.iter().map(|image| upload(&world, image, size, true))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3, "{outcomes:?}");
    let usage = assert_counted(&world, "uploaded").await[0];
    assert_eq!(usage, Usage { images: 8, bytes: 3 * size as u64, uploading: 0, staged: 0 });
}

/// Many clients of one project at once: its counters are one item, and nobody is turned away for that.
async fn created_by_all(table: Arc<dyn Table>) {
    let worlds: Vec<_> = (0..32).map(|_| World::on(Arc::clone(&table))).collect();
    let member = caller(MEMBER).unwrap();
    let clients = worlds.iter().enumerate().map(|(number, world)| {
        let member = &member;
        async move {
            for count in 0..4_usize {
                let id = format!("00000000-0000-4000-8000-{:012x}", number * 100 + count);
                world.images.create(member, json!({"id": id})).await.unwrap();
            }
        }
    });
    join_all(clients).await;
    assert_eq!(assert_counted(&worlds[0], "created").await[0].images, 128);
}

#[tokio::test(start_paused = true)]
async fn of_128_images_created_at_once_each_counts() {
    created_by_all(Arc::new(MemoryTable::new())).await;
}

#[tokio::test(start_paused = true)]
async fn of_128_images_created_at_once_on_dynamodb_each_counts() {
    created_by_all(Arc::new(Dynamo::new().table())).await;
}

#[tokio::test]
async fn a_recount_of_a_project_whose_images_change_begins_again() {
    let world = World::default();
    let image = world.create(json!({"owner": "p1"})).await;
    let counted = Usage { images: 1, ..Usage::default() };
    assert_eq!(recount(&world.catalog, &project(0)).await.unwrap(), (counted, counted));
    let (project, admin) = (project(0), admin());
    let (recounted, deleted) =
        tokio::join!(recount(&world.catalog, &project), world.images.delete(&admin, &image.id));
    deleted.unwrap();
    recounted.unwrap();
    assert_eq!(assert_counted(&world, "recounted").await, [Usage::default(); 2]);
}
