//! Image data that is staged for an import. In process: `glance-direct` is not enabled where others are deployed.

use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::probe::Fault;
use tests::request::{Answer, Call};
use tests::service::Service;
use tests::world::{MAX_IMAGE, PART, World};

use super::Lines;

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");
const MIB: usize = 1 << 20;

/// An image without formats.
async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"name": "web"})).await
}

fn put<'a>(service: &'a Service, path: &str) -> Call<'a> {
    service.call("PUT", &format!("{path}/stage")).by(MEMBER).header(OCTETS.0, OCTETS.1)
}

async fn staged(service: &Service, data: &[u8]) -> String {
    let path = queued(service).await;
    assert_eq!(put(service, &path).body(data).send().await.line(), "204");
    path
}

/// What an image says of its data.
async fn data_of(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    json!([image["status"], image["size"], image["checksum"], image["os_hash_value"], image["virtual_size"]])
}

/// An image as it was before the first try.
fn untouched() -> Value {
    json!(["queued", null, null, null, null])
}

/// How many objects there are, rows of the image beside its record, and rows that are due.
async fn kept(world: &World, path: &str) -> (usize, usize, usize) {
    let rows = world.rows(&path.replace("/v2/images/", "image#")).await;
    (world.store.keys().len(), rows.len() - 1, world.rows("due#blob#0").await.len())
}

#[tokio::test]
async fn what_is_staged_makes_the_image_uploading_and_tells_its_size_alone() {
    let world = World::default();
    let path = queued(&world).await;
    let before = world.get(MEMBER, &path).await.json();
    insta::assert_snapshot!(put(&world, &path).body(b"abc").send().await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    let after = world.get(MEMBER, &path).await.json();
    let names = |image: &Value| image.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before), "where it lies is nobody's to know");
    insta::assert_snapshot!(data_of(&world, &path).await, @r#"["uploading",3,null,null,null]"#);
    assert_eq!(
        world.get(MEMBER, &format!("{path}/file")).await.line(),
        "204",
        "it is no data of the image yet"
    );
    let listed = world.get(MEMBER, "/v2/images?status=uploading").await.json();
    assert_eq!(listed["images"][0]["size"], 3);
    assert_eq!(kept(&world, &path).await, (1, 1, 0), "nothing is due to it: it stays");
}

#[tokio::test]
async fn data_of_any_size_is_staged_as_it_comes() {
    let world = World::default();
    for size in [0, 1, PART - 1, PART, PART + 1, PART * 5 + 3] {
        let (path, data) = (queued(&world).await, bytes(size));
        assert_eq!(put(&world, &path).chunked(&data).send().await.line(), "204", "{size}");
        assert_eq!(data_of(&world, &path).await, json!(["uploading", size, null, null, null]));
    }
}

#[tokio::test]
async fn who_registers_an_image_is_told_the_ways_to_import() {
    let world = World::default();
    let said = world.post(MEMBER, json!({})).await.header("openstack-image-import-methods").to_owned();
    assert_eq!(said, "glance-direct,web-download,copy-image");
}

