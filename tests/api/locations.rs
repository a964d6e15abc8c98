//! Data that others have written: who registers it, what of it is taken, and who is told where it is.

use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::service::Service;
use tests::shelf::{WEB, WHOLE};
use tests::world::{MAX_IMAGE, RETRIES, STRETCH, World};

/// A service that acts in the project of the images.
const SERVICE: &str = "p1:service";

const URL: &str = "https://images.example/debian.raw";
const OBJECT: &str = "s3://pictures/others/debian.raw";

async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await
}

async fn add(service: &Service, token: &str, path: &str, body: &Value) -> Answer {
    service.call("POST", &format!("{path}/locations")).by(token).json(body).send().await
}

/// Lets the reaper do what is due until nothing of it can be done now.
async fn look(world: &World) {
    for _ in 0..=RETRIES {
        assert_eq!(world.reaper.run().await.unwrap().failed, 0);
        world.clock.advance(std::time::Duration::from_mins(1));
    }
}

async fn shown(service: &Service, path: &str) -> Value {
    service.get(MEMBER, path).await.json()
}

async fn places(service: &Service, path: &str) -> Value {
    service.get(ADMIN, &format!("{path}/locations")).await.json()
}

/// Status and message of the image's only task.
async fn task(service: &Service, path: &str) -> (String, String) {
    let tasks = service.get(MEMBER, &format!("{path}/tasks")).await.json();
    let [task] = tasks["tasks"].as_array().unwrap().as_slice() else { panic!("{tasks}") };
    assert_eq!(task["type"], "location_import");
    let text = |name: &str| task[name].as_str().unwrap().to_owned();
    (text("status"), text("message"))
}

fn sha512(data: &[u8]) -> String {
    use sha2::Digest as _;
    shared::hexadecimal::encode(&sha2::Sha512::digest(data))
}

fn with_hash(url: &str, algorithm: &str, value: &str) -> Value {
    json!({"url": url, "validation_data": {"os_hash_algo": algorithm, "os_hash_value": value}})
}

#[tokio::test]
async fn what_is_on_the_web_becomes_an_image_and_is_hashed_afterwards() {
    let world = World::registering(true);
    let data = tests::fixtures::bytes(usize::try_from(STRETCH).unwrap() * 3 + 7);
    world.shelf.put(URL, &data);
    let path = queued(&world).await;
    let added = add(&world, MEMBER, &path, &json!({"url": URL})).await;
    assert_eq!((added.line().as_str(), added.header("location")), ("202", ""));
    assert_eq!(task(&world, &path).await.0, "pending");
    assert_eq!(
        (&shown(&world, &path).await["status"], places(&world, &path).await),
        (&json!("importing"), json!([]))
    );

    look(&world).await;
    let image = shown(&world, &path).await;
    assert_eq!(
        (&image["status"], &image["size"], &image["stores"]),
        (&json!("active"), &json!(data.len()), &json!(WEB))
    );
    assert_eq!((&image["os_hash_algo"], &image["os_hash_value"]), (&json!("sha512"), &json!(sha512(&data))));
    assert_eq!(places(&world, &path).await, json!([{"url": URL, "metadata": {"store": WEB}}]));
    assert_eq!(task(&world, &path).await, ("success".to_owned(), String::new()));
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, data);
    let part =
        world.call("GET", &format!("{path}/file")).by(MEMBER).header("range", "bytes=3-9").send().await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &data[3..10]));

    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.status, 204);
    look(&world).await;
    assert_eq!(world.shelf.names(), [URL], "what is on the web is nobody's to remove");
}

