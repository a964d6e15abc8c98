//! Imports from other regions (`glance-download`). In process: the regions, and who knows them, are the tests' own.

use md5::Digest as _;
use serde_json::{Value, json};
use tests::callers::{MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::request::Answer;
use tests::service::Service;
use tests::web::Page;
use tests::world::{LEASE, PART, World};

const STORES: &[(&str, i64)] = &[("fast", 10)];
const ENDPOINT: &str = "https://image.two.example";
const THERE: &str = "36d4b546-64a2-4bb9-bdd0-ba676aa48f2c";

fn record_url() -> String {
    format!("{ENDPOINT}/v2/images/{THERE}")
}

fn file_url() -> String {
    format!("{}/file", record_url())
}

fn digests(data: &[u8]) -> (String, String) {
    let hex = shared::hexadecimal::encode;
    (hex(&md5::Md5::digest(data)), hex(&sha2::Sha512::digest(data)))
}

/// What the other region says of its image.
fn record(data: &[u8], change: &Value) -> Value {
    let (md5, sha512) = digests(data);
    let mut record = json!({
        "id": THERE, "status": "active", "size": data.len(), "disk_format": "raw", "container_format": "bare",
        "checksum": md5, "os_hash_algo": "sha512", "os_hash_value": sha512, "visibility": "private", "owner": "p9",
        "os_distro": "debian", "hw_disk_bus": "scsi", "speed": "88mph", "name": "there", "tags": ["a"],
    });
    record.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    record
}

/// Another region with an image, which shows it to a member.
fn region(world: &World, data: &[u8], change: &Value) {
    world.regions.put("two", "public", ENDPOINT);
    let bytes = record(data, change).to_string().into_bytes();
    world.web.put(&record_url(), Page { bytes, token: Some(MEMBER), ..Page::default() });
    world.web.put(&file_url(), Page { bytes: data.to_vec(), token: Some(MEMBER), ..Page::default() });
}

async fn queued(service: &Service) -> String {
    let body = json!({"disk_format": "iso", "container_format": "ovf", "hw_disk_bus": "ide", "mine": "yes"});
    service.made(MEMBER, body).await
}

fn body(change: &Value) -> Value {
    let mut method = json!({"name": "glance-download", "glance_region": "two", "glance_image_id": THERE});
    method.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"method": method, "all_stores": true})
}

async fn import(service: &Service, caller: &str, path: &str, change: &Value) -> Answer {
    service.call("POST", &format!("{path}/import")).by(caller).json(&body(change)).send().await
}

async fn told(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    let names =
        ["status", "size", "disk_format", "container_format", "hw_disk_bus", "os_distro", "speed", "mine"];
    names.map(|name| image.get(name).cloned().unwrap_or(Value::Null)).into()
}

fn untouched() -> Value {
    json!(["queued", null, "iso", "ovf", "ide", null, null, "yes"])
}

/// Why the last task of an image failed; an empty text when it did not.
async fn why(service: &Service, path: &str) -> String {
    let tasks = service.get(READER, &format!("{path}/tasks")).await.json();
    let last = tasks["tasks"].as_array().unwrap().last().cloned().unwrap();
    assert_eq!(last["type"], "api_image_import");
    assert_eq!(last["status"] == "success", last["message"] == "", "{last}");
    last["message"].as_str().unwrap().to_owned()
}

/// Every text in the table.
async fn rows(world: &World) -> String {
    let mut all = String::new();
    for image in world.get(MEMBER, "/v2/images").await.json()["images"].as_array().unwrap() {
        let partition = format!("image#{}", image["id"].as_str().unwrap());
        let query = shared::ports::Query::partition(&partition, 1000);
        for item in world.table.query(&query).await.unwrap().items {
            all.push_str(&Value::Object(item.attributes).to_string());
        }
    }
    for task in world.get("ops:admin", "/v2/tasks").await.json()["tasks"].as_array().unwrap() {
        let shown = world.get("ops:admin", &format!("/v2/tasks/{}", task["id"].as_str().unwrap())).await;
        all.push_str(&shown.json().to_string());
    }
    all
}

#[tokio::test]
async fn an_image_of_another_region_gives_its_data_formats_and_chosen_properties() {
    let world = World::abroad(STORES);
    let data = bytes(3 * PART + 5);
    region(&world, &data, &json!({}));
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
    assert_eq!(told(&world, &path).await[0], "importing");
    world.work().await;
    let expected = json!(["active", data.len(), "raw", "bare", "scsi", "debian", null, "yes"]);
    assert_eq!(told(&world, &path).await, expected);
    assert_eq!(why(&world, &path).await, "");
    for store in ["default", "fast"] {
        let file = world.get(MEMBER, &format!("{path}/file?prefer={store}")).await;
        assert_eq!(file.body.to_vec(), data);
    }
    let image = world.get(READER, &path).await.json();
    assert_eq!((&image["name"], &image["owner"], &image["tags"]), (&Value::Null, &json!("p1"), &json!([])));
    // Each is asked once, as the user.
    assert_eq!(world.regions.asked(), [MEMBER]);
    assert_eq!(world.web.shown(), [record_url(), file_url()].map(|url| (url, Some(MEMBER.to_owned()))));
    world.reaper.run().await.unwrap();
    assert_eq!(world.rows("due#blob#0").await.len(), 0);
}

