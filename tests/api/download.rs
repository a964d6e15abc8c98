use serde_json::json;
use shared::ports::{Change, Condition, Item, Key, Write};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::probe::Fault;
use tests::request::Answer;
use tests::service::Service;
use tests::world::World;

use super::Lines;

const DATA: &[u8] = b"0123456789";

/// A shared image with data.
async fn uploaded(service: &Service, data: &[u8]) -> String {
    let path =
        service.made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare"})).await;
    assert_eq!(service.put_file(MEMBER, &path, data).await.line(), "204");
    path
}

async fn download(service: &Service, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = service.call("GET", &format!("{path}/file")).by(MEMBER);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

/// What of an answer tells about bytes.
fn told(answer: &Answer) -> String {
    let body = if answer.status.is_success() {
        String::from_utf8_lossy(&answer.body).into_owned()
    } else {
        answer.line()
    };
    let [length, range] = ["content-length", "content-range"].map(|name| answer.header(name));
    format!("{} [{length}] [{range}] {body}", answer.status.as_u16())
}

#[tokio::test]
async fn a_download_is_the_bytes_with_their_length_and_digest() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    insta::assert_snapshot!(download(&service, &path, &[]).await, @r#"
    200 OK
    accept-ranges: bytes
    content-length: 10
    content-md5: 781e5e245d69b566979b86e28d23f2c7
    content-type: application/octet-stream
    etag: "781e5e245d69b566979b86e28d23f2c7"
    x-openstack-request-id: <request id>

    0123456789
    "#);
}

#[tokio::test]
async fn head_tells_everything_but_the_bytes() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let get = download(&service, &path, &[]).await;
    let head = service.call("HEAD", &format!("{path}/file")).by(MEMBER).send().await;
    assert_eq!((head.head(), &*head.body), (get.head(), &b""[..]));
}

#[tokio::test]
async fn a_range_is_what_was_asked_for() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    insta::assert_snapshot!(download(&service, &path, &[("range", "bytes=2-4")]).await, @r#"
    206 Partial Content
    accept-ranges: bytes
    content-length: 3
    content-md5: 781e5e245d69b566979b86e28d23f2c7
    content-range: bytes 2-4/10
    content-type: application/octet-stream
    etag: "781e5e245d69b566979b86e28d23f2c7"
    x-openstack-request-id: <request id>

    234
    "#);
    let mut lines = Lines::default();
    for range in [
        "bytes=0-0",
        "bytes=0-9",
        "bytes=3-",
        "bytes=9-100",
        "bytes=0-99999999999999999999",
        "bytes=-3",
        "bytes=-30",
        "bytes=-99999999999999999999",
        "bytes=10-",
        "bytes=10-12",
        "bytes=99999999999999999999-",
        "bytes=5-3",
        "bytes=-0",
        "bytes=a-b",
        "bytes=",
        "octets=0-1",
        "",
        "bytes=0-1,3-4",
    ] {
        lines.add(range, told(&download(&service, &path, &[("range", range)]).await));
    }
    insta::assert_snapshot!(lines, @r#"
    bytes=0-0 → 206 [1] [bytes 0-0/10] 0
    bytes=0-9 → 206 [10] [bytes 0-9/10] 0123456789
    bytes=3- → 206 [7] [bytes 3-9/10] 3456789
    bytes=9-100 → 206 [1] [bytes 9-9/10] 9
    bytes=0-99999999999999999999 → 206 [10] [bytes 0-9/10] 0123456789
    bytes=-3 → 206 [3] [bytes 7-9/10] 789
    bytes=-30 → 206 [10] [bytes 0-9/10] 0123456789
    bytes=-99999999999999999999 → 206 [10] [bytes 0-9/10] 0123456789
    bytes=10- → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=10-12 → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=99999999999999999999- → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=5-3 → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=-0 → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=a-b → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes= → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    octets=0-1 → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
     → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes=0-1,3-4 → 400 [70] [] 400 Requests with multiple ranges are not supported.
    "#);
}

#[tokio::test]
async fn the_old_form_of_a_range_is_still_taken() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let mut lines = Lines::default();
    for range in ["bytes 2-4/*", "bytes 2-9/10", "bytes 2-10/*", "bytes 2-4/9", "nonsense"] {
        lines.add(range, told(&download(&service, &path, &[("content-range", range)]).await));
    }
    insta::assert_snapshot!(lines, @r#"
    bytes 2-4/* → 206 [3] [bytes 2-4/10] 234
    bytes 2-9/10 → 206 [8] [bytes 2-9/10] 23456789
    bytes 2-10/* → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    bytes 2-4/9 → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    nonsense → 416 [107] [bytes */10] 416 the requested range cannot be satisfied: the image holds 10 bytes
    "#);
}

#[tokio::test]
async fn an_empty_image_is_200_and_has_no_range() {
    let service = Service::empty().await;
    let path = uploaded(&service, b"").await;
    insta::assert_snapshot!(download(&service, &path, &[]).await, @r#"
    200 OK
    accept-ranges: bytes
    content-length: 0
    content-md5: d41d8cd98f00b204e9800998ecf8427e
    content-type: application/octet-stream
    etag: "d41d8cd98f00b204e9800998ecf8427e"
    x-openstack-request-id: <request id>
    "#);
    let mut lines = Lines::default();
    for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
        lines.add(range, told(&download(&service, &path, &[("range", range)]).await));
    }
    insta::assert_snapshot!(lines, @r#"
    bytes=0- → 416 [106] [bytes */0] 416 the requested range cannot be satisfied: the image holds 0 bytes
    bytes=-1 → 416 [106] [bytes */0] 416 the requested range cannot be satisfied: the image holds 0 bytes
    bytes=0-0 → 416 [106] [bytes */0] 416 the requested range cannot be satisfied: the image holds 0 bytes
    "#);
}

#[tokio::test]
async fn an_image_without_data_is_204_whatever_is_asked_of_it() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({})).await;
    insta::assert_snapshot!(download(&service, &path, &[]).await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    for header in [
        ("range", "bytes=0-1"),
        ("range", "nonsense"),
        ("if-none-match", "*"),
        ("content-range", "bytes 0-1/*"),
    ] {
        assert_eq!(download(&service, &path, &[header]).await.line(), "204", "{header:?}");
    }
    assert_eq!(service.call("HEAD", &format!("{path}/file")).by(MEMBER).send().await.line(), "204");
}

