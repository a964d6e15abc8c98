//! Objects that appear in the bucket: whatever happens, in whatever order its events come, however often, and over a table
//! that fails, what nobody owns goes in the end and what is active stays.

use std::sync::Mutex;

use proptest::prelude::*;
use shared::catalog::{BlobState, ChangeError, Due};
use shared::id::{ImageId, Ulid};
use shared::image::{Image, Location};
use shared::operations::{Arrival, Owner};
use shared::ports::Clock as _;
use shared::store::ObjectKey;
use tests::callers::admin;
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::world::{LEASE, PART};

use self::site::Site;

mod site;

const NOTHING: Vec<String> = Vec::new();

#[tokio::test]
async fn the_event_of_an_upload_costs_one_read_and_changes_nothing() {
    let site = Site::default();
    let image = site.world.queued().await;
    let data = bytes(PART * 3);
    site.upload(&image, &data).await.unwrap();
    let rows = site.world.rows(&format!("image#{}", image.id)).await;
    let event = site.bucket.created().remove(0);
    for _ in 0..3 {
        site.world.probe.reset();
        assert_eq!(site.arrivals.arrived(&event, None).await.unwrap(), Owner::Image);
        assert_eq!(site.world.probe.calls(), ["get 1"]);
    }
    assert_eq!(site.world.rows(&format!("image#{}", image.id)).await, rows);
    site.settle().await;
    site.check(&[image], |_, read| read == data, "uploaded").await;
}

/// Its lease goes on as it was: the event must not end it, nor make it longer.
#[tokio::test]
async fn the_event_of_an_upload_whose_writer_died_changes_nothing() {
    let site = Site::default();
    let image = site.world.queued().await;
    // After the object was put, before the image has it.
    site.world.probe.arm(2, Fault::KilledAfter);
    site.upload(&image, b"bytes").await.unwrap_err();
    site.world.probe.reset();
    let due = site.due().await;
    assert_eq!(site.deliver(&site.bucket.created()).await, [true]);
    assert_eq!(site.world.probe.calls(), ["get 1"]);
    assert_eq!(site.due().await, due);
    assert_eq!(site.world.record(&image).await["status"], "saving");
    site.settle().await;
    site.check(&[image], |_, _| false, "died").await;
}

#[tokio::test]
async fn what_lies_elsewhere_or_under_another_kind_of_key_is_not_even_asked_for() {
    let site = Site::default();
    let (_, key) = site.forgotten().await;
    let ours = site.write(&key, b"late").await;
    site.world.probe.reset();
    let path = |path: &str| Arrival { path: path.to_owned(), ..ours.clone() };
    for foreign in [
        Arrival { bucket: "another".to_owned(), ..ours.clone() },
        path(&key.to_string()),
        path(&format!("image/{key}")),
        path(&format!("images/images/{key}")),
        path(&format!("images/{key}.tmp")),
        path(&format!("images/{}", key.image())),
        path("images/\u{fffd}"),
        path(""),
    ] {
        assert_eq!(site.arrivals.arrived(&foreign, None).await.unwrap(), Owner::Foreign, "{foreign:?}");
    }
    assert_eq!(site.world.probe.calls(), NOTHING);
    assert_eq!(site.state(&key).await, None);
}

#[tokio::test]
async fn an_object_of_an_image_the_table_never_heard_of_is_left_alone() {
    let site = Site::default();
    let key = ObjectKey::new(ImageId::from_random(7), Ulid::from_parts(0, 7));
    let event = site.write(&key, b"restored").await;
    assert_eq!(site.arrivals.arrived(&event, None).await.unwrap(), Owner::Unknown);
    assert_eq!(site.deliver(&[event]).await, [true]);
    assert_eq!(site.state(&key).await, None);
    site.settle().await;
    assert_eq!(site.bucket.objects.keys(), [key]);
}