#[tokio::test]
async fn an_object_that_a_service_registered_goes_with_its_image() {
    let world = World::registering(true);
    world.shelf.put("others/debian.raw", b"data");
    let path = queued(&world).await;
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": OBJECT})).await.status, 403);
    assert_eq!(
        add(&world, ADMIN, &path, &json!({"url": OBJECT})).await.status,
        403,
        "Glance asks for the role"
    );
    assert_eq!(add(&world, SERVICE, &path, &json!({"url": OBJECT})).await.line(), "202");
    look(&world).await;
    assert_eq!(places(&world, &path).await, json!([{"url": OBJECT, "metadata": {"store": "pictures"}}]));
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.status, 204);
    look(&world).await;
    assert_eq!(world.shelf.names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_service_may_stand_beside_its_user() {
    let world = World::registering(true);
    let path = queued(&world).await;
    let call = world.call("POST", &format!("{path}/locations")).by(MEMBER);
    let call = call.header("x-service-token", "services:service").json(&json!({"url": OBJECT}));
    assert_eq!(call.send().await.status, 202);
}

#[tokio::test]
async fn data_is_held_to_the_hash_it_came_with_before_it_is_an_images() {
    let data = tests::fixtures::bytes(usize::try_from(STRETCH).unwrap() * 2 + 1);
    let md5 = shared::hexadecimal::encode(&<md5::Md5 as md5::Digest>::digest(&data));
    let sha256 = shared::hexadecimal::encode(&<sha2::Sha256 as sha2::Digest>::digest(&data));
    for (algorithm, value, fits) in [
        ("sha512", sha512(&data), true),
        ("md5", md5.to_uppercase(), true),
        ("sha256", sha256, true),
        ("sha512", sha512(b"other"), false),
        ("sha256", "0".repeat(64), false),
        ("sha1", "0".repeat(40), false),
    ] {
        let world = World::registering(true);
        world.shelf.put("others/debian.raw", &data);
        let path = queued(&world).await;
        assert_eq!(add(&world, SERVICE, &path, &with_hash(OBJECT, algorithm, &value)).await.status, 202);
        look(&world).await;
        let (image, (status, message)) = (shown(&world, &path).await, task(&world, &path).await);
        if fits {
            assert_eq!((&image["status"], status.as_str()), (&json!("active"), "success"), "{algorithm}");
            assert_eq!(
                (&image["os_hash_algo"], &image["os_hash_value"]),
                (&json!(algorithm), &json!(value.to_lowercase())),
                "as it was given, for it was found to be so"
            );
            assert_eq!(image["checksum"], json!(md5));
        } else {
            assert_eq!((&image["status"], status.as_str()), (&json!("queued"), "failure"), "{algorithm}");
            assert!(message.contains(&value) && message.starts_with("os_hash_value"), "{message}");
            assert_eq!((&image["size"], &image["os_hash_value"]), (&Value::Null, &Value::Null));
            assert_eq!(places(&world, &path).await, json!([]));
            assert_eq!(world.shelf.names().len(), 1, "what was refused stays where it is");
            assert_eq!(world.put_file(MEMBER, &path, b"abc").await.status, 204, "it can be uploaded");
        }
    }
}

/// A source that cannot be asked from a byte on is read from its first one, whatever is looked for.
#[tokio::test]
async fn what_is_served_as_a_whole_alone_is_looked_into_and_hashed_as_it_goes_by() {
    let raw = tests::fixtures::bytes(usize::try_from(STRETCH).unwrap() * 3 + 7);
    let vmdk = shared::format::samples::qcow2_on("/etc/passwd");
    for (data, status) in [(raw, "active"), (vmdk, "queued")] {
        let world = World::registering(true);
        let url = format!("https://images.example{WHOLE}a");
        world.shelf.put(&url, &data);
        for body in [json!({"url": url}), with_hash(&url, "sha512", &sha512(&data))] {
            let path = queued(&world).await;
            assert_eq!(add(&world, MEMBER, &path, &body).await.status, 202);
            look(&world).await;
            let image = shown(&world, &path).await;
            let hash = if status == "active" { json!(sha512(&data)) } else { Value::Null };
            assert_eq!((&image["status"], &image["os_hash_value"]), (&json!(status), &hash));
        }
    }
}

/// As by Glance: the name of the algorithm is there before the hash is, and the store that cannot remove what was refused is told of.
#[tokio::test]
async fn what_is_told_of_an_image_on_its_way() {
    let world = World::registering(true);
    let data = tests::fixtures::bytes(usize::try_from(STRETCH).unwrap() * 2);
    world.shelf.put(URL, &data);
    let path = queued(&world).await;
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 202);
    // The worker dies once the image has its data.
    world.probe.reset();
    world.probe.arm(10, tests::probe::Fault::KilledAfter);
    let _ = world.reaper.run().await;
    let calls = world.probe.calls();
    world.probe.reset();
    let image = shown(&world, &path).await;
    assert_eq!(
        (&image["status"], &image["os_hash_algo"], &image["os_hash_value"]),
        (&json!("active"), &json!("sha512"), &Value::Null),
        "{calls:?}"
    );
    look(&world).await;
    assert_eq!(shown(&world, &path).await["os_hash_value"], json!(sha512(&data)));

    let other = queued(&world).await;
    let wrong = with_hash(URL, "sha512", &"0".repeat(128));
    assert_eq!(add(&world, MEMBER, &other, &wrong).await.status, 202);
    look(&world).await;
    let image = shown(&world, &other).await;
    assert_eq!((&image["status"], &image["stores"]), (&json!("queued"), &json!(WEB)));
    assert_eq!(world.put_file(MEMBER, &other, b"abc").await.status, 204);
    assert_eq!(shown(&world, &other).await["stores"], "default");
}

