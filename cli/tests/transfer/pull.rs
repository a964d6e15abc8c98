//! Pulling.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tests::callers::MEMBER;
use tests::fixtures::bytes;

use crate::cloud::{Act, Cloud, Seen, listen, redirect, text};

const RANGE: usize = 64 << 10;

/// An image's id.
async fn image(cloud: &Cloud, name: &str, data: &[u8]) -> String {
    let body = json!({"name": name, "disk_format": "raw", "container_format": "bare"});
    let path = cloud.world.made(MEMBER, body).await;
    assert_eq!(cloud.world.put_file(MEMBER, &path, data).await.status, 204);
    path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_the_image_it_was_pulled_from() {
    let cloud = Cloud::new().await;
    for (name, size) in [("none", 0), ("small", 1), ("large", RANGE * 5 + 3)] {
        let data = bytes(size);
        let id = image(&cloud, name, &data).await;
        let said = cloud.done(&["pull", name, "--parallel", "3"]).await;
        assert_eq!((&said["id"], &said["file"]), (&json!(id), &json!(format!("{name}.raw"))));
        assert_eq!(std::fs::read(cloud.path(&format!("{name}.raw"))).unwrap(), data);
        let file = cloud.path("by-id");
        cloud.done(&["pull", &id, text(&file), "--force"]).await;
        assert_eq!(std::fs::read(&file).unwrap(), data);
        let ran = cloud.run(&["pull", &id, "-"]).await;
        assert_eq!((ran.code, ran.output), (0, data), "{}", ran.errors);
        assert!(!cloud.path("by-id.part").exists() && !cloud.path("by-id.part.list").exists());
    }
    let ranges = cloud.seen().iter().filter(|seen| seen.is_download()).count();
    assert!(ranges > 6, "{ranges} ranges");
}

#[tokio::test]
async fn what_is_pushed_is_pulled() {
    let cloud = Cloud::new().await;
    let data = bytes(RANGE * 2 + 7);
    let file = cloud.file("web.raw", &data);
    let said = cloud.done(&["push", text(&file)]).await;
    cloud.done(&["pull", said["id"].as_str().unwrap(), "back"]).await;
    assert_eq!(std::fs::read(cloud.path("back")).unwrap(), data);
}

#[tokio::test]
async fn a_pull_that_was_killed_asks_for_what_is_missing_alone() {
    let mut cloud = Cloud::new().await;
    let data = bytes(RANGE * 8);
    let id = image(&cloud, "web", &data).await;
    let mut downloads = 0;
    cloud.hook(move |seen| {
        downloads += usize::from(seen.is_download());
        if seen.is_download() && downloads == 3 { Act::Hang } else { Act::Pass }
    });
    let words = ["pull", &id, "web", "--parallel", "1"];
    let mut killed = cloud.start(&words);
    cloud.hangs().await;
    killed.kill().await.unwrap();
    assert!(!cloud.path("web").exists());
    cloud.hook(|_| Act::Pass);
    let downloads = |cloud: &Cloud| cloud.seen().iter().filter(|seen| seen.is_download()).count();
    let before = downloads(&cloud);
    let ran = cloud.run(&words).await;
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(ran.errors.contains("web.part: 262144 of 524288 bytes are there"), "{}", ran.errors);
    // Of four ranges, the one that hung is asked for by both.
    assert_eq!((before, downloads(&cloud)), (3, 2));
    assert_eq!(std::fs::read(cloud.path("web")).unwrap(), data);
}

#[tokio::test]
async fn what_is_there_of_another_image_is_not_gone_on_with() {
    let cloud = Cloud::new().await;
    let data = bytes(RANGE * 3);
    let id = image(&cloud, "web", &data).await;
    cloud.file("web.part", &vec![7; data.len()]);
    cloud.file("web.part.list", format!("{id} {} 00 65536\n0\n1\n2\n", data.len()).as_bytes());
    cloud.done(&["pull", &id, "web"]).await;
    assert_eq!(std::fs::read(cloud.path("web")).unwrap(), data);
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let cloud = Cloud::new().await;
    let data = bytes(RANGE * 3);
    let id = image(&cloud, "web", &data).await;
    let (seen, held) = (Arc::new(Mutex::new(Vec::new())), data.clone());
    let bucket = {
        let seen = Arc::clone(&seen);
        listen(Router::new().fallback(move |request: Request| {
            seen.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
            let range =
                request.headers()["range"].to_str().unwrap().strip_prefix("bytes=").unwrap().to_owned();
            let (from, to) = range.split_once('-').unwrap();
            let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
            let header = ("content-range", format!("bytes {from}-{to}/{}", held.len()));
            let body = held[from..=to].to_vec();
            async { (StatusCode::PARTIAL_CONTENT, [header], body).into_response() }
        }))
        .await
    };
    let target = format!("{bucket}/object?signature=x");
    cloud.hook(move |seen| if seen.is_download() { Act::Answer(redirect(&target)) } else { Act::Pass });
    cloud.done(&["pull", &id, "web"]).await;
    assert_eq!(std::fs::read(cloud.path("web")).unwrap(), data);
    let asked = seen.lock().unwrap().clone();
    assert!(!asked.is_empty());
    for (uri, headers) in asked {
        assert_eq!(uri, "/object?signature=x");
        assert!(
            !headers.contains_key("x-auth-token") && !headers.contains_key("authorization"),
            "{headers:?}"
        );
    }
    let downloads: Vec<_> = cloud.seen().into_iter().filter(Seen::is_download).collect();
    assert!(downloads.iter().all(|seen| seen.header("x-auth-token") == MEMBER));

    // Elsewhere on the same host, it goes along.
    let own = format!("/v2/images/{id}/file?again");
    let mut sent_on = false;
    cloud.hook(move |seen| {
        let is_first = seen.is_download() && !std::mem::replace(&mut sent_on, seen.is_download());
        if is_first { Act::Answer(redirect(&own)) } else { Act::Pass }
    });
    cloud.done(&["pull", &id, "again"]).await;

    let mut endless = 0;
    let url = cloud.url.clone();
    cloud.hook(move |seen| {
        endless += usize::from(seen.is_download());
        if seen.is_download() { Act::Answer(redirect(&format!("{url}/x{endless}/file"))) } else { Act::Pass }
    });
    let ran = cloud.run(&["pull", &id, "endless"]).await;
    assert!(ran.code == 1 && ran.errors.contains("sends the download on and on"), "{}", ran.errors);
}

#[tokio::test]
async fn data_that_is_not_the_images_is_removed() {
    let cloud = Cloud::new().await;
    let id = image(&cloud, "web", b"abc").await;
    let wrong = |range: &str| -> Response {
        assert_eq!(range, "bytes=0-2");
        (StatusCode::PARTIAL_CONTENT, [("content-range", "bytes 0-2/3")], "abd").into_response()
    };
    cloud.hook(
        move |seen| if seen.is_download() { Act::Answer(wrong(seen.header("range"))) } else { Act::Pass },
    );
    let ran = cloud.run(&["pull", &id, "web"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.errors.contains("what was pulled is not the image: its sha512 is "), "{}", ran.errors);
    for left in ["web", "web.part", "web.part.list"] {
        assert!(!cloud.path(left).exists(), "{left} is there");
    }
    let ran = cloud.run(&["pull", &id, "-"]).await;
    assert_eq!((ran.code, ran.output), (1, b"abd".to_vec()));
}

#[tokio::test]
async fn a_range_that_breaks_off_goes_on_where_it_did() {
    let cloud = Cloud::new().await;
    let data = bytes(RANGE);
    let id = image(&cloud, "web", &data).await;
    let mut answers = 0;
    let half = data[..RANGE / 2].to_vec();
    let header = format!("bytes 0-{}/{RANGE}", RANGE - 1);
    cloud.hook(move |seen| {
        if !seen.is_download() {
            return Act::Pass;
        }
        answers += 1;
        match answers {
            1 => Act::status(503, "later"),
            2 => Act::Answer(
                (StatusCode::PARTIAL_CONTENT, [("content-range", header.clone())], half.clone())
                    .into_response(),
            ),
            _ => Act::Pass,
        }
    });
    cloud.done(&["pull", &id, "web"]).await;
    assert_eq!(std::fs::read(cloud.path("web")).unwrap(), data);
    let ranges = cloud.seen().into_iter().filter(Seen::is_download);
    let ranges: Vec<_> = ranges.map(|seen| seen.header("range").to_owned()).collect();
    assert_eq!(ranges, ["bytes=0-65535", "bytes=0-65535", "bytes=32768-65535"]);
}

#[tokio::test]
async fn a_service_without_ranges_serves_all_the_same() {
    let cloud = Cloud::new().await;
    let data = bytes(RANGE * 3);
    let id = image(&cloud, "web", &data).await;
    let whole = data.clone();
    cloud.hook(
        move |seen| if seen.is_download() { Act::Answer(whole.clone().into_response()) } else { Act::Pass },
    );
    cloud.done(&["pull", &id, "web"]).await;
    assert_eq!(std::fs::read(cloud.path("web")).unwrap(), data);
}

#[tokio::test]
async fn what_cannot_be_pulled_is_told() {
    let cloud = Cloud::new().await;
    let (one, two) = (image(&cloud, "twice", b"a").await, image(&cloud, "twice", b"b").await);
    cloud.world.made(MEMBER, json!({"name": "empty"})).await;
    cloud.file("there", b"x");
    for (words, code, says) in [
        (&["pull", "nobody"][..], 1, "glint: there is no image 'nobody', or it is not yours to see"),
        (&["pull", "twice"], 1, "glint: several images are named 'twice': name one by its id: "),
        (&["pull", "empty"], 1, " is queued: there is no data to pull"),
        (
            &["pull", &one, "there"],
            2,
            "glint: there is there already: name another file, or replace it with --force",
        ),
        (&["pull", &one, "no/such/directory"], 1, "no/such/directory.part: No such file or directory"),
    ] {
        let ran = cloud.run(words).await;
        assert_eq!(ran.code, code, "{words:?}: {}", ran.errors);
        assert!(ran.errors.contains(says) && ran.errors.lines().count() == 1, "{words:?}: {}", ran.errors);
    }
    let ran = cloud.run(&["pull", "twice"]).await;
    assert!(ran.errors.contains(&one) && ran.errors.contains(&two));
}
