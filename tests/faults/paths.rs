//! Every path that bytes take, with every fault at every port call of it. Then others do what is due until nothing is, and what
//! the table says is held against what the store holds.

use std::sync::Arc;

use shared::Error;
use shared::image::Image;
use shared::operations::{Arrival, Arrivals, ArrivalsSettings, Bucket, SessionState, SessionStatus};
use shared::ports::Clock as _;
use shared::store::ObjectKey;
use tests::callers::{ADMIN, admin};
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::world::{LEASE, PART, SESSION_LIFE, World};

use super::sessions::{client, left, refused};
use super::{check, settle};

/// What a path begins with.
struct Start {
    image: Image,
    session: Option<SessionState>,
}

impl Start {
    async fn queued(world: &World) -> Self {
        Self { image: world.queued().await, session: None }
    }

    /// An image whose uploader died right after its first write, or that was uploaded.
    async fn uploaded(world: &World, data: &[u8], dies: bool) -> Self {
        let start = Self::queued(world).await;
        if dies {
            world.probe.arm(1, Fault::KilledAfter);
        }
        assert_eq!(world.upload(&start.image, data).await.is_err(), dies);
        start
    }

    /// A session with all its parts there, or none.
    async fn opened(world: &World, data: &[u8], brings: bool) -> Self {
        let image = world.queued().await;
        let session = world.open(&image, data.len()).await.unwrap();
        if brings {
            world.bring_all(&session, data).await.unwrap();
        }
        Self { image, session: Some(session) }
    }

    fn session(&self) -> &SessionState {
        self.session.as_ref().unwrap()
    }
}

impl From<(Image, SessionState)> for Start {
    fn from((image, session): (Image, SessionState)) -> Self {
        Self { image, session: Some(session) }
    }
}

/// After how many leases nothing is due any more.
const SETTLED: u64 = SESSION_LIFE.as_secs() * 4 / LEASE.as_secs();

/// Goes a path with every fault at its first call, at its second and so on, until it has no such call. `goes` answers
/// which status it promised, if it did. How many cases there were.
async fn each_fault(
    name: &str,
    data: &[u8],
    starts: impl AsyncFn(&World) -> Start,
    goes: impl AsyncFn(&World, &Start) -> Option<&'static str>,
) {
    super::each_fault(name, 0, async |at, fault| {
        let world = World::default();
        let start = starts(&world).await;
        world.probe.arm(at, fault);
        let promised = goes(&world, &start).await;
        if world.probe.calls().len() <= at {
            return false;
        }
        let case = format!("{name}, {fault:?} at call {at}: {:?}", world.probe.calls());
        settle(&world, SETTLED, &case).await;
        check(&world, &start.image, data, &case).await;
        let status = world.record(&start.image).await["status"].as_str().unwrap().to_owned();
        assert!(promised.is_none_or(|promised| promised == status), "{case}: {promised:?}, {status}");
        if status == "queued" {
            world.upload(&start.image, data).await.unwrap();
            check(&world, &start.image, data, &case).await;
        }
        true
    })
    .await;
}