#[tokio::test]
async fn bytes_that_come_after_their_key_was_forgotten_go_after_a_while() {
    for deleted in [false, true] {
        let site = Site::default();
        let (image, key) = site.forgotten().await;
        if deleted {
            site.world.images.delete(&admin(), &image.id).await.unwrap();
        }
        let event = site.write(&key, b"late").await;
        site.world.probe.reset();
        assert_eq!(site.arrivals.arrived(&event, None).await.unwrap(), Owner::Nobody);
        assert_eq!(site.world.probe.calls(), ["get 0", "get 1", "commit 2"]);
        assert_eq!(site.state(&key).await, Some(BlobState::Garbage));
        let due = site.due().await;
        assert_eq!(due.len(), 1);
        // Told twice, nothing more is due.
        assert_eq!(site.deliver(&[event.clone(), event]).await, [true, true]);
        assert_eq!(site.due().await, due);

        site.reaper.run().await.unwrap();
        assert_eq!(site.bucket.objects.keys(), std::slice::from_ref(&key), "its writer may still remove it");
        site.settle().await;
        site.check(&[image], |_, _| false, "late").await;
    }
}

#[tokio::test]
async fn an_image_can_be_uploaded_while_late_bytes_of_an_earlier_try_wait_to_be_removed() {
    let site = Site::default();
    let (image, key) = site.forgotten().await;
    let late = site.write(&key, b"late").await;
    assert_eq!(site.deliver(&[late]).await, [true]);
    site.upload(&image, b"second").await.unwrap();
    assert_eq!(site.deliver(&site.bucket.created()).await, [true, true]);
    site.settle().await;
    site.check(&[image], |_, read| read == b"second", "second").await;
}

/// The object has gone and its rows with it: the rows are written for nothing, and once.
#[tokio::test]
async fn an_event_that_comes_behind_the_removal_costs_one_run_and_no_more() {
    let site = Site::default();
    let image = site.world.queued().await;
    site.upload(&image, b"bytes").await.unwrap();
    site.world.images.delete(&admin(), &image.id).await.unwrap();
    site.settle().await;
    for _ in 0..3 {
        let events = site.bucket.created();
        assert_eq!(events.len(), 1, "a removal creates nothing");
        let now = site.world.clock.now().sortable();
        assert_eq!(site.deliver(&events).await, [true]);
        // Long after the event: overdue is only what the reaper has not done.
        let [due] = site.due().await.try_into().unwrap();
        assert!(now < due, "{due} at {now}");
        site.settle().await;
        site.check(std::slice::from_ref(&image), |_, _| false, "behind").await;
    }
}

/// The reaper: removes. The writer: its bytes land. The event: finds the row. The reaper: forgets it.
#[tokio::test]
async fn bytes_that_land_between_removal_and_forgetting_go_too() {
    let site = Site::default();
    let image = site.world.queued().await;
    site.bucket.stall();
    // The write goes unanswered, and the process dies.
    site.world.probe.arm(2, Fault::KilledAfter);
    site.upload(&image, b"unanswered").await.unwrap_err();
    site.world.probe.reset();
    site.bucket.ambush(0, site.unprobed.clone());
    site.world.clock.advance(LEASE * 2);
    site.reaper.run().await.unwrap();
    assert_eq!(site.bucket.objects.keys().len(), 1, "they are there, and their row is not");
    site.settle().await;
    site.check(&[image], |_, _| false, "reaper").await;
}

/// The same by a writer that lives: it removes what was not answered, and forgets it.
#[tokio::test]
async fn bytes_that_land_while_their_upload_is_given_up_go_too() {
    // Behind its first removal, its second, or after all.
    for removals in 0..3 {
        let site = Site::default();
        let image = site.world.queued().await;
        site.bucket.stall();
        site.bucket.ambush(removals, site.unprobed.clone());
        site.upload(&image, b"unanswered").await.unwrap_err();
        assert_eq!(site.world.record(&image).await["status"], "queued");
        if removals == 2 {
            site.bucket.land(0).await;
            assert_eq!(site.deliver(&site.bucket.created()).await, [true]);
        }
        assert_eq!(site.bucket.created().len(), 1, "they landed");
        site.settle().await;
        site.check(&[image], |_, _| false, "given up").await;
    }
}

#[tokio::test]
async fn an_object_that_has_a_row_by_now_is_not_condemned() {
    let site = Site::default();
    let image = site.world.queued().await;
    site.upload(&image, b"bytes").await.unwrap();
    let [key] = site.bucket.keys().try_into().unwrap();
    let location = Location { store: "default".parse().unwrap(), key };
    let condemned = site.catalog.condemn(&Due { at: site.world.clock.now(), location }).await;
    assert!(matches!(condemned, Err(ChangeError::Lost)));
    site.settle().await;
    site.check(&[image], |_, read| read == b"bytes", "attached").await;
}

