//! Downloads whose clients are sent to the store, and the URLs they are sent to. In process: they need a clock and a host of their own.

use std::time::Duration;

use serde_json::json;
use shared::http::Cors;
use shared::operations::Redirects;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::world::World;

use super::Lines;

const DATA: &[u8] = b"0123456789";
const LIFE: Duration = Duration::from_mins(5);

/// A service whose clients are sent to hosts that are trusted.
fn trusting(hosts: &str) -> World {
    let redirects = Redirects { trusted: hosts.parse().unwrap(), url_life: LIFE };
    World::default().opened(Some(redirects), Cors::default())
}

async fn uploaded(world: &World, name: &str, data: &[u8]) -> String {
    let path = world
        .made(
            MEMBER,
            json!({"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "shared"}),
        )
        .await;
    assert_eq!(world.put_file(MEMBER, &path, data).await.line(), "204");
    path
}

async fn ask(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = world.call(method, path);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

/// Where a download sends its client, on this service.
async fn sent_to(world: &World, path: &str) -> String {
    let answer = world.get(MEMBER, &format!("{path}/file")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (302, &b""[..]), "{answer}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("location").strip_prefix("http://glint").unwrap().to_owned()
}

#[tokio::test]
async fn a_client_is_sent_to_the_data_and_needs_no_more_than_the_url() {
    let world = trusting("glint");
    let path = uploaded(&world, "We\"b\r\n ü/1.img", DATA).await;
    let there = sent_to(&world, &path).await;
    assert!(there.starts_with(&format!("{path}/objects/")), "{there}");
    // Clients send their token along, whatever it is worth there.
    insta::assert_snapshot!(ask(&world, "GET", &there, &[("x-auth-token", "bad")]).await, @r#"
    200 OK
    accept-ranges: bytes
    content-disposition: attachment; filename="We_b__ __1.img"; filename*=UTF-8''We%22b__%20%C3%BC_1.img
    content-length: 10
    content-md5: 781e5e245d69b566979b86e28d23f2c7
    content-type: application/octet-stream
    etag: "781e5e245d69b566979b86e28d23f2c7"
    x-openstack-request-id: <request id>

    0123456789
    "#);
    let etag = "\"781e5e245d69b566979b86e28d23f2c7\"";
    let mut lines = Lines::default();
    for (what, method, headers) in [
        ("a range", "GET", vec![("range", "bytes=2-4")]),
        ("several", "GET", vec![("range", "bytes=2-4,6-7")]),
        ("past the end", "GET", vec![("range", "bytes=10-")]),
        ("of the same data", "GET", vec![("range", "bytes=2-4"), ("if-range", etag)]),
        ("of other data", "GET", vec![("range", "bytes=2-4"), ("if-range", "\"x\"")]),
        ("known", "GET", vec![("if-none-match", etag)]),
        ("the head", "HEAD", vec![]),
        ("a change", "DELETE", vec![]),
    ] {
        let answer = ask(&world, method, &there, &headers).await;
        let is_data = answer.header("content-type") == "application/octet-stream";
        let told = if is_data { String::from_utf8_lossy(&answer.body).into_owned() } else { answer.line() };
        lines.add(what, format!("{} [{told}]", answer.status.as_u16()));
    }
    insta::assert_snapshot!(lines, @r"
    a range → 206 [234]
    several → 400 [400 Requests with multiple ranges are not supported.]
    past the end → 416 [416 the requested range cannot be satisfied: the image holds 10 bytes]
    of the same data → 206 [234]
    of other data → 200 [0123456789]
    known → 304 [304]
    the head → 200 []
    a change → 401 [401 the request you have made requires authentication]
    ");
}

#[tokio::test]
async fn what_needs_no_bytes_or_may_have_none_is_answered_before_anybody_is_sent_anywhere() {
    let world = trusting("glint");
    let path = uploaded(&world, "web", DATA).await;
    let file = format!("{path}/file");
    let etag = "\"781e5e245d69b566979b86e28d23f2c7\"";
    let mut lines = Lines::default();
    for (what, method, token, headers) in [
        ("a range", "GET", MEMBER, vec![("range", "bytes=2-4")]),
        ("several ranges", "GET", MEMBER, vec![("range", "bytes=2-4,6-7")]),
        ("past the end", "GET", MEMBER, vec![("range", "bytes=10-")]),
        ("a range in the old form", "GET", MEMBER, vec![("content-range", "bytes 2-4/*")]),
        ("known", "GET", MEMBER, vec![("if-none-match", etag)]),
        ("the head", "HEAD", MEMBER, vec![]),
        ("without a token", "GET", "", vec![]),
        ("a reader", "GET", READER, vec![]),
        ("a stranger", "GET", STRANGER, vec![]),
        ("an upload", "PUT", MEMBER, vec![("content-type", "application/octet-stream")]),
    ] {
        let token = [("x-auth-token", token)];
        let headers = [&token[..usize::from(!token[0].1.is_empty())], &headers].concat();
        lines.add(what, ask(&world, method, &file, &headers).await.status.as_str());
    }
    let of = async |path: String, token: &str| world.get(token, &format!("{path}/file")).await;
    lines.add("an empty image", of(uploaded(&world, "none", b"").await, MEMBER).await.status.as_str());
    let queued = world.made(MEMBER, json!({})).await;
    lines.add("no data yet", of(queued, MEMBER).await.status.as_str());
    let deactivate = world.call("POST", &format!("{path}/actions/deactivate")).by(ADMIN).send().await;
    assert_eq!(deactivate.line(), "204");
    lines.add("deactivated", of(path.clone(), MEMBER).await.status.as_str());
    lines.add("deactivated, an administrator", of(path, ADMIN).await.status.as_str());
    insta::assert_snapshot!(lines, @r"
    a range → 302
    several ranges → 400
    past the end → 416
    a range in the old form → 206
    known → 304
    the head → 200
    without a token → 401
    a reader → 403
    a stranger → 404
    an upload → 409
    an empty image → 200
    no data yet → 204
    deactivated → 403
    deactivated, an administrator → 302
    ");
}

#[tokio::test]
async fn nobody_is_sent_to_a_host_that_is_not_trusted_with_tokens() {
    for hosts in ["", "other", "glint:8443", "images.glint"] {
        let world = trusting(hosts);
        let path = uploaded(&world, "web", DATA).await;
        let answer = world.get(MEMBER, &format!("{path}/file")).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, DATA), "{hosts}");
    }
}

#[tokio::test]
async fn a_url_is_leave_for_its_object_its_name_and_its_time() {
    let world = trusting("glint");
    let (path, other) = (uploaded(&world, "web", DATA).await, uploaded(&world, "other", b"other").await);
    let (there, elsewhere) = (sent_to(&world, &path).await, sent_to(&world, &other).await);
    let (place, query) = there.split_once('?').unwrap();
    let get = async |path: &str| ask(&world, "GET", path, &[]).await.line();
    let mut lines = Lines::default();
    lines.add("another object", get(&format!("{}?{query}", elsewhere.split('?').next().unwrap())).await);
    lines.add("another name", get(&there.replace("filename=web", "filename=pay")).await);
    lines.add("another digest", get(&there.replace("md5=7", "md5=8")).await);
    lines.add("a later end", get(&there.replace("expires=1", "expires=2")).await);
    lines.add("no signature", get(there.split("&signature").next().unwrap()).await);
    lines.add("no query", get(place).await);
    lines.add("no object", get(&format!("{path}/objects/x?{query}")).await);
    world.clock.advance(LIFE.checked_sub(Duration::from_secs(1)).unwrap());
    lines.add("just in time", get(&there).await);
    world.clock.advance(Duration::from_secs(1));
    lines.add("too late", get(&there).await);
    let there = sent_to(&world, &path).await;
    assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
    world.reaper.run().await.unwrap();
    lines.add("removed", get(&there).await);
    insta::assert_snapshot!(lines, @r"
    another object → 403 the signature of the URL is not valid for what is asked
    another name → 403 the signature of the URL is not valid for what is asked
    another digest → 403 the signature of the URL is not valid for what is asked
    a later end → 403 the signature of the URL is not valid for what is asked
    no signature → 403 the signature of the URL is not valid for what is asked
    no query → 403 the signature of the URL is not valid for what is asked
    no object → 404 The resource could not be found.
    just in time → 200
    too late → 403 the URL has expired: ask for a fresh one
    removed → 404 The resource could not be found.
    ");
}

#[tokio::test]
async fn what_a_function_cannot_carry_is_read_where_it_lies_or_the_answer_says_why_not() {
    for (hosts, whole) in [
        ("glint", "302"),
        (
            "other",
            "413 The answer would carry 10 bytes, and one through this gateway may carry 4: ask for it in ranges.",
        ),
    ] {
        let world = trusting(hosts);
        let path = uploaded(&world, "web", DATA).await;
        let world = world.carrying(4);
        let file = format!("{path}/file");
        assert_eq!(world.get(MEMBER, &file).await.line(), whole, "{hosts}");
        let head = ask(&world, "HEAD", &file, &[("x-auth-token", MEMBER)]).await;
        assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "10"), "{hosts}");
        let few = ask(&world, "GET", &file, &[("x-auth-token", MEMBER), ("range", "bytes=2-4")]).await;
        assert_eq!(few.status.as_u16(), if hosts == "glint" { 302 } else { 206 }, "{hosts}");
    }
}