#[tokio::test]
async fn a_token_lies_nowhere_in_the_clear_and_is_gone_with_the_import() {
    let world = World::abroad(STORES);
    region(&world, &bytes(PART), &json!({}));
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
    let kept = rows(&world).await;
    assert!(kept.contains("\"token\""), "it is kept for the work: {kept}");
    // Who asked is told by the task, which has the same text in tests: everything else is looked at.
    let elsewhere =
        kept.replace(&format!("\"user_id\":\"{MEMBER}\""), "").replace(&format!("\"user\":\"{MEMBER}\""), "");
    assert!(!elsewhere.contains(MEMBER), "{elsewhere}");
    world.work().await;
    let kept = rows(&world).await;
    assert!(!kept.contains("\"token\"") && !kept.contains("token_ends"), "{kept}");
}

#[tokio::test]
async fn a_request_that_names_no_image_abroad_is_refused() {
    let world = World::abroad(STORES);
    region(&world, b"data", &json!({}));
    let path = queued(&world).await;
    for (change, fault) in [
        (json!({"glance_region": null}), "method.glance_region: must be given, as the name of a region"),
        (json!({"glance_region": ["two"]}), "method.glance_region: must be given"),
        (
            json!({"glance_image_id": null}),
            "method.glance_image_id: must be given, as the UUID of an image there",
        ),
        (
            json!({"glance_image_id": "foo"}),
            "method.glance_image_id: Remote image id does not look like a UUID: foo",
        ),
        (
            json!({"glance_service_interface": 5}),
            "method.glance_service_interface: must be given, as public, internal or admin",
        ),
    ] {
        let answer = import(&world, MEMBER, &path, &change).await;
        assert_eq!(answer.status, 400, "{change}");
        assert!(answer.line().contains(fault), "{}", answer.line());
    }
    assert_eq!(import(&world, STRANGER, &path, &json!({})).await.status, 404);
    assert_eq!(import(&world, READER, &path, &json!({})).await.status, 403);
    let bare = world.made(MEMBER, json!({"disk_format": "raw"})).await;
    assert_eq!(import(&world, MEMBER, &bare, &json!({})).await.status, 409);
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.status, 202);
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.status, 409, "it is under way");
    world.work().await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.status, 409, "it is active");
}

#[tokio::test]
async fn where_it_is_not_enabled_it_is_no_method() {
    let world = World::storing(STORES);
    let path = queued(&world).await;
    let answer = import(&world, MEMBER, &path, &json!({})).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.line().contains("must be one of glance-direct, web-download, copy-image, not"),
        "{}",
        answer.line()
    );
}

#[tokio::test]
async fn what_another_region_refuses_is_told_and_the_image_stays_as_it_was() {
    let world = World::abroad(STORES);
    let data = bytes(2 * PART + 1);
    let image = format!("image {THERE} of region 'two': ");
    for (change, asked, expected) in [
        (
            json!({}),
            json!({"glance_region": "three"}),
            "region 'three' has no public endpoint of its image service in the catalogue of the token".to_owned(),
        ),
        (
            json!({}),
            json!({"glance_service_interface": "not an interface"}),
            "region 'two' has no not an interface endpoint of its image service in the catalogue of the token".to_owned(),
        ),
        (
            json!({}),
            json!({"glance_image_id": "11111111-64a2-4bb9-bdd0-ba676aa48f2c"}),
            "image 11111111-64a2-4bb9-bdd0-ba676aa48f2c of region 'two': it is not there, or not for who asks".to_owned(),
        ),
        (json!({"status": "queued"}), json!({}), format!("{image}status: must be active, not queued")),
        (json!({"size": null}), json!({}), format!("{image}size: must be given")),
        (
            json!({"size": 5}),
            json!({}),
            "size: the image has 5 bytes, as its record says, and its data has 129".to_owned(),
        ),
        (json!({"hw_x": 5}), json!({}), format!("{image}hw_x: must be a string, as every custom property is")),
    ] {
        region(&world, &data, &change);
        let path = queued(&world).await;
        assert_eq!(import(&world, MEMBER, &path, &asked).await.line(), "202");
        world.work().await;
        assert_eq!(told(&world, &path).await, untouched(), "{expected}");
        assert_eq!(why(&world, &path).await, format!("default: {expected}"));
        let failed = world.get(READER, &path).await.json()["os_glance_failed_import"].clone();
        assert_eq!(failed, "default,fast");
        world.reaper.run().await.unwrap();
        assert_eq!((world.store.keys().len(), world.rows("due#blob#0").await.len()), (0, 0));
        // It can be tried again.
        region(&world, &data, &json!({}));
        assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
        world.work().await;
        assert_eq!(told(&world, &path).await[0], "active");
        assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
        world.reaper.run().await.unwrap();
    }
}

