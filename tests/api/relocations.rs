//! The older way to say where data is: `locations` and `direct_url` of an image, and patches of them.

use serde_json::{Value, json};
use shared::operations::Shown;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::service::Service;
use tests::shelf::WEB;
use tests::world::{RETRIES, World};

const URL: &str = "https://images.example/debian.raw";
const MIRROR: &str = "https://mirror.example/debian.raw";

fn shown() -> World {
    World::showing(Shown { locations: true, direct_url: true })
}

async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await
}

async fn patch(service: &Service, token: &str, path: &str, op: &str, at: &str, value: Value) -> Answer {
    service.patch(token, path, json!([{"op": op, "path": at, "value": value}])).await
}

fn at(url: &str) -> Value {
    json!({"url": url, "metadata": {}})
}

async fn look(world: &World) {
    for _ in 0..=RETRIES {
        assert_eq!(world.reaper.run().await.unwrap().failed, 0);
        world.clock.advance(std::time::Duration::from_mins(1));
    }
}

#[tokio::test]
async fn where_locations_are_not_shown_nobody_sees_or_changes_them() {
    let world = World::registering(true);
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    for (op, place) in [("add", "/locations/-"), ("replace", "/locations"), ("remove", "/locations/0")] {
        assert_eq!(patch(&world, ADMIN, &path, op, place, at(URL)).await.status, 403, "{op}");
    }
    let image = world.get(MEMBER, &path).await.json();
    assert_eq!((image.get("locations"), image.get("direct_url")), (None, None));
}

#[tokio::test]
async fn a_location_is_added_by_a_patch_and_told_to_the_owners_readers() {
    let world = shown();
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    let before = world.get(READER, &path).await.json();
    assert_eq!((&before["locations"], before.get("direct_url")), (&json!([]), None));
    assert_eq!(patch(&world, READER, &path, "add", "/locations/-", at(URL)).await.status, 403);
    assert_eq!(patch(&world, STRANGER, &path, "add", "/locations/-", at(URL)).await.status, 404);
    let added = patch(&world, MEMBER, &path, "add", "/locations/-", at(URL)).await;
    assert_eq!((added.status.as_u16(), &added.json()["status"]), (200, &json!("importing")));
    look(&world).await;
    let told = json!([{"url": URL, "metadata": {"store": WEB}}]);
    for path in [path.as_str(), "/v2/images"] {
        let answer = world.get(READER, path).await.json();
        let image = answer.pointer("/images/0").unwrap_or(&answer);
        assert_eq!((&image["locations"], &image["direct_url"]), (&told, &json!(URL)), "{path}");
    }
    let shared = json!([{"op": "replace", "path": "/visibility", "value": "community"}]);
    assert_eq!(world.patch(MEMBER, &path, shared).await.status, 200);
    let others = world.get(STRANGER, &path).await.json();
    assert_eq!(
        (&others["locations"], others.get("direct_url")),
        (&json!([]), None),
        "who sees it may not know"
    );
    assert_eq!(world.call("POST", &format!("{path}/actions/deactivate")).by(ADMIN).send().await.status, 204);
    assert_eq!(world.get(MEMBER, &path).await.json()["locations"], json!([]));
    assert_eq!(world.get(ADMIN, &path).await.json()["locations"], told);
}