#[tokio::test]
async fn where_nobody_is_to_hash_it_the_hash_it_came_with_is_believed() {
    let value = sha512(b"something else");
    for (body, algorithm, hash) in [
        (json!({"url": URL}), Value::Null, Value::Null),
        (with_hash(URL, "sha512", &value), json!("sha512"), json!(value)),
        (with_hash(URL, "sha1", &"0".repeat(40)), json!("sha1"), json!("0".repeat(40))),
    ] {
        let world = World::registering(false);
        world.shelf.put(URL, b"data");
        let path = queued(&world).await;
        assert_eq!(add(&world, MEMBER, &path, &body).await.status, 202);
        look(&world).await;
        let image = shown(&world, &path).await;
        let hashed = (&image["os_hash_algo"], &image["os_hash_value"], &image["checksum"]);
        assert_eq!((&image["status"], hashed), (&json!("active"), (&algorithm, &hash, &Value::Null)));
        let found =
            world.get(MEMBER, &format!("/v2/images?os_hash_value={}", hash.as_str().unwrap_or("none"))).await;
        assert_eq!(found.json()["images"].as_array().unwrap().len(), usize::from(!hash.is_null()));
        assert_eq!(task(&world, &path).await.0, "success");
    }
}

#[tokio::test]
async fn an_image_stays_queued_when_there_is_nothing_it_could_have() {
    let world = World::registering(true);
    let large = vec![0; usize::try_from(MAX_IMAGE).unwrap() + 1];
    for (name, data) in [
        ("empty", &b""[..]),
        ("large", &large),
        ("unsafe", &shared::format::samples::qcow2_on("/etc/passwd")),
    ] {
        world.shelf.put(&format!("https://images.example/{name}"), data);
    }
    for (name, why) in [
        ("absent", "the source answered 404."),
        ("empty", "The object at the location is empty."),
        ("large", "The object has 1048577 bytes, and the limit is 1048576."),
        ("unsafe", "backing_file"),
    ] {
        let path = queued(&world).await;
        let body = json!({"url": format!("https://images.example/{name}")});
        assert_eq!(add(&world, MEMBER, &path, &body).await.status, 202);
        look(&world).await;
        let (status, message) = task(&world, &path).await;
        assert!(status == "failure" && message.contains(why), "{name}: {status}, {message}");
        assert_eq!(
            (&shown(&world, &path).await["status"], places(&world, &path).await),
            (&json!("queued"), json!([]))
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_and_nothing_is_begun() {
    let world = World::registering(true);
    let path = queued(&world).await;
    let ours = format!("s3://pictures/glint/{}/01ARYZ6S41ZZZZZZZZZZZZZZZZ", path.rsplit('/').next().unwrap());
    for (url, why) in [
        ("s3://others/a", "url: names no object of a store here"),
        ("https://user:secret@images.example/a", "url: must not hold a user or a password"),
        ("s3://key:secret@pictures/a", "url: must be s3://"),
        (&ours, "url: names data of this service"),
    ] {
        let answer = add(&world, SERVICE, &path, &json!({"url": url})).await;
        assert!(answer.status == 400 && answer.line().contains(why), "{url}: {}", answer.line());
        assert!(!answer.line().contains("secret"), "{}", answer.line());
    }
    for body in [json!({}), json!([]), with_hash(URL, "crc", "00"), with_hash(URL, "md5", "00")] {
        assert_eq!(add(&world, MEMBER, &path, &body).await.status, 400, "{body}");
    }
    let formless = world.made(MEMBER, json!({"disk_format": "raw"})).await;
    let answer = add(&world, MEMBER, &formless, &json!({"url": URL})).await;
    assert!(answer.status == 400 && answer.line().contains("container_format"), "{}", answer.line());
    assert_eq!(shown(&world, &path).await["status"], "queued");
    assert_eq!(world.get(MEMBER, &format!("{path}/tasks")).await.json(), json!({"tasks": []}));
}

#[tokio::test]
async fn an_image_gets_one_location_and_only_while_it_has_nothing() {
    let world = World::registering(true);
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 202);
    let again = add(&world, MEMBER, &path, &json!({"url": URL})).await;
    assert_eq!(again.line(), "409 It's not allowed to add locations if image status is importing.");
    assert_eq!(world.put_file(MEMBER, &path, b"abc").await.status, 409);
    look(&world).await;
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 409);
    assert_eq!(task(&world, &path).await.0, "success");
}

#[tokio::test]
async fn only_who_may_register_data_may_and_only_services_are_told_where_it_is() {
    let world = World::registering(true);
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    for (token, status) in [(STRANGER, 404), (READER, 403), ("services:service", 404)] {
        assert_eq!(add(&world, token, &path, &json!({"url": URL})).await.status, status, "{token}");
    }
    for (token, status) in [(STRANGER, 404), (READER, 403), (MEMBER, 403), (SERVICE, 200), (ADMIN, 200)] {
        assert_eq!(world.get(token, &format!("{path}/locations")).await.status, status, "{token}");
    }
    // Nobody who may see the image's tasks learns its location.
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 202);
    look(&world).await;
    for token in [READER, MEMBER] {
        for told in [world.get(token, &format!("{path}/tasks")).await, world.get(token, &path).await] {
            assert!(!told.line().contains("images.example"), "{}", told.line());
        }
    }
}