#[tokio::test]
async fn bytes_the_client_has_are_not_sent_again() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let etag = download(&service, &path, &[]).await.header("etag").to_owned();
    insta::assert_snapshot!(download(&service, &path, &[("if-none-match", &etag)]).await, @r#"
    304 Not Modified
    etag: "781e5e245d69b566979b86e28d23f2c7"
    x-openstack-request-id: <request id>
    "#);
    let weak = format!("\"x\", W/{etag}");
    let mut lines = Lines::default();
    for known in ["*", &weak, "\"other\"", "W/\"other\"", "", etag.trim_matches('"')] {
        lines.add(known, told(&download(&service, &path, &[("if-none-match", known)]).await));
    }
    insta::assert_snapshot!(lines, @r#"
    * → 304 [] [] 304
    "x", W/"781e5e245d69b566979b86e28d23f2c7" → 304 [] [] 304
    "other" → 200 [10] [] 0123456789
    W/"other" → 200 [10] [] 0123456789
     → 200 [10] [] 0123456789
    781e5e245d69b566979b86e28d23f2c7 → 200 [10] [] 0123456789
    "#);
}

#[tokio::test]
async fn a_range_of_other_bytes_is_the_whole() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let etag = download(&service, &path, &[]).await.header("etag").to_owned();
    let mut lines = Lines::default();
    for known in [etag.as_str(), "\"other\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        let headers = [("range", "bytes=2-4"), ("if-range", known)];
        lines.add(known, told(&download(&service, &path, &headers).await));
    }
    insta::assert_snapshot!(lines, @r#"
    "781e5e245d69b566979b86e28d23f2c7" → 206 [3] [bytes 2-4/10] 234
    "other" → 200 [10] [] 0123456789
    Wed, 21 Oct 2015 07:28:00 GMT → 200 [10] [] 0123456789
    "#);
}

#[tokio::test]
async fn who_may_download() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for visibility in ["private", "shared", "community", "public"] {
        let body = json!({"owner": "p1", "visibility": visibility, "disk_format": "raw", "container_format": "bare"});
        let path = service.made(ADMIN, body).await;
        service.put_file(ADMIN, &path, b"abc").await;
        let foreign_reader = "p2:reader";
        for (who, token) in [
            ("reader elsewhere", foreign_reader),
            ("stranger", STRANGER),
            ("reader", READER),
            ("member", MEMBER),
            ("admin", ADMIN),
        ] {
            lines.answer(format!("{who}, {visibility}"), &service.get(token, &format!("{path}/file")).await);
        }
    }
    lines.answer("nothing there", &service.get(ADMIN, "/v2/images/web/file").await);
    insta::assert_snapshot!(lines, @r#"
    reader elsewhere, private → 404 No image found with ID <id 1>
    stranger, private → 404 No image found with ID <id 1>
    reader, private → 403 You are not authorized to complete this action.
    member, private → 200
    admin, private → 200
    reader elsewhere, shared → 404 No image found with ID <id 2>
    stranger, shared → 404 No image found with ID <id 2>
    reader, shared → 403 You are not authorized to complete this action.
    member, shared → 200
    admin, shared → 200
    reader elsewhere, community → 403 You are not authorized to complete this action.
    stranger, community → 200
    reader, community → 403 You are not authorized to complete this action.
    member, community → 200
    admin, community → 200
    reader elsewhere, public → 403 You are not authorized to complete this action.
    stranger, public → 200
    reader, public → 403 You are not authorized to complete this action.
    member, public → 200
    admin, public → 200
    nothing there → 404 No image found with ID web
    "#);
}

/// In process: nothing deactivates an image yet, so the record is changed past the service.
#[tokio::test]
async fn a_deactivated_image_is_kept_from_all_but_administrators() {
    let world = World::default();
    let image = world.create(json!({"owner": "p1", "disk_format": "raw", "container_format": "bare"})).await;
    world.upload(&image, DATA).await.unwrap();
    let key = Key { partition: format!("image#{}", image.id), sort: "record".to_owned() };
    let mut record = world.table.get(&key).await.unwrap().unwrap();
    record.attributes.insert("status".to_owned(), "deactivated".into());
    world
        .table
        .commit(Write::default().with(Change::Put(Item { key, ..record }, Condition::Present)))
        .await
        .unwrap();
    let path = format!("/v2/images/{}", image.id);
    insta::assert_snapshot!(download(&world, &path, &[]).await.line(), @"403 The requested image has been deactivated. Image data download is forbidden.");
    assert_eq!(world.get(ADMIN, &format!("{path}/file")).await.body, DATA);
    assert_eq!(world.get(MEMBER, &path).await.json()["status"], "deactivated");
}

/// In process: the fault is the probe's.
#[tokio::test]
async fn a_store_that_cannot_be_asked_can_be_asked_again() {
    let world = World::default();
    let path = uploaded(&world, DATA).await;
    world.probe.arm(1, Fault::Refused);
    insta::assert_snapshot!(download(&world, &path, &[]).await.line(), @"503 the service is temporarily unable to answer, try again later");
}
