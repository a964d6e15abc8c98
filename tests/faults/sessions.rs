//! Upload sessions: whatever fails, whoever dies, whoever works on one at the same time.

use std::sync::Arc;

use md5::Digest as _;
use serde_json::json;
use shared::Error;
use shared::format::Rules;
use shared::image::{Image, Location};
use shared::operations::{
    Arrivals, ArrivalsSettings, Bucket, CompletionSettings, Outcome, Reaper, SessionState, SessionStatus,
    Stores,
};
use shared::ports::Clock;
use tests::callers::admin;
use tests::fixtures::{TestClock, bytes};
use tests::probe::Fault;
use tests::world::{LEASE, PART, SESSION_LIFE, STRETCH, World, completion, no_queue, session_settings};

use super::check;

/// Lets every lease and every session end, and does what is then due.
pub(super) async fn recover(world: &World) {
    for time in [LEASE * 2, SESSION_LIFE * 2, LEASE * 2] {
        world.probe.reset();
        world.clock.advance(time);
        world.reaper.run().await.unwrap();
        world.reaper.run().await.unwrap();
    }
}

/// All that a client does; again where it is told to, for what is asked again was perhaps done.
pub(super) async fn client(
    world: &World,
    image: &Image,
    data: &[u8],
    tries: usize,
) -> shared::Result<SessionState> {
    let session = world.open(image, data.len()).await?;
    let mut outcome = Ok(());
    for _ in 0..tries {
        outcome = world.bring_all(&session, data).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome?;
    let mut last = world.complete(&session).await;
    for _ in 1..tries {
        if last.is_err() {
            last = world.complete(&session).await;
        }
    }
    last
}

async fn calls_of_session(data: &[u8]) -> usize {
    let world = World::default();
    let image = world.queued().await;
    world.probe.reset();
    assert_eq!(client(&world, &image, data, 1).await.unwrap().status, SessionStatus::Complete);
    check(&world, &image, data, "undisturbed").await;
    world.probe.calls().len()
}

/// Two faults: the way back is disturbed too.
#[tokio::test]
async fn a_session_survives_a_fault_while_it_is_given_up() {
    let data = bytes(PART + 1);
    let (calls, mut cases) = (calls_of_session(&data).await, 0);
    for first in 0..calls {
        for second in first + 1..calls + 4 {
            for (fault, then) in [Fault::Refused, Fault::AnswerLost]
                .into_iter()
                .flat_map(|one| Fault::ALL.map(|two| (one, two)))
            {
                let world = World::default();
                let image = world.queued().await;
                world.probe.arm_all([(first, fault), (second, then)]);
                let _ = client(&world, &image, &data, 2).await;
                let case = format!("{fault:?} at {first}, {then:?} at {second}: {:?}", world.probe.calls());
                recover(&world).await;
                check(&world, &image, &data, &case).await;
                cases += 1;
            }
        }
    }
    println!("{cases} cases of two faults");
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// A session whose bytes are not what was announced.
pub(super) async fn refused(world: &World, data: &[u8]) -> (Image, SessionState) {
    let image = world.queued().await;
    let body = json!({"size": data.len(), "md5": "0".repeat(32)});
    let session = world.open_as(&image, body).await.unwrap();
    world.bring_all(&session, data).await.unwrap();
    (image, session)
}

#[tokio::test]
async fn bytes_that_are_not_as_announced_are_not_taken_and_the_reason_stays() {
    let (world, data) = (World::default(), bytes(PART * 2));
    let (image, session) = refused(&world, &data).await;
    let told = |error| match error {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let reason = told(world.complete(&session).await);
    let found = hex(&md5::Md5::digest(&data));
    let expected = "0".repeat(32);
    assert_eq!(reason, format!("md5: the data hashes to {found}, not to {expected} as announced."));
    check(&world, &image, &data, "refused").await;
    let shown = world.shown(&session).await.unwrap();
    assert_eq!((shown.status, shown.message.as_deref()), (SessionStatus::Failed, Some(&*reason)));
    assert_eq!(told(world.complete(&session).await), reason);
    client(&world, &image, &data, 1).await.unwrap();
    check(&world, &image, &data, "again").await;
    assert!(matches!(world.shown(&session).await, Err(Error::NotFound(_))), "the reason of an earlier try");
}

/// A session that its worker left right after it had made it its own.
pub(super) async fn left(world: &World, data: &[u8]) -> (Image, SessionState) {
    let image = world.queued().await;
    let session = world.open(&image, data.len()).await.unwrap();
    world.bring_all(&session, data).await.unwrap();
    let commit = 3; // the image, the blob, the parts
    world.probe.arm(commit, Fault::KilledAfter);
    world.complete(&session).await.unwrap_err();
    let calls = world.probe.calls();
    assert_eq!(calls.get(commit).map(String::as_str), Some("commit"), "{calls:?}");
    world.probe.reset();
    (image, session)
}

fn location(session: &SessionState) -> Location {
    let key = shared::store::ObjectKey::new(session.image.clone(), session.id.clone());
    Location { store: "default".parse().unwrap(), key }
}

#[tokio::test]
async fn many_workers_at_once_make_one_active_image() {
    let (world, data) = (World::default(), bytes(PART * 4 + 1));
    let image = world.queued().await;
    let session = world.open(&image, data.len()).await.unwrap();
    world.bring_all(&session, &data).await.unwrap();
    let at = location(&session);
    let clients = (0..4).map(|_| world.complete(&session));
    let workers = (0..4).map(|_| world.completion.advance(&at, None));
    let (told, done, reaped) = futures_util::join!(
        futures_util::future::join_all(clients),
        futures_util::future::join_all(workers),
        world.reaper.run(),
    );
    assert!(told.iter().any(Result::is_ok), "{told:?}");
    assert!(done.iter().all(Result::is_ok) && reaped.is_ok(), "{done:?}");
    check(&world, &image, &data, "all at once").await;
    assert_eq!(world.completion.advance(&at, None).await.unwrap(), Outcome::Active, "and once more");
}

#[tokio::test]
async fn an_image_is_hashed_in_as_many_runs_as_it_takes() {
    let data = bytes(usize::try_from(STRETCH).unwrap() * 7 + 3);
    let world = World::default();
    let (image, session) = left(&world, &data).await;
    world.clock.advance(LEASE * 2);
    let stores = Stores::single("default".parse().unwrap(), Arc::new(world.store.clone()));
    let settings = session_settings().completion;
    let settings = CompletionSettings { run_bytes: STRETCH * 3, ..settings };
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&world.clock);
    let short = completion(world.catalog.clone(), stores, clock, Rules::default()).with(settings);
    let mut hashed = Vec::new();
    loop {
        match short.advance(&location(&session), None).await.unwrap() {
            Outcome::Unfinished => hashed.push(world.shown(&session).await.unwrap().hashed.unwrap()),
            outcome => {
                assert_eq!(outcome, Outcome::Active);
                break;
            }
        }
    }
    assert_eq!(hashed, [STRETCH * 3, STRETCH * 6], "in three runs");
    check(&world, &image, &data, "hashed").await;
    let record = world.record(&image).await;
    assert_eq!(record["digests"]["md5"], hex(&md5::Md5::digest(&data)));
}

/// The queue would bring it back after six times the longest run; the due row is found within a minute of the lease's end.
#[tokio::test]
async fn an_event_leaves_its_queue_while_its_object_is_being_completed_and_finishes_what_nobody_does() {
    let data = bytes(usize::try_from(STRETCH).unwrap() * 3 + 1);
    let world = World::default();
    let (image, session) = left(&world, &data).await;
    let settings = ArrivalsSettings {
        buckets: vec![Bucket {
            store: "default".parse().unwrap(),
            name: "images".to_owned(),
            prefix: String::new(),
        }],
        grace: LEASE,
    };
    let key = location(&session).key.to_string();
    let object = json!({"bucket": {"name": "images"}, "object": {"key": key}});
    let event = json!({"Records": [{"eventName": "ObjectCreated:CompleteMultipartUpload",
        "eventTime": "2026-10-01T08:00:00.000Z", "s3": object}]});
    let batch = json!({"Records": [{"messageId": "m1", "body": event.to_string()}]});
    let run = CompletionSettings { run_bytes: STRETCH * 2, ..session_settings().completion };
    let arrivals = Arrivals::new(world.completion.clone().with(run), settings);
    let told = async || {
        let batch = serde_json::from_value(batch.clone()).unwrap();
        serde_json::to_value(upload_completed::handle(batch, &arrivals, None).await).unwrap()
    };
    let hashed = async || world.shown(&session).await.unwrap().hashed;

    assert_eq!(told().await, json!({"batchItemFailures": []}), "somebody else may be working on it");
    assert_eq!((hashed().await, world.record(&image).await["status"].clone()), (Some(0), json!("saving")));
    world.clock.advance(LEASE * 2);
    assert_eq!(told().await, json!({"batchItemFailures": []}), "as far as one run goes");
    assert_eq!(hashed().await, Some(STRETCH * 2));
    assert_eq!(told().await, json!({"batchItemFailures": []}), "to its end");
    check(&world, &image, &data, "told").await;
    assert_eq!(told().await, json!({"batchItemFailures": []}), "and once more");
    check(&world, &image, &data, "told again").await;
}

#[tokio::test]
async fn a_session_that_nobody_asks_for_ends_and_one_that_is_asked_for_lasts() {
    let (world, data) = (World::default(), bytes(PART * 2));
    let image = world.queued().await;
    let session = world.open(&image, data.len()).await.unwrap();
    world.bring(&session, &session.parts[0], &data).await.unwrap();
    for _ in 0..6 {
        world.clock.advance(SESSION_LIFE / 2);
        world.reaper.run().await.unwrap();
        assert!(world.shown(&session).await.unwrap().parts[0].arrived.is_some());
    }
    world.clock.advance(SESSION_LIFE * 2);
    let reaped = world.reaper.run().await.unwrap();
    assert_eq!((reaped.expired, reaped.removed), (1, 1));
    check(&world, &image, &data, "ended").await;
    assert!(matches!(world.shown(&session).await, Err(Error::NotFound(_))));
    assert!(matches!(
        world.bring(&session, &session.parts[1], &data).await,
        Err(Error::Forbidden(_) | Error::NotFound(_))
    ));
}

#[tokio::test]
async fn a_restart_leaves_sessions_to_their_clients() {
    let (world, data) = (World::default(), bytes(PART * 2));
    let image = world.queued().await;
    let session = world.open(&image, data.len()).await.unwrap();
    world.bring(&session, &session.parts[0], &data).await.unwrap();
    world.reaper.recover().await.unwrap();
    let session = world.shown(&session).await.unwrap();
    assert_eq!(session.parts.iter().map(|part| part.arrived.is_some()).collect::<Vec<_>>(), [true, false]);
    world.bring_all(&session, &data).await.unwrap();
    world.complete(&session).await.unwrap();
    check(&world, &image, &data, "resumed").await;
}

#[tokio::test]
async fn an_image_deleted_in_mid_session_leaves_nothing() {
    for brought in 0..=2 {
        let (world, data) = (World::default(), bytes(PART * 2));
        let image = world.queued().await;
        let session = world.open(&image, data.len()).await.unwrap();
        for part in &session.parts[..brought] {
            world.bring(&session, part, &data).await.unwrap();
        }
        world.images.delete(&admin(), &image.id).await.unwrap();
        assert!(matches!(world.complete(&session).await, Err(Error::NotFound(_))));
        // At once, not when the session would have ended.
        world.reaper.run().await.unwrap();
        assert_eq!(world.store.keys(), [], "{brought} parts");
        recover(&world).await;
        check(&world, &image, &data, "deleted").await;
    }
}

#[tokio::test]
async fn an_image_deleted_while_its_session_is_completed_survives_a_fault_at_every_call() {
    let data = bytes(PART * 2);
    for at in 0..14 {
        let world = World::default();
        let image = world.queued().await;
        let session = world.open(&image, data.len()).await.unwrap();
        world.bring_all(&session, &data).await.unwrap();
        world.probe.arm(at, Fault::AnswerLost);
        let caller = admin();
        let (completed, deleted) =
            futures_util::join!(world.complete(&session), world.images.delete(&caller, &image.id));
        let case = format!("call {at}: {completed:?}, {deleted:?}, {:?}", world.probe.calls());
        recover(&world).await;
        check(&world, &image, &data, &case).await;
    }
}

#[tokio::test]
async fn a_part_that_is_brought_again_before_the_object_is_whole_counts_as_the_last() {
    let (world, data) = (World::default(), bytes(PART * 2));
    let (image, session) = left(&world, &data).await;
    let wrong = vec![1; PART];
    world.bring_other(&session, &session.parts[0], &wrong).await.unwrap();
    world.clock.advance(LEASE * 2);
    world.reaper.run().await.unwrap();
    recover(&world).await;
    assert_eq!(world.record(&image).await["status"], "active");
    assert_eq!(world.bytes(&image).await.unwrap()[..PART], wrong, "the last that was brought counts");
}

/// A completion that never succeeds does not keep the image for ever.
#[tokio::test]
async fn completing_has_an_end() {
    let (world, data) = (World::default(), bytes(PART * 2));
    let (image, session) = left(&world, &data).await;
    world.clock.advance(SESSION_LIFE * 2);
    Reaper::new(world.completion.clone(), no_queue()).run().await.unwrap();
    check(&world, &image, &data, "ended").await;
    let shown = world.shown(&session).await.unwrap();
    assert_eq!(shown.message.as_deref(), Some("The upload could not be completed in time."));
}
