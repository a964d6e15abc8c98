//! Pushing.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tests::callers::MEMBER;
use tests::fixtures::bytes;
use tests::world::{PART, SESSION_LIFE, URL_LIFE};

use crate::cloud::{Act, Cloud, Ran, text};

const PARTS: usize = 20;

async fn data_of(cloud: &Cloud, id: &serde_json::Value) -> Vec<u8> {
    cloud.get(&format!("/v2/images/{}/file", id.as_str().unwrap())).await.body.to_vec()
}

#[tokio::test]
async fn a_file_becomes_an_image_with_its_bytes() {
    let cloud = Cloud::new().await;
    for size in [0, 1, PART, PART * PARTS + 5] {
        let data = bytes(size);
        let file = cloud.file("web.img", &data);
        let said = cloud.done(&["push", text(&file), "--parallel", "3"]).await;
        assert_eq!(
            (&said["name"], &said["status"], &said["disk_format"]),
            (&json!("web"), &json!("active"), &json!("raw"))
        );
        assert_eq!(
            (&said["size"], said["os_hash_value"].as_str().unwrap().len()),
            (&json!(size.to_string()), 128)
        );
        assert_eq!(cloud.parts_seen(), size.div_ceil(PART), "{size}");
        assert_eq!(data_of(&cloud, &said["id"]).await, data);
    }
}

#[tokio::test]
async fn an_image_is_what_the_flags_say_and_the_bytes_tell() {
    let cloud = Cloud::new().await;
    let file = cloud.file("disk.bin", &shared::format::samples::qcow2(3));
    let words = [
        "push",
        text(&file),
        "--name",
        "a b",
        "--property",
        "os_distro=debian",
        "--tag",
        "t",
        "--visibility",
        "shared",
        "--min-disk",
        "2",
        "--min-ram",
        "3",
        "--protected",
    ];
    let said = cloud.done(&words).await;
    let image = cloud.get(&format!("/v2/images/{}", said["id"].as_str().unwrap())).await.json();
    let told = [
        "name",
        "disk_format",
        "container_format",
        "os_distro",
        "tags",
        "visibility",
        "min_disk",
        "min_ram",
        "protected",
    ];
    let told = told.map(|name| image[name].clone());
    assert_eq!(json!(told), json!(["a b", "qcow2", "bare", "debian", ["t"], "shared", 2, 3, true]));
}

#[tokio::test]
async fn a_push_that_was_killed_moves_what_is_missing_alone() {
    let mut cloud = Cloud::new().await;
    let data = bytes(PART * PARTS);
    let file = cloud.file("web.raw", &data);
    let words = ["push", text(&file), "--parallel", "1"];
    cloud.hook(|seen| if seen.is_part() && seen.before == PARTS / 2 { Act::Hang } else { Act::Pass });
    let mut killed = cloud.start(&words);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    assert_eq!(cloud.parts_seen(), PARTS / 2 + 1, "the last of them was not taken");

    cloud.hook(|_| Act::Pass);
    let ran = cloud.run(&words).await;
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(ran.errors.contains("10 of 20 parts have arrived before"), "{}", ran.errors);
    let seen = cloud.seen();
    assert_eq!(seen.iter().filter(|seen| seen.is_part()).count(), PARTS / 2);
    assert!(!seen.iter().any(|seen| seen.path == "/v2/images"), "it is the same image");
    assert_eq!(data_of(&cloud, &ran.values()["id"]).await, data);
    // Nothing is left to go on with: the same line pushes another image.
    let again = cloud.done(&words).await;
    assert_ne!(again["id"], ran.values()["id"]);
}

#[tokio::test]
async fn a_push_that_is_interrupted_says_what_goes_on_with_it_anywhere() {
    let mut cloud = Cloud::new().await;
    let data = bytes(PART * PARTS);
    let file = cloud.file("it's.raw", &data);
    cloud.hook(|seen| if seen.is_part() && seen.before >= 4 { Act::Hang } else { Act::Pass });
    let child = cloud.start(&["push", text(&file), "--parallel", "2"]);
    cloud.hangs().await;
    let pid = child.id().unwrap().to_string();
    let signalled =
        tokio::process::Command::new("kill").args(["-INT", &pid]).stdin(Stdio::null()).status().await;
    assert!(signalled.unwrap().success());
    let ran = Ran::of(&child.wait_with_output().await.unwrap());
    assert_eq!(ran.code, 130, "{}", ran.errors);
    let (_, line) = ran.errors.trim().rsplit_once("go on with: glint ").unwrap();
    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(words[1], format!("'{}'", text(&file).replace('\'', r"'\''")));

    // As on another machine: nothing is written down there.
    std::fs::remove_dir_all(cloud.path(".local")).unwrap();
    cloud.hook(|_| Act::Pass);
    cloud.seen();
    let said = cloud.done(&[&["push", text(&file)], &words[2..]].concat()).await;
    assert_eq!(cloud.parts_seen(), PARTS - 4);
    assert_eq!(data_of(&cloud, &said["id"]).await, data);
}