fn promise<T>(done: &shared::Result<T>, status: &'static str) -> Option<&'static str> {
    done.is_ok().then_some(status)
}

async fn an_upload(name: &str, data: &[u8]) {
    each_fault(name, data, Start::queued, async |world, start| {
        promise(&world.upload(&start.image, data).await, "active")
    })
    .await;
}

#[tokio::test]
async fn an_upload_of_one_part() {
    an_upload("upload of one part", &bytes(PART - 1)).await;
}

#[tokio::test]
async fn an_upload_of_parts() {
    an_upload("upload of parts", &bytes(PART * 3 + 7)).await;
}

#[tokio::test]
async fn an_upload_of_nothing() {
    an_upload("upload of nothing", &[]).await;
}

/// One call that fails is no reason to wait for a lease to end.
#[tokio::test]
async fn an_upload_of_which_one_call_fails_is_over_with_its_answer() {
    for at in 1..8 {
        let world = World::default();
        let image = world.queued().await;
        world.probe.arm(at, Fault::Refused);
        let _ = world.upload(&image, &bytes(PART + 1)).await;
        let status = world.record(&image).await["status"].clone();
        assert!(status == "queued" || status == "active", "call {at}: {status}");
    }
}

async fn a_session(name: &str, data: &[u8]) {
    for tries in [1, 2] {
        let name = format!("{name}, each step tried at most {tries} times");
        each_fault(&name, data, Start::queued, async |world, start| {
            let done = client(world, &start.image, data, tries).await;
            done.is_ok_and(|state| state.status == SessionStatus::Complete).then_some("active")
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_of_one_part() {
    a_session("session of one part", &bytes(PART - 1)).await;
}

#[tokio::test]
async fn a_session_of_parts() {
    a_session("session of parts", &bytes(PART * 4 + 7)).await;
}

#[tokio::test]
async fn a_session_of_nothing() {
    a_session("session of nothing", &[]).await;
}

#[tokio::test]
async fn a_session_of_bytes_that_are_refused() {
    let data = bytes(PART * 2);
    let starts = async |world: &World| refused(world, &data).await.into();
    each_fault("session of bytes that are refused", &data, starts, async |world, start| {
        assert!(world.complete(start.session()).await.is_err() || !world.probe.calls().is_empty());
        Some("queued")
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_given_up() {
    let data = bytes(PART * 2);
    for brings in [false, true] {
        let starts = async |world: &World| Start::opened(world, &data, brings).await;
        let name = format!("session that is given up with {} parts", if brings { "all" } else { "no" });
        each_fault(&name, &data, starts, async |world, start| {
            let session = start.session();
            let _ = world.data.close_session(&admin(), &session.image, session.id.as_str()).await;
            Some("queued")
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_that_is_shown() {
    let data = bytes(PART * 2);
    let starts = async |world: &World| {
        let start = Start::opened(world, &data, false).await;
        world.clock.advance(SESSION_LIFE * 3 / 4);
        start
    };
    each_fault("session that is shown", &data, starts, async |world, start| {
        let _ = world.shown(start.session()).await;
        Some("queued")
    })
    .await;
}

/// Looks at the object of a session, as its event has the function do.
async fn told(world: &World, session: &SessionState) {
    let settings = ArrivalsSettings {
        buckets: vec![Bucket {
            store: "default".parse().unwrap(),
            name: "images".to_owned(),
            prefix: String::new(),
        }],
        grace: LEASE,
    };
    let key = ObjectKey::new(session.image.clone(), session.id.clone());
    let arrival = Arrival { bucket: "images".to_owned(), path: key.to_string(), at: world.clock.now() };
    let _ = Arrivals::new(world.completion.clone(), settings).arrived(&arrival, None).await;
}

#[tokio::test]
async fn the_event_of_a_session_whose_worker_died() {
    let data = bytes(PART * 4);
    let starts = async |world: &World| {
        let start = left(world, &data).await.into();
        world.clock.advance(LEASE * 2);
        start
    };
    each_fault("bucket event", &data, starts, async |world, start| {
        told(world, start.session()).await;
        Some("active")
    })
    .await;
}

#[tokio::test]
async fn the_reaper_of_a_session_whose_worker_died() {
    let data = bytes(PART * 4);
    let starts = async |world: &World| {
        let start = left(world, &data).await.into();
        world.clock.advance(LEASE * 2);
        start
    };
    each_fault("completion by the reaper", &data, starts, async |world, _| {
        let _ = world.reaper.run().await;
        Some("active")
    })
    .await;
}

#[tokio::test]
async fn the_reaper_of_an_upload_whose_writer_died() {
    let data = bytes(PART * 2);
    let starts = async |world: &World| {
        let start = Start::uploaded(world, &data, true).await;
        world.clock.advance(LEASE * 2);
        start
    };
    each_fault("expiry of an upload", &data, starts, async |world, _| {
        let _ = world.reaper.run().await;
        Some("queued")
    })
    .await;
}

#[tokio::test]
async fn the_reaper_of_a_session_that_nobody_asks_for() {
    let data = bytes(PART * 2);
    let starts = async |world: &World| {
        let start = Start::opened(world, &data, true).await;
        world.clock.advance(SESSION_LIFE * 2);
        start
    };
    each_fault("expiry of a session", &data, starts, async |world, _| {
        let _ = world.reaper.run().await;
        Some("queued")
    })
    .await;
}

async fn a_delete(name: &str, data: &[u8], starts: impl AsyncFn(&World) -> Start) {
    each_fault(name, data, starts, async |world, start| {
        let deleted = world.images.delete(&admin(), &start.image.id).await;
        let _ = world.reaper.run().await;
        promise(&deleted, "deleted")
    })
    .await;
}

#[tokio::test]
async fn a_delete_of_an_active_image() {
    let data = bytes(PART + 1);
    a_delete("delete of an active image", &data, async |world| Start::uploaded(world, &data, false).await)
        .await;
}

/// The record may have become `queued` meanwhile, which promises nothing else.
#[tokio::test]
async fn a_delete_of_an_image_that_is_saved() {
    let data = bytes(PART + 1);
    a_delete("delete of a saving image", &data, async |world| Start::uploaded(world, &data, true).await)
        .await;
    a_delete("delete of an image with a session", &data, async |world| {
        Start::opened(world, &data, true).await
    })
    .await;
    a_delete("delete of an image that is completed", &data, async |world| left(world, &data).await.into())
        .await;
}

#[tokio::test]
async fn a_download() {
    let data = bytes(PART * 2);
    let starts = async |world: &World| Start::uploaded(world, &data, false).await;
    each_fault("download", &data, starts, async |world, start| {
        let path = format!("/v2/images/{}/file", start.image.id);
        let answer = world.get(ADMIN, &path).await;
        assert!(answer.status.as_u16() >= 500 || answer.body == data, "{answer}");
        Some("active")
    })
    .await;
}

/// Whoever opens or completes a session stands still; its image is deleted, and nothing is due any more: what it then writes,
/// it removes. A delete waits for its turn where who stands still has it, and the clock is not waited for.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_opened_while_its_image_is_deleted_leaves_nothing() {
    for data in [&b""[..], &bytes(PART * 2)] {
        for at in 0..12 {
            let world = World::default();
            let image = world.queued().await;
            let (images, reaper) = (world.images.clone(), world.reaper.clone());
            let (clock, id) = (Arc::clone(&world.clock), image.id.clone());
            world.probe.meanwhile(move || {
                let (images, reaper, clock, id) =
                    (images.clone(), reaper.clone(), Arc::clone(&clock), id.clone());
                async move {
                    let _ = images.delete(&admin(), &id).await;
                    for time in [LEASE * 2, SESSION_LIFE * 2] {
                        clock.advance(time);
                        reaper.run().await.unwrap();
                    }
                }
            });
            world.probe.arm(at, Fault::Delayed);
            let done = client(&world, &image, data, 1).await;
            let case = format!("deleted at call {at}: {:?}, {:?}", done.as_ref().err(), world.probe.calls());
            assert!(!matches!(done, Err(Error::Internal { .. })), "{case}");
            settle(&world, SETTLED, &case).await;
            check(&world, &image, data, &case).await;
        }
    }
}