#[tokio::test]
async fn where_it_is_not_enabled_nothing_is_staged() {
    let world = World::without_import();
    let path = queued(&world).await;
    let mut lines = Lines::default();
    lines.answer("a member", &put(&world, &path).body(b"abc").send().await);
    let text = world.call("PUT", &format!("{path}/stage")).by(MEMBER).header("content-type", "text/plain");
    lines.answer("of another media type", &text.body(b"abc").send().await);
    let stranger = world.call("PUT", &format!("{path}/stage")).by(STRANGER).header(OCTETS.0, OCTETS.1);
    lines.answer("a stranger", &stranger.body(b"abc").send().await);
    insta::assert_snapshot!(lines, @r#"
    a member → 404 'glance-direct' method is not available at this site.
    of another media type → 404 'glance-direct' method is not available at this site.
    a stranger → 404 'glance-direct' method is not available at this site.
    "#);
    assert_eq!(data_of(&world, &path).await, untouched());
}

/// Stages three bytes with headers of one's own, to a fresh image; then the image can still be staged.
async fn announced(world: &World, headers: &[(&str, &str)]) -> Answer {
    let path = queued(world).await;
    let call = world.call("PUT", &format!("{path}/stage")).by(MEMBER);
    let answer = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
    let answer = answer.chunked(b"abc").send().await;
    if answer.status.as_u16() != 204 {
        assert_eq!(data_of(world, &path).await, untouched(), "{headers:?}");
        assert_eq!(kept(world, &path).await.1, 0, "{headers:?}");
        assert_eq!(put(world, &path).body(b"other bytes").send().await.line(), "204", "{headers:?}");
    }
    answer
}

#[tokio::test]
async fn a_size_that_was_announced_must_come_true() {
    let world = World::default();
    let mut lines = Lines::default();
    for size in ["3", "0", "2", "4", "many", "-1", "", "1048577", "18446744073709551616"] {
        lines.answer(size, &announced(&world, &[OCTETS, ("x-openstack-image-size", size)]).await);
    }
    insta::assert_snapshot!(lines, @r#"
    3 → 204
    0 → 204
    2 → 400 the data exceeds the size announced, 2 bytes
    4 → 400 the size of the data received, 3 bytes, does not match the size announced, 4 bytes
    many → 400 x-openstack-image-size: must be a number of bytes, not 'many'
    -1 → 400 x-openstack-image-size: must be a number of bytes, not '-1'
     → 400 x-openstack-image-size: must be a number of bytes, not ''
    1048577 → 413 the data announced, 1048577 bytes, exceeds the limit of 1048576 bytes
    18446744073709551616 → 400 x-openstack-image-size: must be a number of bytes, not '18446744073709551616'
    "#);
}

#[tokio::test]
async fn only_octets_are_staged() {
    let world = World::default();
    let mut lines = Lines::default();
    for kind in ["application/octet-stream; charset=x", "application/json", ""] {
        lines.answer(kind, &announced(&world, &[("content-type", kind)]).await);
    }
    insta::assert_snapshot!(lines, @r#"
    application/octet-stream; charset=x → 204
    application/json → 415 the content type must be application/octet-stream, not 'application/json'
     → 415 the content type must be application/octet-stream, not ''
    "#);
}

#[tokio::test]
async fn more_than_an_image_may_hold_is_not_staged() {
    let world = World::default();
    let data = vec![0; usize::try_from(MAX_IMAGE).unwrap() + 1];
    let path = queued(&world).await;
    insta::assert_snapshot!(put(&world, &path).chunked(&data).send().await.line(), @"413 the data exceeds the limit of 1048576 bytes for an image");
    assert_eq!((data_of(&world, &path).await, kept(&world, &path).await), (untouched(), (0, 0, 0)));
}

#[tokio::test]
async fn an_image_that_has_data_staged_takes_no_other_and_keeps_it() {
    let world = World::default();
    let formats = json!({"disk_format": "raw", "container_format": "bare"});
    let path = world.made(MEMBER, formats.clone()).await;
    assert_eq!(put(&world, &path).body(b"abc").send().await.line(), "204");
    let mut lines = Lines::default();
    lines.answer("stage again", &put(&world, &path).body(b"other").send().await);
    lines.answer("upload", &world.put_file(MEMBER, &path, b"other").await);
    let session = world.call("POST", &format!("{path}/uploads")).by(MEMBER).json(&json!({"size": 3}));
    lines.answer("open an upload session", &session.send().await);
    let action = |name: &str| world.call("POST", &format!("{path}/actions/{name}")).by(MEMBER).send();
    lines.add("deactivate", action("deactivate").await.status.as_u16());
    let rename = json!([{"op": "replace", "path": "/name", "value": "renamed"}]);
    lines.answer("rename", &world.patch(MEMBER, &path, rename).await);
    let active = world.made(MEMBER, formats).await;
    assert_eq!(world.put_file(MEMBER, &active, b"abc").await.line(), "204");
    lines.answer("stage what has data", &put(&world, &active).body(b"other").send().await);
    insta::assert_snapshot!(lines, @r#"
    stage again → 409 Image status transition from uploading to uploading is not allowed
    upload → 409 Image status transition from uploading to saving is not allowed
    open an upload session → 409 Image status transition from uploading to saving is not allowed
    deactivate → 403
    rename → 200
    stage what has data → 409 Image status transition from active to uploading is not allowed
    "#);
    assert_eq!(data_of(&world, &path).await, json!(["uploading", 3, null, null, null]));
    assert_eq!(kept(&world, &path).await, (2, 1, 0), "its own, and that of the other image");
}

#[tokio::test]
async fn what_is_staged_goes_with_its_image() {
    let world = World::default();
    let path = staged(&world, &bytes(PART * 2)).await;
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    assert_eq!(kept(&world, &path).await, (1, 1, 1), "due at once");
    let reaped = world.reaper.run().await.unwrap();
    assert_eq!((reaped.removed, reaped.failed), (1, 0));
    assert_eq!(kept(&world, &path).await, (0, 0, 0));
}

#[tokio::test]
async fn a_store_that_is_full_or_down_leaves_the_image_queued() {
    let world = World::default();
    let mut lines = Lines::default();
    for size in [3, PART * 2] {
        let (path, data) = (queued(&world).await, bytes(size));
        world.probe.fill(true);
        lines.answer(format!("full, {size} bytes"), &put(&world, &path).body(&data).send().await);
        world.probe.fill(false);
        assert_eq!((data_of(&world, &path).await, kept(&world, &path).await), (untouched(), (0, 0, 0)));
        // The image is read and begins to wait; then comes the store.
        world.probe.arm(2, Fault::Refused);
        let answer = put(&world, &path).body(&data).send().await;
        lines.answer(format!("down, {size} bytes"), &answer);
        world.probe.reset();
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!((data_of(&world, &path).await, kept(&world, &path).await), (untouched(), (0, 0, 0)));
    }
    insta::assert_snapshot!(lines, @r#"
    full, 3 bytes → 413 the image store has no room for this data
    down, 3 bytes → 503 the service is temporarily unable to answer, try again later
    full, 128 bytes → 413 the image store has no room for this data
    down, 128 bytes → 503 the service is temporarily unable to answer, try again later
    "#);
}

async fn usage(world: &World) -> String {
    let usage = world.get(READER, "/v2/info/usage").await.json();
    let of = |name: &str| usage["usage"][name]["usage"].to_string();
    let [size, stage, uploading] = ["image_size_total", "image_stage_total", "image_count_uploading"].map(of);
    format!("{size} MiB stored, {stage} MiB staged, {uploading} on their way")
}

#[tokio::test]
async fn what_is_staged_counts_against_what_may_be_staged_alone() {
    let world = World::default();
    world.limits.set(&[("image_stage_total", 1), ("image_size_total", 0)]);
    let mut lines = Lines::default();
    let data = vec![0; MIB];
    let first = queued(&world).await;
    lines.answer("a MiB", &put(&world, &first).body(&data).send().await);
    lines.add("usage", usage(&world).await);
    let second = queued(&world).await;
    lines.answer("a byte more", &put(&world, &second).body(b"a").send().await);
    lines.answer("of unknown number, at the limit", &put(&world, &second).chunked(&data).send().await);
    lines
        .answer("of unknown number, over it", &put(&world, &queued(&world).await).chunked(b"a").send().await);
    lines.add("usage", usage(&world).await);
    for path in [&first, &second] {
        assert_eq!(world.call("DELETE", path).by(MEMBER).send().await.line(), "204");
    }
    lines.add("usage, deleted", usage(&world).await);
    lines.answer("another MiB", &put(&world, &queued(&world).await).body(&data).send().await);
    insta::assert_snapshot!(lines, @r#"
    a MiB → 204
    usage → 0 MiB stored, 1 MiB staged, 1 on their way
    a byte more → 413 Project p1 is over a limit for [Resource image_stage_total is over limit of 1 due to current usage 1 and delta 1]
    of unknown number, at the limit → 204
    of unknown number, over it → 413 Project p1 is over a limit for [Resource image_stage_total is over limit of 1 due to current usage 2 and delta 0]
    usage → 0 MiB stored, 2 MiB staged, 2 on their way
    usage, deleted → 0 MiB stored, 0 MiB staged, 0 on their way
    another MiB → 204
    "#);
}

#[tokio::test]
async fn what_is_staged_is_on_its_way_until_it_is_imported() {
    let world = World::default();
    world.limits.set(&[("image_count_uploading", 1)]);
    let path = staged(&world, b"abc").await;
    let other = queued(&world).await;
    insta::assert_snapshot!(put(&world, &other).body(b"abc").send().await.line(), @"413 Project p1 is over a limit for [Resource image_count_uploading is over limit of 1 due to current usage 1 and delta 1]");
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    assert_eq!(put(&world, &other).body(b"abc").send().await.line(), "204");
}

#[tokio::test]
async fn who_may_stage() {
    let world = World::default();
    let mut lines = Lines::default();
    for visibility in ["private", "shared", "community", "public"] {
        for (who, token) in [("stranger", STRANGER), ("reader", READER), ("member", MEMBER), ("admin", ADMIN)]
        {
            let path = world.made(ADMIN, json!({"owner": "p1", "visibility": visibility})).await;
            let call = world.call("PUT", &format!("{path}/stage")).by(token).header(OCTETS.0, OCTETS.1);
            let status = call.body(b"abc").send().await.status;
            lines.add(format!("{who}, {visibility}"), status.as_u16());
        }
    }
    let unknown = world.call("PUT", "/v2/images/web/stage").by(ADMIN).header(OCTETS.0, OCTETS.1);
    lines.answer("nothing there", &unknown.body(b"abc").send().await);
    let nobody = world.call("PUT", "/v2/images/web/stage").header(OCTETS.0, OCTETS.1);
    lines.add("no token", nobody.body(b"abc").send().await.status.as_u16());
    insta::assert_snapshot!(lines, @r#"
    stranger, private → 404
    reader, private → 403
    member, private → 204
    admin, private → 204
    stranger, shared → 404
    reader, shared → 403
    member, shared → 204
    admin, shared → 204
    stranger, community → 403
    reader, community → 403
    member, community → 204
    admin, community → 204
    stranger, public → 403
    reader, public → 403
    member, public → 204
    admin, public → 204
    nothing there → 404 No image found with ID web
    no token → 401
    "#);
}
