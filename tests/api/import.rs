//! Imports: what is staged, fetched or copied, into one store or several, and what becomes of it. In process: sources and workers are the
//! tests' own.

use std::io::Write as _;

use serde_json::{Value, json};
use shared::import::{Plugin, Plugins};
use shared::ports::Store as _;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::request::Answer;
use tests::service::Service;
use tests::web::Page;
use tests::world::{IMPORT_LIFE, LEASE, MAX_IMAGE, PART, World};

const STORES: &[(&str, i64)] = &[("fast", 10), ("slow", -5)];
const URL: &str = "https://images.example/disk";

async fn raw(service: &Service) -> String {
    service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await
}

async fn staged(world: &World, data: &[u8]) -> String {
    let path = raw(world).await;
    let sent = world.call("PUT", &format!("{path}/stage")).by(MEMBER);
    let sent = sent.header("content-type", "application/octet-stream").body(data).send().await;
    assert_eq!(sent.line(), "204");
    path
}

async fn active(world: &World, data: &[u8]) -> String {
    let path = raw(world).await;
    let sent = world.call("PUT", &format!("{path}/file")).by(MEMBER);
    let sent = sent.header("content-type", "application/octet-stream").body(data).send().await;
    assert_eq!(sent.line(), "204");
    path
}

async fn import(service: &Service, caller: &str, path: &str, body: Value) -> Answer {
    service.call("POST", &format!("{path}/import")).by(caller).json(&body).send().await
}

fn direct(more: &Value) -> Value {
    with(json!({"method": {"name": "glance-direct"}}), more)
}

fn web(more: &Value) -> Value {
    with(json!({"method": {"name": "web-download", "uri": URL}}), more)
}