#[tokio::test]
async fn an_image_that_is_deleted_while_it_is_looked_at_stays_deleted() {
    let world = World::registering(true);
    world.shelf.put("others/debian.raw", b"data");
    let path = queued(&world).await;
    assert_eq!(add(&world, SERVICE, &path, &json!({"url": OBJECT})).await.status, 202);
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.status, 204);
    look(&world).await;
    assert_eq!(world.get(MEMBER, &path).await.status, 404);
    assert_eq!(world.rows("due#blob#0").await, Vec::<String>::new());
    assert_eq!(world.shelf.names(), Vec::<String>::new());
}

/// A location is data like any other to who uses limits and stores.
#[tokio::test]
async fn data_that_is_registered_counts_and_a_copy_of_it_can_be_taken_away() {
    let world = World::registering(true);
    world.shelf.put(URL, b"data");
    let path = queued(&world).await;
    world.limits.set(&[("image_count_uploading", 0)]);
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 413);
    world.limits.set(&[]);
    assert_eq!(add(&world, MEMBER, &path, &json!({"url": URL})).await.status, 202);
    look(&world).await;
    let id = path.rsplit('/').next().unwrap();
    let last = world.call("DELETE", &format!("/v2/stores/{WEB}/{id}")).by(ADMIN).send().await;
    assert_eq!(last.status, 403, "it is the last one");
}