/// What is added to an image that has data is the same data, or not added.
#[tokio::test]
async fn an_active_image_gets_its_own_data_in_another_place_and_never_other_data() {
    let world = shown();
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    assert_eq!(world.put_file(MEMBER, &path, b"data").await.status, 204);
    world.shelf.put(MIRROR, b"evil");
    for (url, count) in [(MIRROR, 1), ("https://images.example/longer", 1), (URL, 2)] {
        world.shelf.put("https://images.example/longer", b"data and more");
        assert_eq!(patch(&world, MEMBER, &path, "add", "/locations/-", at(url)).await.status, 200);
        let again = patch(&world, MEMBER, &path, "add", "/locations/-", at(MIRROR)).await;
        assert_eq!(again.status, 409, "one is looked at");
        assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, "data");
        look(&world).await;
        let image = world.get(MEMBER, &path).await.json();
        assert_eq!(
            (image["locations"].as_array().unwrap().len(), &image["status"]),
            (count, &json!("active")),
            "{url}"
        );
        assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, "data");
    }
    assert_eq!(world.get(MEMBER, &path).await.json()["stores"], "default,web");
    for (value, status) in [(at(URL), 400), (at(MIRROR), 413)] {
        assert_eq!(patch(&world, MEMBER, &path, "add", "/locations/-", value).await.status, status);
    }
}

#[tokio::test]
async fn a_location_is_removed_by_administrators_but_never_the_last() {
    let world = shown();
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    assert_eq!(patch(&world, ADMIN, &path, "remove", "/locations/0", Value::Null).await.status, 409);
    assert_eq!(world.put_file(MEMBER, &path, b"data").await.status, 204);
    assert_eq!(patch(&world, ADMIN, &path, "remove", "/locations/0", Value::Null).await.status, 403);
    assert_eq!(patch(&world, MEMBER, &path, "add", "/locations/1", at(URL)).await.status, 200);
    look(&world).await;
    assert_eq!(patch(&world, MEMBER, &path, "remove", "/locations/0", Value::Null).await.status, 403);
    assert_eq!(patch(&world, ADMIN, &path, "remove", "/locations/2", Value::Null).await.status, 400);
    let same = json!([at(URL), {"url": world.get(ADMIN, &path).await.json()["locations"][0]["url"], "metadata": {}}]);
    assert_eq!(patch(&world, MEMBER, &path, "replace", "/locations", same).await.status, 200);
    assert_eq!(patch(&world, MEMBER, &path, "replace", "/locations", json!([at(MIRROR)])).await.status, 400);
    assert_eq!(patch(&world, MEMBER, &path, "replace", "/locations", json!([])).await.status, 403);
    assert_eq!(patch(&world, ADMIN, &path, "remove", "/locations/0", Value::Null).await.status, 200);
    look(&world).await;
    assert_eq!(world.store.keys(), [], "the copy that was removed is gone");
    let image = world.get(MEMBER, &path).await.json();
    assert_eq!(image["locations"], json!([{"url": URL, "metadata": {"store": WEB}}]));
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, "data");
}

/// OSSA-2014-041, 2015-002, LP 1334196, 2161330: whoever asks, by whichever call.
#[tokio::test]
async fn no_location_leads_into_the_host_or_its_network() {
    let world = shown();
    let path = queued(&world).await;
    for url in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "filesystem:///etc/passwd",
        "swift+config://ref/container/object",
        "rbd://fsid/pool/image/snap",
        "cinder://volume",
        "/etc/passwd",
        "",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://localhost/",
        "http://images.example:22/",
        "http://user:secret@images.example/",
        "gopher://images.example/",
    ] {
        for token in [MEMBER, "p1:service,member", ADMIN] {
            let posted =
                world.call("POST", &format!("{path}/locations")).by(token).json(&json!({"url": url}));
            let posted = posted.send().await;
            let added = patch(&world, token, &path, "add", "/locations/-", at(url)).await;
            let replaced = patch(&world, token, &path, "replace", "/locations", json!([at(url)])).await;
            for answer in [posted, added, replaced] {
                assert!([400, 403].contains(&answer.status.as_u16()), "{url} by {token}: {answer}");
                assert!(!answer.line().contains("secret"), "{answer}");
            }
        }
    }
    let image = world.get(ADMIN, &path).await.json();
    assert_eq!((&image["status"], &image["locations"]), (&json!("queued"), &json!([])));
    assert_eq!(world.get(ADMIN, &format!("{path}/tasks")).await.json(), json!({"tasks": []}));
}