fn copy(more: &Value) -> Value {
    with(json!({"method": {"name": "copy-image"}}), more)
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// What an image says of its data and its import.
async fn told(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    let names =
        ["status", "size", "stores", "os_glance_importing_to_stores", "os_glance_failed_import_message"];
    names.map(|name| image.get(name).cloned().unwrap_or(Value::Null)).into()
}

async fn task(service: &Service, path: &str) -> Value {
    let tasks = service.get(READER, &format!("{path}/tasks")).await.json();
    let last = tasks["tasks"].as_array().unwrap().last().cloned().unwrap();
    json!([last["type"], last["status"], last["message"]])
}

async fn data(service: &Service, path: &str, store: &str) -> Vec<u8> {
    let file = service.get(MEMBER, &format!("{path}/file?prefer={store}")).await;
    assert_eq!(file.status, 200);
    file.body.to_vec()
}

/// How many objects lie in each store, and what is due.
async fn kept(world: &World) -> ([usize; 3], usize) {
    let [fast, slow] = ["fast", "slow"].map(|id| world.other_stores[id].keys().len());
    ([world.store.keys().len(), fast, slow], world.rows("due#blob#0").await.len())
}

#[tokio::test]
async fn what_was_staged_becomes_the_images_data_and_is_staged_no_more() {
    let world = World::storing(STORES);
    let data = bytes(3 * PART + 5);
    let path = staged(&world, &data).await;
    insta::assert_snapshot!(import(&world, MEMBER, &path, direct(&json!({}))).await, @r#"
    202 Accepted
    content-length: 0
    x-openstack-request-id: <request id>
    "#);
    assert_eq!(told(&world, &path).await, json!(["importing", data.len(), null, "default", null]));
    world.work().await;
    assert_eq!(told(&world, &path).await, json!(["active", data.len(), "default", "", null]));
    assert_eq!(task(&world, &path).await, json!(["api_image_import", "success", ""]));
    assert_eq!(self::data(&world, &path, "default").await, data);
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([1, 0, 0], 0));
}

#[tokio::test]
async fn data_goes_to_every_store_asked_for_and_is_read_once_from_where_it_comes() {
    let world = World::storing(STORES);
    let data = bytes(2 * PART + 1);
    world.web.put(URL, Page { bytes: data.clone(), ..Page::default() });
    for (body, stores) in [
        (json!({"all_stores": true}), "fast,default,slow"),
        (json!({"stores": ["slow", "fast"]}), "fast,slow"),
        (json!({}), "default"),
    ] {
        let path = raw(&world).await;
        let before = world.web.opened().len();
        assert_eq!(import(&world, MEMBER, &path, web(&body)).await.status, 202);
        world.work().await;
        assert_eq!(told(&world, &path).await, json!(["active", data.len(), stores, "", null]));
        assert_eq!(world.web.opened().len(), before + 1);
        for store in stores.split(',') {
            assert_eq!(self::data(&world, &path, store).await, data);
        }
    }
    let usage = world.get(MEMBER, "/v2/info/usage").await.json();
    assert_eq!(usage["usage"]["image_count_uploading"]["usage"], 0);
    assert_eq!(usage["usage"]["image_stage_total"]["usage"], 0);
    assert_eq!(kept(&world).await.1, 0);
}

#[tokio::test]
async fn a_source_may_be_empty_or_not_say_how_long_it_is() {
    let world = World::storing(STORES);
    for (len, is_silent) in [(0, false), (0, true), (1, true), (5 * PART + 1, true), (PART, false)] {
        let data = bytes(len);
        world.web.put(URL, Page { bytes: data.clone(), is_silent, ..Page::default() });
        let path = raw(&world).await;
        assert_eq!(import(&world, MEMBER, &path, web(&json!({"all_stores": true}))).await.status, 202);
        world.work().await;
        assert_eq!(told(&world, &path).await, json!(["active", len, "fast,default,slow", "", null]));
        if len > 0 {
            assert_eq!(self::data(&world, &path, "slow").await, data);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_source_is_told_and_the_image_is_queued_and_clean() {
    let world = World::storing(STORES);
    let too_long = bytes(usize::try_from(MAX_IMAGE).unwrap() + 1);
    for (page, why) in [
        (Page { status: Some(404), ..Page::default() }, "the source answered 404"),
        (Page { status: Some(503), ..Page::default() }, "the source answered 503, which may pass"),
        (
            Page { bytes: bytes(500), breaks_after: Some(100), tag: Some("\"a\""), ..Page::default() },
            "the source sent nothing for too long",
        ),
        (
            Page { bytes: bytes(500), breaks_after: Some(100), ..Page::default() },
            "the source cannot be asked from a byte on",
        ),
        (
            Page { bytes: bytes(500), breaks_after: Some(100), is_silent: true, ..Page::default() },
            "the source cannot be asked from a byte on",
        ),
        (Page { bytes: too_long.clone(), ..Page::default() }, "the source has more than 1048576 bytes"),
    ] {
        world.web.put(URL, page);
        let path = raw(&world).await;
        assert_eq!(
            import(&world, MEMBER, &path, web(&json!({"stores": ["fast", "slow"]}))).await.status,
            202
        );
        world.work().await;
        let each = format!("fast: {why}; slow: {why}");
        assert_eq!(told(&world, &path).await, json!(["queued", null, null, "", each]));
        assert_eq!(task(&world, &path).await, json!(["api_image_import", "failure", format!("fast: {why}")]));
        world.reaper.run().await.unwrap();
        assert_eq!(kept(&world).await, ([0, 0, 0], 0), "{why}");
        // The image can be tried again.
        world.web.put(URL, Page { bytes: bytes(3), ..Page::default() });
        assert_eq!(import(&world, MEMBER, &path, web(&json!({}))).await.status, 202);
        world.work().await;
        assert_eq!(told(&world, &path).await, json!(["active", 3, "default", "", null]));
        assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
        world.reaper.run().await.unwrap();
    }
}

#[tokio::test]
async fn data_that_is_not_what_the_image_says_is_refused_by_every_store() {
    let world = World::storing(STORES);
    let path = world.made(MEMBER, json!({"disk_format": "qcow2", "container_format": "bare"})).await;
    let sent = world.call("PUT", &format!("{path}/stage")).by(MEMBER);
    sent.header("content-type", "application/octet-stream").body(b"no disk at all").send().await;
    assert_eq!(import(&world, MEMBER, &path, direct(&json!({"all_stores": true}))).await.status, 202);
    world.work().await;
    let said = told(&world, &path).await;
    assert_eq!(said[0], "queued");
    assert!(said[4].as_str().unwrap().contains("qcow2"), "{said}");
    assert_eq!(task(&world, &path).await[1], "failure");
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([0, 0, 0], 0));
}

#[tokio::test]
async fn a_copy_goes_where_the_data_is_not_and_the_image_stays_active() {
    let world = World::storing(STORES);
    let data = bytes(2 * PART + 9);
    let path = active(&world, &data).await;
    assert_eq!(import(&world, MEMBER, &path, copy(&json!({"all_stores": true}))).await.status, 403);
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"all_stores": true}))).await.status, 202);
    assert_eq!(told(&world, &path).await, json!(["active", data.len(), "default", "fast,slow", null]));
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"all_stores": true}))).await.status, 409);
    world.work().await;
    assert_eq!(told(&world, &path).await, json!(["active", data.len(), "fast,default,slow", "", null]));
    assert_eq!(self::data(&world, &path, "slow").await, data);
    // Everywhere already: nothing is done, and nothing is wrong.
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"all_stores": true}))).await.status, 202);
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"stores": ["fast"]}))).await.status, 400);
    // From one store it goes, and is read from another.
    let image = path.rsplit('/').next().unwrap();
    assert_eq!(
        world.call("DELETE", &format!("/v2/stores/default/{image}")).by(ADMIN).send().await.line(),
        "204"
    );
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([0, 1, 1], 0));
    assert_eq!(self::data(&world, &path, "default").await, data);
}

