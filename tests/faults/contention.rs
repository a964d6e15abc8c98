//! Many clients that patch one image: no change is lost, and nobody is turned away, in one process and over several.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::adapters::memory::MemoryTable;
use shared::image::{Patch, PatchForm};
use shared::ports::Table;
use tests::callers::admin;
use tests::engines::dynamodb::Dynamo;
use tests::world::World;

const CLIENTS: usize = 64;
const PATCHES: usize = 20;

/// Every client counts in a property of its own, by patches that say what must be there before: `replace`, and each
/// answer must hold what it wrote before.
async fn patched_by_all(worlds: &[World]) {
    let properties: Vec<_> = (0..CLIENTS).map(|client| (format!("client_{client}"), json!("0"))).collect();
    let image = worlds[0].create(Value::Object(properties.into_iter().collect())).await;
    let clients = (0..CLIENTS).map(|client| {
        let (world, id) = (&worlds[client % worlds.len()], &image.id);
        async move {
            let property = format!("client_{client}");
            for count in 1..=PATCHES {
                let before = world.images.show(&admin(), id).await.unwrap().properties[&property].clone();
                assert_eq!(before, (count - 1).to_string(), "a change of client {client} was lost");
                let change =
                    json!([{"op": "replace", "path": format!("/{property}"), "value": count.to_string()}]);
                let patch = Patch::parse(PatchForm::V21, change).unwrap();
                let after = world.images.update(&admin(), id, &patch).await.unwrap();
                assert_eq!(after.properties[&property], count.to_string());
            }
        }
    });
    join_all(clients).await;
    let record = worlds[0].record(&image).await;
    assert_eq!(record["revision"], 1 + CLIENTS * PATCHES, "each patch is one change");
    let last = PATCHES.to_string();
    let properties = record["properties"].as_object().unwrap();
    assert!(properties.len() == CLIENTS && properties.values().all(|count| *count == last), "{properties:?}");
}

fn processes(count: usize, table: &Arc<dyn Table>) -> Vec<World> {
    (0..count).map(|_| World::on(Arc::clone(table))).collect()
}

#[tokio::test(start_paused = true)]
async fn of_1280_patches_in_one_process_none_is_lost_and_none_tried_again() {
    let worlds = processes(1, &(Arc::new(MemoryTable::new()) as Arc<dyn Table>));
    patched_by_all(&worlds).await;
    let commits = worlds[0].probe.calls().iter().filter(|call| call.starts_with("commit")).count();
    assert_eq!(commits, 1 + CLIENTS * PATCHES, "they queue");
}

#[tokio::test(start_paused = true)]
async fn of_1280_patches_in_16_processes_none_is_lost() {
    patched_by_all(&processes(16, &(Arc::new(MemoryTable::new()) as Arc<dyn Table>))).await;
}

#[tokio::test(start_paused = true)]
async fn of_1280_patches_in_64_processes_on_dynamodb_none_is_lost() {
    patched_by_all(&processes(64, &(Arc::new(Dynamo::new().table()) as Arc<dyn Table>))).await;
}
