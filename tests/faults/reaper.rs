//! The reaper as a function: whatever event comes, twice, out of order, at once, short of time, over a table that fails.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::Context;
use reaper::{Event, Function, Report};
use serde_json::Value;
use shared::image::Image;
use shared::ports::Clock;
use shared::time::Timestamp;
use tests::callers::admin;
use tests::fixtures::{TestClock, bytes};
use tests::probe::Fault;
use tests::world::{LEASE, PART, World};

const SCHEDULE: &str = include_str!("../../events/schedule/reaper.json");
const BATCH: &str = include_str!("../../events/sqs/reap.json");

/// Invokes the function: what it answers, and the metrics it writes.
async fn invoke(world: &World, event: &str, deadline: u64) -> (shared::Result<Report>, Vec<Value>) {
    let function = Function::new(world.reaper.clone(), Arc::<TestClock>::clone(&world.clock), "test");
    let mut context = Context::default();
    context.deadline = deadline;
    let mut metrics = Vec::new();
    let answer =
        function.invoke(Event::new(serde_json::from_str(event).unwrap(), context), &mut metrics).await;
    let metrics = String::from_utf8(metrics).unwrap();
    (answer, metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// As [`invoke`], with five minutes time, and no fault.
async fn run(world: &World, event: &str) -> Report {
    let deadline = world.clock.now().plus(Duration::from_mins(5)).milliseconds();
    invoke(world, event, deadline).await.0.unwrap()
}

/// A world with images that were uploaded and deleted.
async fn deleted(count: usize) -> (World, Vec<Image>) {
    let (world, mut images) = (World::default(), Vec::new());
    for _ in 0..count {
        let image = world.queued().await;
        world.upload(&image, &bytes(PART + 1)).await.unwrap();
        images.push(image);
    }
    for image in &images {
        world.images.delete(&admin(), &image.id).await.unwrap();
    }
    (world, images)
}

/// A batch in another order.
fn reversed(batch: &str) -> String {
    let mut batch: Value = serde_json::from_str(batch).unwrap();
    let records = batch["Records"].as_array_mut().unwrap();
    assert!(records.len() > 1, "an order to change");
    records.reverse();
    batch.to_string()
}

#[tokio::test]
async fn whatever_the_event_what_is_due_is_done_once() {
    for event in [SCHEDULE, BATCH, &reversed(BATCH), "null"] {
        let (world, images) = deleted(2).await;
        let report = run(&world, event).await;
        assert_eq!((report.removed, report.failed), (2, 0), "{event}");
        for image in &images {
            super::check(&world, image, &bytes(PART + 1), event).await;
        }
        for again in [event, SCHEDULE, BATCH] {
            assert_eq!(
                run(&world, again).await,
                Report { oldest_seconds: 0, expired: 0, completed: 0, removed: 0, failed: 0 }
            );
        }
    }
}

#[tokio::test]
async fn a_run_tells_how_long_the_oldest_due_row_has_waited() {
    let (world, _) = deleted(3).await;
    world.clock.advance(Duration::from_secs(61));
    let image = world.queued().await;
    world.upload(&image, b"bytes").await.unwrap();
    world.images.delete(&admin(), &image.id).await.unwrap();
    let report = run(&world, SCHEDULE).await;
    assert_eq!(report, Report { oldest_seconds: 61, expired: 0, completed: 0, removed: 4, failed: 0 });
}

#[tokio::test]
async fn a_run_writes_one_line_of_metrics() {
    let (world, _) = deleted(1).await;
    let (answer, metrics) = invoke(&world, SCHEDULE, u64::MAX).await;
    assert_eq!(answer.unwrap().removed, 1);
    let [line] = metrics.as_slice() else { panic!("{metrics:?}") };
    assert_eq!(
        (&line["Stage"], &line["OldestDueAge"], &line["Removed"]),
        (&"test".into(), &0.into(), &1.into())
    );
}

/// More is due than one query reads, for a minute and a half.
async fn more_than_a_query() -> World {
    let world = World::default();
    for _ in 0..101 {
        let image = world.queued().await;
        world.upload(&image, b"bytes").await.unwrap();
        world.images.delete(&admin(), &image.id).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(90));
    world
}

#[tokio::test]
async fn a_run_that_can_read_nothing_fails_and_writes_nothing() {
    let (world, _) = deleted(1).await;
    world.probe.arm(0, Fault::Killed);
    let (answer, metrics) = invoke(&world, BATCH, u64::MAX).await;
    answer.unwrap_err();
    assert_eq!(metrics, Vec::<Value>::new());
}

#[tokio::test]
async fn a_run_that_cannot_read_on_fails_and_tells_what_it_knows() {
    let world = more_than_a_query().await;
    let whole = more_than_a_query().await;
    whole.probe.reset();
    run(&whole, SCHEDULE).await;
    let second_query = whole.probe.calls().iter().rposition(|call| call == "query 1").unwrap();
    world.probe.arm(second_query, Fault::Refused);
    let (answer, metrics) = invoke(&world, BATCH, u64::MAX).await;
    answer.unwrap_err();
    let [line] = metrics.as_slice() else { panic!("{metrics:?}") };
    assert_eq!((&line["OldestDueAge"], &line["Removed"]), (&90.into(), &100.into()));
    world.probe.reset();
    assert_eq!(run(&world, BATCH).await.removed, 1);
}

/// A row that fails is told and left; that is no failure of the run, which would bring all jobs again.
#[tokio::test]
async fn a_row_that_fails_waits_for_the_next_run() {
    let (world, images) = deleted(3).await;
    world.probe.arm(1, Fault::Refused);
    let report = run(&world, BATCH).await;
    assert_eq!((report.removed, report.failed), (2, 1));
    assert_eq!(run(&world, SCHEDULE).await.removed, 1);
    for image in &images {
        super::check(&world, image, &bytes(PART + 1), "after a failure").await;
    }
}

/// The clock moves on with each reading, so time runs out within the run.
#[tokio::test]
async fn a_run_begins_nothing_more_when_its_time_is_over_and_the_next_goes_on() {
    let (world, images) = deleted(100).await;
    let now = world.clock.now();
    let reaped = world.reaper.run_until(Some(now.plus(Duration::from_micros(50)))).await.unwrap();
    assert!(reaped.removed > 0 && reaped.removed < 50, "{reaped:?}");
    assert_eq!(reaped.failed, 0, "what was not begun has not failed");
    assert_eq!(run(&world, SCHEDULE).await.removed, 100 - reaped.removed);
    for image in &images {
        super::check(&world, image, &bytes(PART + 1), "in two runs").await;
    }
}

#[tokio::test]
async fn an_invocation_stops_in_the_last_tenth_of_its_time() {
    let (world, _) = deleted(100).await;
    // 100 microseconds are left, and each row begun takes one.
    let deadline = world.clock.now().whole_seconds().plus(Duration::from_secs(1));
    let begins = Timestamp::from_microseconds(deadline.microseconds() - 100);
    world.clock.advance(begins.since(world.clock.now()));
    let report = invoke(&world, SCHEDULE, deadline.milliseconds()).await.0.unwrap();
    assert!((80..90).contains(&report.removed), "{report:?}");
}

/// What a host that tells no deadline gives: zero, or a time long past.
#[tokio::test]
async fn a_deadline_that_has_passed_is_none() {
    for deadline in [0, 600_000] {
        let (world, _) = deleted(3).await;
        assert_eq!(invoke(&world, SCHEDULE, deadline).await.0.unwrap().removed, 3);
    }
}

/// Two runs over the same rows, the second beginning at every call of the first.
async fn two_runs_at_once(prepare: impl AsyncFn() -> (World, Vec<Image>), expired: usize) {
    let (alone, images) = prepare().await;
    alone.probe.reset();
    alone.reaper.run().await.unwrap();
    let (due, mut met) = (images.len(), false);
    for begins in 0..=alone.probe.calls().len() {
        let (world, images) = prepare().await;
        world.probe.reset();
        let second = async {
            while world.probe.calls().len() < begins {
                tokio::task::yield_now().await;
            }
            world.reaper.run().await
        };
        let (first, second) = tokio::join!(world.reaper.run(), second);
        let (first, second) = (first.unwrap(), second.unwrap());
        let case = format!("begun at call {begins}: {first:?}, {second:?}: {:?}", world.probe.calls());
        assert_eq!((first.failed, second.failed), (0, 0), "{case}");
        assert_eq!(first.expired + second.expired, expired, "{case}");
        let removed = first.removed + second.removed;
        assert!((due..=due * 2).contains(&removed), "{case}");
        met |= removed > due;
        for image in &images {
            super::check(&world, image, &bytes(PART + 1), &case).await;
        }
    }
    assert!(met, "no object was removed twice, so the runs never met");
}

#[tokio::test]
async fn two_runs_at_once_remove_what_was_deleted() {
    Box::pin(two_runs_at_once(async || deleted(3).await, 0)).await;
}

#[tokio::test]
async fn two_runs_at_once_take_an_image_back_from_a_dead_writer() {
    let died = async || {
        let world = World::default();
        let image = world.queued().await;
        // The first write of the upload is its intent: it dies right after.
        world.probe.arm(1, Fault::KilledAfter);
        world.upload(&image, &bytes(PART + 1)).await.unwrap_err();
        world.clock.advance(LEASE * 2);
        (world, vec![image])
    };
    Box::pin(two_runs_at_once(died, 1)).await;
}