#[tokio::test]
async fn a_copy_whose_bytes_were_spoilt_is_not_taken_and_the_image_stays_as_it_was() {
    let world = World::storing(STORES);
    let path = active(&world, &bytes(100)).await;
    for key in world.store.keys() {
        world.store.put(&key, vec![vec![7; 100].into()].into()).await.unwrap();
    }
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"stores": ["slow"]}))).await.status, 202);
    world.work().await;
    let said = told(&world, &path).await;
    assert_eq!((&said[0], &said[2]), (&json!("active"), &json!("default")));
    assert!(said[4].as_str().unwrap().starts_with("slow: md5: the data hashes to"), "{said}");
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([1, 0, 0], 0));
}

#[tokio::test]
async fn one_store_that_fails_is_everybodys_end_unless_the_request_said_otherwise() {
    for (all_must, expected) in [
        (true, json!(["queued", null, null, "", "default: the store is full"])),
        (false, json!(["active", 100, "fast,slow", "", "default: the store is full"])),
    ] {
        let world = World::storing(STORES);
        world.web.put(URL, Page { bytes: bytes(100), ..Page::default() });
        let path = raw(&world).await;
        let body = json!({"all_stores": true, "all_stores_must_succeed": all_must});
        assert_eq!(import(&world, MEMBER, &path, web(&body)).await.status, 202);
        world.probe.fill(true);
        world.work_once().await;
        world.probe.fill(false);
        world.work().await;
        assert_eq!(told(&world, &path).await, expected);
        let message = if all_must { "failure" } else { "success" };
        assert_eq!(
            task(&world, &path).await,
            json!(["api_image_import", message, "default: the store is full"])
        );
        world.reaper.run().await.unwrap();
        assert_eq!(kept(&world).await.1, 0);
    }
}

#[tokio::test]
async fn a_store_that_is_unavailable_is_tried_again_and_given_up_in_the_end() {
    let world = World::storing(STORES);
    let path = staged(&world, &bytes(3 * PART)).await;
    import(&world, MEMBER, &path, direct(&json!({"stores": ["fast"]}))).await;
    world.probe.refuse(Some("begin_direct"));
    for _ in 0..5 {
        world.work().await;
        world.clock.advance(LEASE * 2);
        world.reaper.run().await.unwrap();
    }
    world.probe.refuse(None);
    world.work().await;
    let said = told(&world, &path).await;
    assert_eq!(said[4], "fast: the store, or what is read from, was unavailable too often", "{said}");
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([0, 0, 0], 0));
}

#[tokio::test]
async fn an_import_that_takes_too_long_ends() {
    let world = World::storing(STORES);
    let path = staged(&world, &bytes(3)).await;
    import(&world, MEMBER, &path, direct(&json!({"stores": ["fast"]}))).await;
    world.clock.advance(IMPORT_LIFE * 2);
    world.work().await;
    assert_eq!(told(&world, &path).await[4], "fast: it took longer than an import may");
}

#[tokio::test]
async fn an_image_that_is_deleted_meanwhile_leaves_nothing() {
    let world = World::storing(STORES);
    let path = staged(&world, &bytes(3 * PART)).await;
    import(&world, MEMBER, &path, direct(&json!({"all_stores": true}))).await;
    world.work_once().await;
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    world.work().await;
    world.clock.advance(LEASE * 2);
    world.reaper.run().await.unwrap();
    assert_eq!(kept(&world).await, ([0, 0, 0], 0));
}

fn plugins() -> Plugins {
    let inject = "hw_disk_bus:scsi".parse().unwrap();
    Plugins { enabled: Plugin::ALL.to_vec(), inject, ..Plugins::default() }
}

