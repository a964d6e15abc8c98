//! What happens when two things happen at once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use shared::Error;
use shared::error::Cause;
use shared::id::ImageId;
use shared::image::{Image, Patch, PatchForm};
use shared::operations::UploadRequest;
use shared::transfer::Body;
use tests::callers::admin;
use tests::fixtures::bytes;
use tests::world::{LEASE, PART, World};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A body that gives its first part, and of the rest ten bytes for each permit.
fn held_back(data: &[u8]) -> (Body, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (first, rest) = data.split_at(PART + 1);
    let first = Bytes::copy_from_slice(first);
    let rest: Vec<_> = rest.chunks(10).map(Bytes::copy_from_slice).collect();
    let opened = Arc::clone(&gate);
    let rest = futures_util::stream::iter(rest).then(move |piece| {
        let opened = Arc::clone(&opened);
        async move {
            opened.acquire().await?.forget();
            Ok::<_, Cause>(piece)
        }
    });
    (Box::pin(futures_util::stream::iter([Ok(first)]).chain(rest)), gate)
}

/// Enough permits for the rest of any body.
pub(super) const ALL: usize = 1000;

/// What is under way: its image, what lets the rest of its bytes go, and how it ends.
pub(super) type Going = (Image, Arc<Semaphore>, JoinHandle<shared::Result<()>>);

/// Starts to bring bytes to a fresh image, and waits until it has a status and bytes are in the store.
pub(super) async fn begun<Bringing>(
    world: &Arc<World>,
    data: &[u8],
    status: &str,
    bring: impl FnOnce(Arc<World>, ImageId, Body) -> Bringing,
) -> Going
where
    Bringing: Future<Output = shared::Result<()>> + Send + 'static,
{
    let image = world.queued().await;
    let (body, gate) = held_back(data);
    let running = tokio::spawn(bring(Arc::clone(world), image.id.clone(), body));
    while world.record(&image).await["status"] != status || world.store.keys().is_empty() {
        tokio::task::yield_now().await;
    }
    (image, gate, running)
}

/// Starts an upload.
async fn saving(world: &Arc<World>, data: &[u8]) -> Going {
    begun(world, data, "saving", |world, id, body| async move {
        world.data.upload(&admin(), &id, &UploadRequest::default(), body).await
    })
    .await
}

/// Changes an image's name.
pub(super) async fn rename(world: &World, image: &Image) {
    let rename = serde_json::json!([{"op": "replace", "path": "/name", "value": "renamed"}]);
    let rename = Patch::parse(PatchForm::V21, rename).unwrap();
    world.images.update(&admin(), &image.id, &rename).await.unwrap();
}

/// The client goes in mid-transfer, and the body breaks with the connection; waits until the image is queued and nothing due.
pub(super) async fn dropped(world: &World, (image, gate, running): &Going) {
    running.abort();
    gate.close();
    while world.record(image).await["status"] != "queued" || !world.rows("due#blob#0").await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn of_two_uploads_the_second_is_a_conflict() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, upload) = saving(&world, &data).await;
    assert!(matches!(world.upload(&image, b"other").await, Err(Error::Conflict(_))));
    gate.add_permits(ALL);
    upload.await.unwrap().unwrap();
    super::check(&world, &image, &data, "first").await;
}

#[tokio::test]
async fn many_uploads_at_once_have_one_winner() {
    let world = World::default();
    let image = world.queued().await;
    let all = (0..8).map(|_| world.upload(&image, b"the same bytes"));
    let outcomes = futures_util::future::join_all(all).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    super::check(&world, &image, b"the same bytes", "winner").await;
}

#[tokio::test]
async fn an_image_deleted_in_mid_upload_is_gone_and_leaves_nothing() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, upload) = saving(&world, &data).await;
    world.images.delete(&admin(), &image.id).await.unwrap();
    gate.add_permits(ALL);
    assert!(matches!(upload.await.unwrap(), Err(Error::Gone(_))));
    super::check(&world, &image, &data, "deleted").await;
}

#[tokio::test]
async fn a_patch_in_mid_upload_is_kept() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, upload) = saving(&world, &data).await;
    rename(&world, &image).await;
    gate.add_permits(ALL);
    upload.await.unwrap().unwrap();
    assert_eq!(world.record(&image).await["name"], "renamed");
    super::check(&world, &image, &data, "renamed").await;
}

#[tokio::test]
async fn a_writer_whose_lease_ended_cannot_commit() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, gate, upload) = saving(&world, &data).await;
    world.clock.advance(LEASE * 2);
    world.reaper.run().await.unwrap();
    gate.add_permits(ALL);
    assert!(upload.await.unwrap().is_err());
    super::check(&world, &image, &data, "evicted").await;
    world.upload(&image, &data).await.unwrap();
    super::check(&world, &image, &data, "again").await;
}

/// Lets everything that can happen at this point in time happen.
async fn settled() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_living_writer_keeps_its_lease() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 4));
    let (image, gate, upload) = saving(&world, &data).await;
    // Five leases pass, for the writer's timer and for the clock alike; the client says a little now and then.
    for _ in 0..15 {
        gate.add_permits(1);
        settled().await;
        world.clock.advance(LEASE / 3);
        tokio::time::advance(LEASE / 3).await;
        settled().await;
        world.reaper.run().await.unwrap();
        assert_eq!(world.record(&image).await["status"], "saving");
    }
    gate.add_permits(ALL);
    upload.await.unwrap().unwrap();
    super::check(&world, &image, &data, "kept").await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_gone() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let (image, _gate, upload) = saving(&world, &data).await;
    settled().await;
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(matches!(upload.await.unwrap(), Err(Error::ClientGone { .. })));
    super::check(&world, &image, &data, "silent").await;
    assert_eq!(world.record(&image).await["status"], "queued");
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_the_image_queued() {
    let (world, data) = (Arc::new(World::default()), bytes(PART * 3));
    let going = saving(&world, &data).await;
    dropped(&world, &going).await;
    super::check(&world, &going.0, &data, "dropped").await;
}
