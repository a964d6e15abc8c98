//! Fail or kill at every port call of every byte path, then let time pass and run the reaper: nothing is active without
//! its bytes, nothing is stored without an owner, and what is not active can be uploaded again.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

use md5::Digest as _;
use shared::image::Image;
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::world::{LEASE, PART, World};

/// Lets every lease end and does what is then due; again, as schedules do.
async fn recover(world: &World) {
    world.probe.reset();
    world.clock.advance(LEASE * 2);
    world.reaper.run().await.unwrap();
    world.reaper.run().await.unwrap();
}

/// Lets time pass, and work be done, until nothing is due any more: after so many leases at the latest.
async fn settle(world: &World, leases: u64, case: &str) {
    world.probe.reset();
    for _ in 0..leases {
        world.work().await;
        world.clock.advance(LEASE * 2);
        let reaped = world.reaper.run().await.unwrap();
        assert_eq!(reaped.failed, 0, "{case}");
        world.work().await;
        if world.rows("due#blob#0").await.is_empty() {
            return;
        }
    }
    panic!("{case}: something is due for ever: {:?}", world.rows("due#blob#0").await);
}

/// Goes a path with every fault at its first call, at its second and so on, until `goes` answers that it has no such call: of more
/// than `least` that every path has.
async fn each_fault(name: &str, least: usize, goes: impl AsyncFn(usize, Fault) -> bool) {
    let (mut cases, mut at) = (0, 0);
    loop {
        let before = cases;
        for fault in Fault::ALL {
            cases += usize::from(Box::pin(goes(at, fault)).await);
        }
        if cases == before {
            break;
        }
        at += 1;
    }
    println!("{name}: {cases} cases at {at} calls");
    assert!(at > least && cases >= at * 4, "{name}: nothing was tried");
}

/// Holds the table and the store against each other.
async fn check(world: &World, image: &Image, data: &[u8], case: &str) {
    let record = world.record(image).await;
    let status = record["status"].as_str().unwrap();
    let owned = match status {
        "active" => {
            assert_eq!(world.bytes(image).await.as_deref(), Some(data), "{case}");
            let md5 =
                md5::Md5::digest(data).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert_eq!(record["digests"]["md5"], md5, "{case}");
            let keys: Vec<_> = world.store.keys().iter().map(ToString::to_string).collect();
            assert_eq!(keys, [record["location"]["key"].as_str().unwrap()], "{case}: another's object");
            1
        }
        "queued" => {
            for left in ["size", "digests", "location", "upload", "staged"] {
                assert!(record.get(left).is_none(), "{case}: {left} is left on the queued image");
            }
            0
        }
        "deleted" => 0,
        other => panic!("{case}: the image is {other}"),
    };
    assert_eq!(world.store.keys().len(), owned, "{case}: objects");
    let rows = world.rows(&format!("image#{}", image.id)).await;
    assert_eq!(rows.len(), 1 + owned, "{case}: {rows:?}");
    assert_eq!(world.rows("due#blob#0").await, Vec::<String>::new(), "{case}: due");
    let project = image.owner.as_ref().unwrap();
    let usage = world.images.usage(project).await.unwrap();
    assert_eq!(usage, world.catalog.count_usage(project).await.unwrap(), "{case}: a recount");
    assert_eq!(usage.bytes, (data.len() * owned) as u64, "{case}: usage");
    assert_eq!(usage.images, u64::from(status != "deleted"), "{case}: usage");
    assert_eq!((usage.uploading, usage.staged), (0, 0), "{case}: usage");
}

/// The number of port calls of an upload that nothing disturbs.
async fn calls_of_upload(data: &[u8]) -> usize {
    let world = World::default();
    let image = world.queued().await;
    world.probe.reset();
    world.upload(&image, data).await.unwrap();
    check(&world, &image, data, "undisturbed").await;
    world.probe.calls().len()
}

/// The way back is disturbed too: a second call fails after the first.
#[tokio::test]
async fn an_upload_survives_a_fault_while_it_is_given_up() {
    let data = bytes(PART * 2 + 1);
    let calls = calls_of_upload(&data).await;
    for first in 0..calls {
        for second in first + 1..calls + 5 {
            for (fault, then) in [Fault::Refused, Fault::AnswerLost]
                .into_iter()
                .flat_map(|one| Fault::ALL.map(|two| (one, two)))
            {
                let world = World::default();
                let image = world.queued().await;
                world.probe.arm_all([(first, fault), (second, then)]);
                let _ = world.upload(&image, &data).await;
                let case = format!("{fault:?} at {first}, {then:?} at {second}: {:?}", world.probe.calls());
                recover(&world).await;
                check(&world, &image, &data, &case).await;
            }
        }
    }
}

/// A start after a crash, disturbed at every call: no lease is waited for, and the next start does what is left.
#[tokio::test]
async fn a_start_after_a_crash_survives_a_fault_at_every_call() {
    let data = bytes(PART * 2);
    for died in 1..calls_of_upload(&data).await {
        for at in 0..9 {
            for fault in Fault::ALL {
                let world = World::default();
                let image = world.queued().await;
                world.probe.arm(died, Fault::KilledAfter);
                let _ = world.upload(&image, &data).await;
                world.probe.arm(at, fault);
                let _ = world.reaper.recover().await;
                let case = format!("died at {died}, {fault:?} at call {at}: {:?}", world.probe.calls());
                world.probe.reset();
                world.reaper.recover().await.unwrap();
                check(&world, &image, &data, &case).await;
            }
        }
    }
}

mod arrivals;
mod contention;
mod imports;
mod locations;
mod members;
mod paths;
mod races;
mod reaper;
mod sessions;
mod stages;
mod tasks;
mod usage;