#[tokio::test]
async fn a_part_that_fails_is_brought_again() {
    let cloud = Cloud::new().await;
    let data = bytes(PART * 4);
    let file = cloud.file("web.raw", &data);
    for (status, answer) in [
        (500, "out of order"),
        (503, "<Error><Code>SlowDown</Code><Message>later</Message></Error>"),
        (400, "<Error><Code>RequestTimeout</Code></Error>"),
        (403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
    ] {
        cloud.hook(
            move |seen| {
                if seen.is_part() && seen.before < 2 { Act::status(status, answer) } else { Act::Pass }
            },
        );
        let said = cloud.done(&["push", text(&file), "--new"]).await;
        assert_eq!(cloud.parts_seen(), 6, "{status}");
        assert_eq!(data_of(&cloud, &said["id"]).await, data);
    }
    cloud.hook(|seen| if seen.is_part() { Act::status(500, "out of order") } else { Act::Pass });
    let ran = cloud.run(&["push", text(&file), "--tries", "3", "--parallel", "1"]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.errors.starts_with("glint: part 1 was not taken, 3 times; at last: 500 Internal Server Error: out of order; go on with: glint push "),
        "{}",
        ran.errors
    );
    assert_eq!(cloud.parts_seen(), 3);
}

#[tokio::test]
async fn a_url_that_has_expired_is_asked_for_anew() {
    let cloud = Cloud::new().await;
    let data = bytes(PART * 3);
    let file = cloud.file("web.raw", &data);
    let world = std::sync::Arc::clone(&cloud.world);
    cloud.hook(move |seen| {
        if seen.is_part() && seen.before == 1 {
            world.clock.advance(URL_LIFE);
        }
        Act::Pass
    });
    let said = cloud.done(&["push", text(&file), "--parallel", "1"]).await;
    assert_eq!(cloud.parts_seen(), 4);
    assert_eq!(data_of(&cloud, &said["id"]).await, data);
}

#[tokio::test]
async fn a_session_that_has_ended_begins_again_in_the_same_image() {
    let mut cloud = Cloud::new().await;
    let data = bytes(PART * 4);
    let file = cloud.file("web.raw", &data);
    let words = ["push", text(&file), "--parallel", "1"];
    cloud.hook(|seen| if seen.is_part() && seen.before == 2 { Act::Hang } else { Act::Pass });
    let mut killed = cloud.start(&words);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    cloud.world.clock.advance(SESSION_LIFE + Duration::from_secs(1));
    cloud.world.reaper.run().await.unwrap();
    cloud.hook(|_| Act::Pass);
    cloud.seen();
    let said = cloud.done(&words).await;
    let seen = cloud.seen();
    assert_eq!(seen.iter().filter(|seen| seen.is_part()).count(), 4);
    assert!(!seen.iter().any(|seen| seen.path == "/v2/images"), "it is the same image");
    assert_eq!(data_of(&cloud, &said["id"]).await, data);
}

#[tokio::test]
async fn a_push_that_was_killed_while_the_service_completed_it_finds_it_done() {
    let mut cloud = Cloud::new().await;
    let data = bytes(PART * 2);
    let file = cloud.file("web.raw", &data);
    cloud.hook(|seen| if seen.path.ends_with("/complete") { Act::Hang } else { Act::Pass });
    let mut killed = cloud.start(&["push", text(&file)]);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    let complete = cloud.seen().pop().unwrap().path;
    assert_eq!(cloud.world.call("POST", &complete).by(MEMBER).send().await.status, 200);
    cloud.hook(|_| Act::Pass);
    let said = cloud.done(&["push", text(&file)]).await;
    assert_eq!((&said["status"], cloud.parts_seen()), (&json!("active"), 0));
}

#[tokio::test]
async fn a_push_finds_the_session_that_it_never_heard_of() {
    let mut cloud = Cloud::new().await;
    let data = bytes(PART * 2);
    let file = cloud.file("web.raw", &data);
    cloud.hook(|seen| {
        let is_first = seen.method == "POST" && seen.path.ends_with("/uploads") && seen.before == 1;
        if is_first { Act::Lose } else { Act::Pass }
    });
    let said = cloud.done(&["push", text(&file)]).await;
    assert_eq!((cloud.parts_seen(), data_of(&cloud, &said["id"]).await), (2, data.clone()));

    // The same, by the next process.
    cloud.hook(|seen| if seen.path.ends_with("/uploads") { Act::Hang } else { Act::Pass });
    let mut killed = cloud.start(&["push", text(&file)]);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    let uploads = cloud.seen().pop().unwrap().path;
    let body = json!({"size": data.len(), "checksum": "crc64nvme"});
    assert_eq!(cloud.world.call("POST", &uploads).by(MEMBER).json(&body).send().await.status, 201);
    cloud.hook(|_| Act::Pass);
    let said = cloud.done(&["push", text(&file)]).await;
    let seen = cloud.seen();
    assert!(!seen.iter().any(|seen| seen.path == "/v2/images"), "it is the same image");
    assert_eq!(data_of(&cloud, &said["id"]).await, data);
}

#[tokio::test]
async fn a_session_in_an_image_that_was_named_is_anybodys() {
    let cloud = Cloud::new().await;
    let body = json!({"name": "waits", "disk_format": "raw", "container_format": "bare"});
    let path = cloud.world.made(MEMBER, body).await;
    let id = path.rsplit('/').next().unwrap();
    let opened = cloud.world.call("POST", &format!("{path}/uploads")).by(MEMBER).json(&json!({"size": 3}));
    let session = opened.send().await.json()["id"].as_str().unwrap().to_owned();
    let file = cloud.file("x", b"abc");
    let ran = cloud.run(&["push", text(&file), "--image", id]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.errors.contains(&format!("--session {session} goes on with its upload session")),
        "{}",
        ran.errors
    );
    assert_eq!(cloud.parts_seen(), 0);
    let said = cloud.done(&["push", text(&file), "--image", id, "--session", &session]).await;
    assert_eq!(data_of(&cloud, &said["id"]).await, b"abc");
}

#[tokio::test]
async fn a_file_that_has_changed_is_not_gone_on_with() {
    let mut cloud = Cloud::new().await;
    let file = cloud.file("web.raw", &bytes(PART * 4));
    let words = ["push", text(&file), "--parallel", "1"];
    cloud.hook(|seen| if seen.is_part() && seen.before == 2 { Act::Hang } else { Act::Pass });
    let mut killed = cloud.start(&words);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    cloud.hook(|_| Act::Pass);
    cloud.seen();
    cloud.file("web.raw", &bytes(PART * 4 + 1));
    let ran = cloud.run(&words).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.errors.contains("has changed since its push to image ") && ran.errors.contains("--new"),
        "{}",
        ran.errors
    );
    assert!(cloud.seen().is_empty(), "nobody was asked");
    let said = cloud.done(&["push", text(&file), "--new"]).await;
    assert_eq!(data_of(&cloud, &said["id"]).await, bytes(PART * 4 + 1));
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_noticed() {
    let cloud = Cloud::new().await;
    let file = cloud.file("web.raw", &bytes(PART * 4));
    let path = file.clone();
    cloud.hook(move |seen| {
        if seen.is_part() && seen.before == 2 {
            std::fs::write(&path, vec![7; PART * 4]).unwrap();
        }
        Act::Pass
    });
    let ran = cloud.run(&["push", text(&file), "--parallel", "1"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.errors.contains("is written to while it is pushed"), "{}", ran.errors);
}

#[tokio::test]
async fn an_image_that_waits_takes_the_file() {
    let cloud = Cloud::new().await;
    let body = json!({"name": "waits", "disk_format": "raw", "container_format": "bare"});
    let path = cloud.world.made(MEMBER, body).await;
    let id = path.rsplit('/').next().unwrap();
    let data = bytes(PART * 3);
    let file = cloud.file("x", &data);
    let said = cloud.done(&["push", text(&file), "--image", id]).await;
    assert_eq!((&said["name"], data_of(&cloud, &said["id"]).await), (&json!("waits"), data));
    for (words, says) in [
        (vec!["--image", id], format!("glint: image {id} is active, and takes no data: leave --image out\n")),
        (vec!["--image", "00000000-0000-4000-8000-00000000ffff"], "glint: there is no image 00000000-0000-4000-8000-00000000ffff to push to, or it is not yours to see\n".to_owned()),
    ] {
        let ran = cloud.run(&[&["push", text(&file)], &words[..]].concat()).await;
        assert_eq!((ran.code, ran.errors), (1, says));
    }
    for words in [
        &["--image", id, "--name", "x"][..],
        &["--image", id, "--tag", "x"],
        &["--image", "x"],
        &["--session", "x"],
    ] {
        assert_eq!(cloud.run(&[&["push", text(&file)], words].concat()).await.code, 2, "{words:?}");
    }
}

#[tokio::test]
async fn what_the_service_would_refuse_is_not_sent() {
    let cloud = Cloud::new().await;
    let file = cloud.file("evil", &shared::format::samples::qcow2_on("/etc/passwd"));
    let ran = cloud.run(&["push", text(&file)]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.errors.contains("backing_file") && ran.errors.contains("--anyway"), "{}", ran.errors);
    assert!(!cloud.seen().iter().any(|seen| seen.path == "/v2/images"));
}

#[tokio::test]
async fn an_image_that_hashes_to_something_else_is_told() {
    let cloud = Cloud::new().await;
    let file = cloud.file("web.raw", b"abc");
    cloud.hook(|seen| {
        // The image, when it is asked for at the end.
        let is_image = seen.method == "GET" && seen.path.matches('/').count() == 3;
        if !is_image || seen.before == 0 {
            return Act::Pass;
        }
        let image =
            json!({"id": "x", "status": "active", "size": 3, "os_hash_algo": "sha512", "os_hash_value": "0"});
        Act::Answer(axum::response::IntoResponse::into_response(axum::Json(image)))
    });
    let ran = cloud.run(&["push", text(&file)]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.errors.contains(" hashes to 0, and "), "{}", ran.errors);
}