#[tokio::test]
async fn many_messages_of_one_object_at_once_are_one() {
    let site = Site::default();
    let (image, key) = site.forgotten().await;
    let event = site.write(&key, b"late").await;
    assert_eq!(site.deliver(&vec![event; 10]).await, [true; 10]);
    assert_eq!(site.due().await.len(), 1);
    site.settle().await;
    site.check(&[image], |_, _| false, "many").await;
}

/// Each state a key can be in when its event comes, and the event.
async fn in_each_state() -> Vec<(&'static str, Site, Image, Arrival)> {
    let mut all = Vec::new();
    for state in ["attached", "writing", "garbage", "forgotten"] {
        let site = Site::default();
        let image = site.world.queued().await;
        let event = match state {
            "attached" => {
                site.upload(&image, b"bytes").await.unwrap();
                site.bucket.created().remove(0)
            }
            "writing" => {
                site.world.probe.arm(2, Fault::KilledAfter);
                site.upload(&image, b"bytes").await.unwrap_err();
                site.bucket.created().remove(0)
            }
            "garbage" => {
                site.upload(&image, b"bytes").await.unwrap();
                site.world.images.delete(&admin(), &image.id).await.unwrap();
                site.bucket.created().remove(0)
            }
            _ => {
                site.upload_as(&image, b"short", 6).await.unwrap_err();
                site.write(&site.bucket.keys().remove(0), b"late").await
            }
        };
        site.world.probe.reset();
        all.push((state, site, image, event));
    }
    all
}

/// A call of the table fails, or the function dies at it: the message comes again, and the end is the same.
#[tokio::test]
async fn an_event_survives_a_fault_at_every_call() {
    for (state, calls) in [("attached", 1), ("writing", 1), ("garbage", 2), ("forgotten", 3)] {
        for at in 0..calls {
            for fault in Fault::FAILURES {
                let (_, site, image, event) =
                    in_each_state().await.into_iter().find(|(name, ..)| *name == state).unwrap();
                let case = format!("{state}, {fault:?} at call {at}");
                site.world.probe.arm(at, fault);
                assert_eq!(site.deliver(std::slice::from_ref(&event)).await, [false], "{case}");
                assert_eq!(site.world.probe.calls().len(), at + 1, "{case}: calls");
                site.world.probe.reset();
                assert_eq!(site.deliver(&[event]).await, [true], "{case}");
                assert_eq!(site.world.probe.calls().len(), calls_after(state, at, fault), "{case}: calls");
                site.settle().await;
                site.check(&[image], |_, read| read == b"bytes", &case).await;
            }
        }
    }
}

/// What the second delivery asks of the table: a row that was written all the same is not written again under another name.
fn calls_after(state: &str, at: usize, fault: Fault) -> usize {
    let written = at == 2 && [Fault::AnswerLost, Fault::KilledAfter].contains(&fault);
    match state {
        "attached" | "writing" => 1,
        "garbage" => 2,
        _ if written => 2,
        _ => 3,
    }
}

/// Of a batch, only the messages that met the fault come again.
#[tokio::test]
async fn of_a_batch_only_what_failed_comes_again() {
    let site = Site::default();
    let (_, key) = site.forgotten().await;
    let late = site.write(&key, b"late").await;
    let image = site.world.queued().await;
    site.upload(&image, b"bytes").await.unwrap();
    let attached = site.bucket.created().pop().unwrap();
    let foreign = Arrival { bucket: "another".to_owned(), ..late.clone() };
    site.world.probe.arm(0, Fault::Refused);
    let mut done = site.deliver(&[late, attached, foreign]).await;
    assert!(done.pop().unwrap(), "nothing was asked for it");
    // Which of the others comes first is nobody's business.
    assert_eq!(done.iter().filter(|done| !**done).count(), 1);
    site.world.probe.arm(0, Fault::Killed);
    let events = site.bucket.created();
    assert_eq!(site.deliver(&events).await, vec![false; events.len()]);
}

/// What may happen, alone or together with others, each begun after so many turns of the others.
#[derive(Clone, Debug)]
enum Step {
    Upload {
        image: usize,
        parts: bool,
        stalls: bool,
        fits: bool,
    },
    Delete(usize),
    Reap,
    /// In eighths of a lease.
    Wait(u32),
    /// An event reaches the function, whether it did before or not.
    Deliver(usize),
    /// A write that went unanswered lands.
    Land(usize),
    /// A write that went unanswered will land right behind a removal of its key.
    Ambush(usize),
    /// Bytes appear under a key that was given up or forgotten.
    Late(usize),
}