#[tokio::test]
async fn data_that_hashes_to_something_else_is_refused() {
    let world = World::abroad(STORES);
    let (data, other) = (bytes(2 * PART), bytes(2 * PART + 1).split_off(1));
    let (md5, sha512) = digests(&data);
    for (change, named) in [
        (json!({}), format!("md5: the data hashes to {}, not to {md5}", digests(&other).0)),
        (
            json!({"checksum": null}),
            format!("sha512: the data hashes to {}, not to {sha512}", digests(&other).1),
        ),
    ] {
        region(&world, &data, &change);
        world.web.put(&file_url(), Page { bytes: other.clone(), token: Some(MEMBER), ..Page::default() });
        let path = queued(&world).await;
        assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
        world.work().await;
        assert_eq!(told(&world, &path).await, untouched());
        let why = why(&world, &path).await;
        assert!(why.contains(&named), "{why}");
        world.reaper.run().await.unwrap();
        assert_eq!(world.store.keys().len(), 0);
    }
}

#[tokio::test]
async fn a_token_that_has_expired_ends_the_import_and_is_said_to_have() {
    let world = World::abroad(STORES);
    region(&world, &bytes(PART), &json!({}));
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
    world.regions.expire();
    world.work().await;
    assert_eq!(told(&world, &path).await, untouched());
    assert_eq!(why(&world, &path).await, "default: the token has expired: Keystone knows it no longer");
}

#[tokio::test]
async fn a_worker_that_comes_after_the_token_has_ended_says_so() {
    for (wait, expected) in [
        (
            LEASE * 40,
            "default: the token has expired: it was good until 2026-10-01T09:00:00Z, and region 'two' answered 401",
        ),
        (
            LEASE * 2,
            "default: region 'two' does not take the token of who asked for the import: it answered 401",
        ),
    ] {
        let world = World::abroad(STORES);
        let data = bytes(8 * PART);
        region(&world, &data, &json!({}));
        let path = queued(&world).await;
        // The worker dies amid the parts.
        assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");

        world.probe.arm(14, Fault::Killed);
        world.work().await;
        world.probe.reset();
        let there = Page { bytes: data.clone(), token: Some("another"), ..Page::default() };
        world.web.put(&file_url(), there);
        world.clock.advance(wait);
        world.reaper.run().await.unwrap();
        world.work().await;
        assert_eq!(told(&world, &path).await, untouched());
        assert_eq!(why(&world, &path).await, expected);
    }
}

#[tokio::test]
async fn a_worker_that_takes_over_goes_on_at_its_part_though_the_region_says_nothing_to_know_the_data_by() {
    let world = World::abroad(STORES);
    let data = bytes(8 * PART);
    region(&world, &data, &json!({}));
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");

    world.probe.arm(14, Fault::Killed);
    world.work().await;
    world.probe.reset();
    world.clock.advance(LEASE * 2);
    world.reaper.run().await.unwrap();
    world.work().await;
    assert_eq!(told(&world, &path).await[0], "active");
    let opened = world.web.opened();
    assert!(opened.iter().any(|from| *from > 0 && from % PART as u64 == 0), "{opened:?}");
    // What it is was known by then.
    assert_eq!(world.regions.asked().len(), 1);
}

#[tokio::test]
async fn data_that_breaks_off_is_gone_on_with() {
    let world = World::abroad(STORES);
    let data = bytes(3 * PART);
    region(&world, &data, &json!({}));
    let page = Page { bytes: data.clone(), breaks_after: Some(100), token: Some(MEMBER), ..Page::default() };
    world.web.put(&file_url(), page);
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
    world.work().await;
    assert_eq!(told(&world, &path).await[0], "active");
}

#[tokio::test]
async fn a_keystone_that_does_not_answer_is_asked_again() {
    let world = World::abroad(STORES);
    region(&world, &bytes(PART), &json!({}));
    for (times, status) in [(2, "active"), (9, "queued")] {
        let path = queued(&world).await;
        world.regions.fall_silent(times);
        assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
        for _ in 0..10 {
            world.work().await;
            world.clock.advance(LEASE);
            world.reaper.run().await.unwrap();
        }
        assert_eq!(told(&world, &path).await[0], status);
    }
}

#[tokio::test]
async fn what_another_region_says_the_data_is_it_is_held_to() {
    let world = World::abroad(STORES);
    region(&world, b"no disk at all", &json!({"disk_format": "qcow2"}));
    let path = queued(&world).await;
    assert_eq!(import(&world, MEMBER, &path, &json!({})).await.line(), "202");
    world.work().await;
    assert_eq!(told(&world, &path).await, untouched());
    let why = why(&world, &path).await;
    assert!(why.contains("qcow2"), "{why}");
}