#[tokio::test]
async fn what_is_packed_is_unpacked_and_images_get_properties() {
    let world = World::remaking(plugins(), STORES);
    let data = bytes(4 * PART + 3);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&data).unwrap();
    let packed = gzip.finish().unwrap();
    world.web.put(URL, Page { bytes: packed.clone(), tag: Some("\"a\""), ..Page::default() });
    for (path, body) in [
        (staged(&world, &packed).await, direct(&json!({}))),
        (raw(&world).await, web(&json!({"all_stores": true}))),
    ] {
        assert_eq!(import(&world, MEMBER, &path, body).await.status, 202);
        world.work().await;
        let image = world.get(READER, &path).await.json();
        assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(data.len())), "{image}");
        assert_eq!(image["hw_disk_bus"], "scsi");
        assert_eq!(self::data(&world, &path, "default").await, data);
    }
    // What an image has already is copied as it is.
    let path = active(&world, &packed).await;
    assert_eq!(import(&world, ADMIN, &path, copy(&json!({"stores": ["fast"]}))).await.status, 202);
    world.work().await;
    assert_eq!(self::data(&world, &path, "fast").await, packed);
    assert_eq!(world.get(READER, &path).await.json().get("hw_disk_bus"), None);
}

/// A qcow2 with nothing in it: a header, and tables that lead nowhere.
fn empty_qcow2(size: u64) -> Vec<u8> {
    const CLUSTER: usize = 1 << 16;
    let mut disk = vec![0; 4 * CLUSTER];
    let mut put = |at: usize, bytes: &[u8]| disk[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb");
    for (at, value) in [(4, 3_u32), (20, 16), (36, 1), (56, 1), (96, 4), (100, 104)] {
        put(at, &value.to_be_bytes());
    }
    let tables = [(24, size), (40, 3 * CLUSTER as u64), (48, CLUSTER as u64), (CLUSTER, 2 * CLUSTER as u64)];
    for (at, value) in tables {
        put(at, &value.to_be_bytes());
    }
    for cluster in 0..4 {
        put(2 * CLUSTER + 2 * cluster, &[0, 1]);
    }
    disk
}

#[tokio::test]
async fn a_disk_is_converted_and_the_image_says_what_it_became() {
    let world = World::remaking(plugins(), STORES);
    let disk = empty_qcow2(3 << 16);
    let path = world.made(MEMBER, json!({"disk_format": "qcow2", "container_format": "bare"})).await;
    let sent = world.call("PUT", &format!("{path}/stage")).by(MEMBER);
    sent.header("content-type", "application/octet-stream").body(&disk).send().await;
    assert_eq!(import(&world, MEMBER, &path, direct(&json!({"stores": ["fast"]}))).await.status, 202);
    world.work().await;
    let image = world.get(READER, &path).await.json();
    assert_eq!(image["disk_format"], "raw", "{image}");
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(3 << 16)));
    assert!(data(&world, &path, "fast").await.iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn who_may_not_change_an_image_may_not_import_it() {
    let world = World::storing(STORES);
    let path = staged(&world, b"abc").await;
    assert_eq!(import(&world, STRANGER, &path, direct(&json!({}))).await.status, 404);
    assert_eq!(import(&world, READER, &path, direct(&json!({}))).await.status, 403);
    assert_eq!(import(&world, MEMBER, &path, web(&json!({}))).await.status, 409);
    assert_eq!(import(&world, MEMBER, &path, direct(&json!({"stores": ["attic"]}))).await.status, 409);
    assert_eq!(import(&world, MEMBER, &path, json!({"method": {}})).await.status, 400);
    assert_eq!(told(&world, &path).await[0], "uploading");
}

/// What of an import is told to who asked for it, and to administrators.
#[tokio::test]
async fn how_far_each_store_is_is_told_to_the_owner() {
    let world = World::storing(STORES);
    let data = bytes(3 * PART + 5);
    let path = staged(&world, &data).await;
    let body = direct(&json!({"stores": ["default", "fast"]}));
    assert_eq!(import(&world, MEMBER, &path, body).await.status, 202);
    let stores = async |token: &str| {
        let tasks = world.get(token, &format!("{path}/tasks")).await.json();
        tasks["tasks"].as_array().unwrap().last().unwrap()["stores"].clone()
    };
    let coming = |store: &str, bytes: usize| json!({"id": store, "status": "coming", "bytes": bytes});
    assert_eq!(stores(MEMBER).await, json!([coming("default", 0), coming("fast", 0)]));
    let id = world.get(MEMBER, &format!("{path}/tasks")).await.json()["tasks"][0]["id"].clone();
    let task = world.get(ADMIN, &format!("/v2/tasks/{}", id.as_str().unwrap())).await.json();
    assert_eq!(task["stores"][1], coming("fast", 0));
    world.work().await;
    let there = |store: &str| json!({"id": store, "status": "there", "bytes": data.len()});
    assert_eq!(stores(MEMBER).await, json!([there("default"), there("fast")]));
    let shared = json!([{"op": "replace", "path": "/visibility", "value": "community"}]);
    assert_eq!(world.patch(MEMBER, &path, shared).await.status, 200);
    assert_eq!(stores(STRANGER).await, Value::Null, "where it lies is the owner's to know");
}