type Round = (Vec<(usize, Step)>, Option<(usize, Fault)>);

const IMAGES: usize = 2;

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let one = 0..100_usize;
    let upload = (0..IMAGES, any::<bool>(), any::<bool>(), proptest::bool::weighted(0.8))
        .prop_map(|(image, parts, stalls, fits)| Step::Upload { image, parts, stalls, fits });
    let step = prop_oneof![
        4 => upload,
        1 => (0..IMAGES).prop_map(Step::Delete),
        3 => Just(Step::Reap),
        3 => (1..12_u32).prop_map(Step::Wait),
        4 => one.clone().prop_map(Step::Deliver),
        2 => one.clone().prop_map(Step::Land),
        2 => (0..3_usize).prop_map(Step::Ambush),
        2 => one.prop_map(Step::Late),
    ];
    let fault = (0..12_usize, proptest::sample::select(&Fault::ALL[..]));
    let round =
        (proptest::collection::vec((0..12_usize, step), 1..5), proptest::option::weighted(0.3, fault));
    proptest::collection::vec(round, 1..14)
}

/// What happened so far.
struct Run {
    site: Site,
    images: Vec<Image>,
    /// The bytes that were ever sent for each image.
    sent: Mutex<Vec<(usize, Vec<u8>)>>,
}

impl Run {
    async fn new() -> Self {
        let (site, mut images) = (Site::default(), Vec::new());
        for _ in 0..IMAGES {
            images.push(site.world.queued().await);
        }
        Self { site, images, sent: Mutex::default() }
    }

    async fn step(&self, turns: usize, step: &Step) {
        let site = &self.site;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        match *step {
            Step::Upload { image, parts, stalls, fits } => {
                let data = {
                    let mut sent = self.sent.lock().unwrap();
                    let mut data = bytes(if parts { PART * 2 } else { 20 });
                    data.push(u8::try_from(sent.len()).unwrap());
                    sent.push((image, data.clone()));
                    data
                };
                if stalls {
                    site.bucket.stall();
                }
                let announced = data.len() + usize::from(!fits);
                let _ = site.upload_as(&self.images[image], &data, announced).await;
            }
            Step::Delete(image) => {
                let _ = site.world.images.delete(&admin(), &self.images[image].id).await;
            }
            Step::Reap => {
                let _ = site.reaper.run().await;
            }
            Step::Wait(eighths) => site.world.clock.advance(LEASE * eighths / 8),
            Step::Deliver(event) => {
                let created = site.bucket.created().len();
                if created > 0 {
                    site.deliver_one(event % created).await;
                }
            }
            Step::Land(write) => site.bucket.land(write).await,
            Step::Ambush(removals) => site.bucket.ambush(removals, site.unprobed.clone()),
            Step::Late(key) => {
                let keys = site.bucket.keys();
                let Some(key) = keys.get(key % keys.len().max(1)) else { return };
                if matches!(site.state(key).await, None | Some(BlobState::Garbage)) {
                    site.write(key, b"late").await;
                }
            }
        }
    }

    async fn ends_well(&self, case: &str) {
        self.site.settle().await;
        let sent = self.sent.lock().unwrap().clone();
        let may_hold = |image, read: &[u8]| sent.iter().any(|(whose, data)| *whose == image && data == read);
        self.site.check(&self.images, may_hold, case).await;
    }
}

async fn everything_ends_well(rounds: &[Round]) {
    let run = Run::new().await;
    for (steps, fault) in rounds {
        run.site.world.probe.arm_all(*fault);
        futures_util::future::join_all(steps.iter().map(|(turns, step)| run.step(*turns, step))).await;
        run.site.world.probe.reset();
    }
    run.site.bucket.calm();
    let created = run.site.bucket.created().len();
    for event in 0..created {
        if !run.site.bucket.is_delivered(event) {
            assert!(run.site.deliver_one(event).await);
        }
    }
    run.ends_well("each event delivered at least once").await;
    for event in (0..created).rev() {
        assert!(run.site.deliver_one(event).await);
    }
    run.ends_well("each event delivered once more").await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_active_stays_and_what_nobody_owns_goes(rounds in rounds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(everything_ends_well(&rounds));
    }
}
