//! Members of deleted images: what the reaper removes, however it is disturbed, however many there are.

use std::time::Duration;

use serde_json::json;
use shared::image::Image;
use shared::ports::Clock as _;
use tests::callers::{MEMBER, admin};
use tests::probe::Fault;
use tests::world::World;

/// An image that is shared with some projects.
async fn shared(world: &World, members: usize) -> Image {
    let image = world.create(json!({"owner": "p1"})).await;
    for number in 0..members {
        let call = world.call("POST", &format!("/v2/images/{}/members", image.id)).by(MEMBER);
        assert_eq!(call.json(&json!({"member": format!("m{number}")})).send().await.line(), "200");
    }
    image
}

/// The rows there are: of the image, of its members' lists, and due.
async fn rows(world: &World, image: &Image, members: usize) -> (usize, usize, usize) {
    let mut listed = 0;
    for number in 0..members {
        listed += world.rows(&format!("list#member#m{number}#0")).await.len();
    }
    let of_image = world.rows(&format!("image#{}", image.id)).await.len();
    (of_image, listed, world.rows("due#image#0").await.len())
}

#[tokio::test]
async fn the_members_of_a_deleted_image_survive_no_fault() {
    for at in 0..8 {
        for fault in Fault::ALL {
            let world = World::default();
            let image = shared(&world, 60).await;
            world.probe.arm(at, fault);
            let deleted = world.images.delete(&admin(), &image.id).await;
            let _ = world.reaper.run().await;
            let case = format!("{fault:?} at call {at}: {:?}", world.probe.calls());
            super::recover(&world).await;
            if world.record(&image).await["status"] == "deleted" {
                assert_eq!(rows(&world, &image, 60).await, (1, 0, 0), "{case}");
            } else {
                assert!(deleted.is_err(), "{case}");
                assert_eq!(rows(&world, &image, 60).await, (61, 60, 0), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_that_is_added_or_removed_is_counted_whatever_fails() {
    for at in 0..4 {
        for fault in Fault::ALL {
            for method in ["POST", "DELETE"] {
                let world = World::default();
                let image = shared(&world, 2).await;
                world.probe.arm(at, fault);
                let members = format!("/v2/images/{}/members", image.id);
                let call = match method {
                    "POST" => world.call("POST", &members).json(&json!({"member": "m2"})),
                    _ => world.call("DELETE", &format!("{members}/m1")),
                };
                call.by(MEMBER).send().await;
                world.probe.reset();
                let (of_image, listed, _) = rows(&world, &image, 3).await;
                let counted =
                    usize::try_from(world.record(&image).await["members"].as_u64().unwrap()).unwrap();
                let case = format!("{method}, {fault:?} at call {at}");
                assert_eq!((of_image, listed), (counted + 1, counted), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_has_no_time_left_goes_on_with_the_next() {
    let world = World::default();
    let image = shared(&world, 128).await;
    world.images.delete(&admin(), &image.id).await.unwrap();
    let until = world.clock.now();
    world.reaper.run_until(Some(until)).await.unwrap();
    assert_eq!(rows(&world, &image, 128).await, (129, 128, 1), "nothing was begun");
    // The clock moves by a microsecond a reading: there is time for one write and not for a second.
    let until = world.clock.now().plus(Duration::from_micros(6));
    world.reaper.run_until(Some(until)).await.unwrap();
    let (left, listed, due) = rows(&world, &image, 128).await;
    assert!((2..129).contains(&left) && listed == left - 1 && due == 1, "{left} {listed} {due}");
    world.reaper.run().await.unwrap();
    assert_eq!(rows(&world, &image, 128).await, (1, 0, 0));
}
