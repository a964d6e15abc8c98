//! Tasks: whatever call fails, a task ends, and what has ended goes with every row that names it.

use serde_json::json;
use shared::id::{ImageId, RequestId};
use shared::task::TaskType;
use tests::callers::admin;
use tests::probe::Fault;
use tests::world::{TASK_LIFE, World};

/// Lets so much time pass that whatever was left ends, and then goes.
async fn let_time_pass(world: &World) {
    world.probe.reset();
    for _ in 0..4 {
        world.clock.advance(TASK_LIFE);
        world.reaper.run().await.unwrap();
    }
}

/// Every partition a task of this image has an item in.
async fn rows(world: &World, image: &ImageId) -> Vec<String> {
    let mut rows = Vec::new();
    for partition in [
        &format!("image#{image}"),
        "list#task#0",
        "list#task-type#0",
        "list#task-id#0",
        "list#task-owner#0",
        "list#task-image#0",
        "list#task-request#0",
        "list#task-user#0",
        "due#task#0",
    ] {
        rows.extend(world.rows(partition).await.into_iter().map(|sort| format!("{partition} {sort}")));
    }
    rows
}

/// The life of a task: taken, begun, done; each step goes on as far as it can.
async fn live(world: &World, image: &ImageId) -> shared::Result<()> {
    let request = RequestId::from_random(7);
    let kind = TaskType::ApiImageImport;
    let task = world.tasks.create(&admin(), &request, kind, Some(image.clone()), json!({})).await?;
    let task = world.tasks.begin(task).await?;
    world.tasks.succeed(task, json!({"image_id": image.as_str()})).await.map(drop)
}

#[tokio::test]
async fn a_task_ends_and_goes_whatever_call_fails() {
    let image = ImageId::from_random(9);
    let undisturbed = World::default();
    live(&undisturbed, &image).await.unwrap();
    let calls = undisturbed.probe.calls().len();
    assert_eq!(
        rows(&undisturbed, &image).await.len(),
        9,
        "a row in each order, one of its image, one that is due"
    );
    for at in 0..calls {
        for fault in Fault::ALL {
            let world = World::default();
            world.probe.arm(at, fault);
            let _ = live(&world, &image).await;
            let case = format!("{fault:?} at call {at}: {:?}", world.probe.calls());
            let listed = world.rows("list#task#0").await.len();
            assert_eq!(world.rows("due#task#0").await.len(), listed, "{case}: what is there is due");
            let_time_pass(&world).await;
            assert_eq!(rows(&world, &image).await, Vec::<String>::new(), "{case}");
        }
    }
}

#[tokio::test]
async fn forgetting_tasks_survives_a_fault_at_every_call() {
    let image = ImageId::from_random(9);
    for at in 0..9 {
        for fault in Fault::ALL {
            let world = World::default();
            for _ in 0..2 {
                live(&world, &image).await.unwrap();
            }
            world.clock.advance(TASK_LIFE);
            world.probe.arm(at, fault);
            let _ = world.reaper.run().await;
            let case = format!("{fault:?} at call {at}: {:?}", world.probe.calls());
            let_time_pass(&world).await;
            assert_eq!(rows(&world, &image).await, Vec::<String>::new(), "{case}");
        }
    }
}

/// Another run of the reaper at the same rows, and work that goes on just then.
#[tokio::test]
async fn a_task_that_is_worked_on_while_it_is_given_up_ends_once() {
    let world = World::default();
    let request = RequestId::from_random(7);
    let task = world.tasks.create(&admin(), &request, TaskType::Import, None, json!({})).await.unwrap();
    let task = world.tasks.begin(task).await.unwrap();
    world.clock.advance(TASK_LIFE);
    let (first, second, work) =
        tokio::join!(world.reaper.run(), world.reaper.run(), world.tasks.succeed(task, json!({})));
    assert_eq!((first.unwrap().failed, second.unwrap().failed), (0, 0));
    let page = world.get(tests::callers::ADMIN, "/v2/tasks").await.json();
    let expected = if work.is_ok() { "success" } else { "failure" };
    assert_eq!(page["tasks"][0]["status"], expected);
    let_time_pass(&world).await;
    assert_eq!(world.rows("list#task#0").await, Vec::<String>::new());
}
