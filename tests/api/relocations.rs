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

/// Glance's way, which clients rely on: what a patch names is there when it is answered.
#[tokio::test]
async fn what_a_patch_names_is_looked_at_while_the_request_waits() {
    let world = World::looking(Shown { locations: true, direct_url: true });
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    let value = json!({"url": URL, "metadata": {"foo": "bar", "store": "elsewhere"}});
    let added = patch(&world, MEMBER, &path, "add", "/locations/-", value).await.json();
    let told = json!([{"url": URL, "metadata": {"foo": "bar", "store": WEB}}]);
    assert_eq!((&added["status"], &added["locations"]), (&json!("active"), &told));
    assert_eq!((&added["os_hash_algo"], &added["os_hash_value"]), (&Value::Null, &Value::Null));
    assert_eq!(world.get(MEMBER, "/v2/images").await.json()["images"][0]["locations"], told);
    let tasks = world.get(MEMBER, &format!("{path}/tasks")).await.json();
    assert_eq!(tasks["tasks"][0]["status"], "success");

    let absent = queued(&world).await;
    let refused = patch(&world, MEMBER, &absent, "add", "/locations/-", at(MIRROR)).await;
    assert_eq!(refused.line(), "400 locations: the source answered 404.");
    assert_eq!(world.get(MEMBER, &absent).await.json()["status"], "queued");
}

/// Without a hash of what an image has, what it has is read too. A fragment makes another location of the same source.
#[tokio::test]
async fn an_image_that_nobody_has_hashed_gets_its_own_data_in_another_place_and_never_other_data() {
    let world = World::looking(Shown { locations: true, direct_url: true });
    let path = queued(&world).await;
    world.shelf.put(URL, b"data");
    world.shelf.put(MIRROR, b"evil");
    let new = format!("{URL}#new");
    assert_eq!(patch(&world, MEMBER, &path, "add", "/locations/-", at(URL)).await.status, 200);
    let other = patch(&world, MEMBER, &path, "add", "/locations/-", at(MIRROR)).await;
    assert!(other.line().starts_with("400 locations: The data hashes to "), "{other}");
    let again = patch(&world, MEMBER, &path, "add", "/locations/-", at(URL)).await;
    assert_eq!(again.line(), "400 locations: the image has this one already");
    let image = patch(&world, MEMBER, &path, "add", "/locations/-", at(&new)).await.json();
    let urls: Vec<_> =
        image["locations"].as_array().unwrap().iter().map(|place| place["url"].clone()).collect();
    assert_eq!((urls, &image["os_hash_value"]), (vec![json!(URL), json!(new)], &Value::Null));
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, "data");
}

#[tokio::test]
async fn what_is_noted_with_locations_is_changed_and_goes_with_them() {
    let world = World::looking(Shown { locations: true, direct_url: true });
    let path = queued(&world).await;
    world.shelf.put(URL, b"data");
    let mirror = format!("{URL}#mirror");
    for url in [URL, &mirror] {
        let value = json!({"url": url, "metadata": {"speed": "88mph"}});
        assert_eq!(patch(&world, MEMBER, &path, "add", "/locations/-", value).await.status, 200);
    }
    let mut all = world.get(MEMBER, &path).await.json()["locations"].clone();
    let revised = world.get(MEMBER, &path).await.json()["updated_at"].clone();
    assert_eq!(patch(&world, MEMBER, &path, "replace", "/locations", all.clone()).await.status, 200);
    assert_eq!(world.get(MEMBER, &path).await.json()["updated_at"], revised, "nothing was to be changed");
    all[0]["metadata"]["date"] = json!("2015-10-15");
    assert_eq!(
        patch(&world, MEMBER, &path, "replace", "/locations", all.clone()).await.json()["locations"],
        all
    );
    let long = json!([{"url": URL, "metadata": {"a": "x".repeat(5000)}}, {"url": mirror, "metadata": {}}]);
    let refused = patch(&world, MEMBER, &path, "replace", "/locations", long).await;
    assert!(refused.line().starts_with("400 metadata: may have at most 4096 bytes"), "{refused}");
    assert_eq!(patch(&world, ADMIN, &path, "remove", "/locations/0", Value::Null).await.status, 200);
    assert_eq!(world.get(MEMBER, &path).await.json()["locations"], json!([all[1]]));
}

/// A patch is taken at its word, as by Glance, and its task tells whether that was true.
#[tokio::test]
async fn what_a_patch_says_of_hashes_is_told_at_once_and_verified_afterwards() {
    let sha512 = |data: &[u8]| shared::hexadecimal::encode(&<sha2::Sha512 as sha2::Digest>::digest(data));
    let md5 = |data: &[u8]| shared::hexadecimal::encode(&<md5::Md5 as md5::Digest>::digest(data));
    for (data, status) in [(&b"data"[..], "success"), (b"other", "failure")] {
        let world = World::looking(Shown { locations: true, direct_url: true });
        world.shelf.put(URL, b"data");
        let path = queued(&world).await;
        let said = json!({"checksum": md5(data), "os_hash_algo": "sha512", "os_hash_value": sha512(data)});
        let with = |url: &str, said: &Value| json!({"url": url, "metadata": {}, "validation_data": said});
        let tells = |image: &Value| {
            assert_eq!(image["status"], "active");
            assert_eq!((&image["checksum"], &image["os_hash_algo"]), (&said["checksum"], &json!("sha512")));
            assert_eq!(image["os_hash_value"], said["os_hash_value"]);
        };
        let added = patch(&world, MEMBER, &path, "add", "/locations/-", with(URL, &said)).await;
        tells(&added.json());
        look(&world).await;
        let image = world.get(MEMBER, &path).await.json();
        tells(&image);
        let tasks = world.get(MEMBER, &format!("{path}/tasks")).await.json();
        assert_eq!(tasks["tasks"][0]["status"], status);
        let mirror = format!("{URL}#mirror");
        for (name, other) in [
            ("checksum", "2".repeat(32)),
            ("os_hash_value", "x".to_owned()),
            ("os_hash_algo", "md5".to_owned()),
        ] {
            let mut others = said.clone();
            others[name] = json!(other);
            let refused = patch(&world, MEMBER, &path, "add", "/locations/-", with(&mirror, &others)).await;
            assert_eq!(refused.line(), format!("409 {name} is already set with a different value"));
        }
        let again = patch(&world, MEMBER, &path, "add", "/locations/-", with(&mirror, &said)).await;
        assert_eq!(again.json()["locations"].as_array().unwrap().len(), 2);
        tells(&again.json());
    }
}
