//! Uploads and downloads that something comes between, and what else their tables of statuses name. In process: bodies wait, clocks
//! and faults are the test's, and some records are in states that no call brings about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use shared::error::Cause;
use shared::http::{Cors, Door, serve};
use shared::identity::Caller;
use shared::ports::{Change, Condition, Identity, IdentityError, Item, Key, Tokens, Write};
use tests::callers::{ADMIN, MEMBER, READER, TokenSays};
use tests::fixtures::{CountingIds, bytes};
use tests::probe::Fault;
use tests::request::Answer;
use tests::service::Service;
use tests::world::{PART, World};
use tokio::sync::Semaphore;

use super::Lines;

const DATA: &[u8] = b"0123456789";

async fn queued(service: &Service, disk_format: &str) -> String {
    service.made(MEMBER, json!({"disk_format": disk_format, "container_format": "bare"})).await
}

async fn uploaded(service: &Service, data: &[u8]) -> String {
    let path = queued(service, "raw").await;
    assert_eq!(service.put_file(MEMBER, &path, data).await.line(), "204");
    path
}

/// A request to upload or to stage whose body is given by `pieces`.
async fn send(
    service: &Service,
    path: &str,
    call: &str,
    pieces: impl Stream<Item = Result<Bytes, Cause>> + Send + 'static,
) -> Answer {
    let call = service.call("PUT", &format!("{path}/{call}")).by(MEMBER);
    call.header("content-type", "application/octet-stream").stream(pieces).send().await
}

/// Data whose second half comes once there is a permit for it.
fn halted(data: &[u8]) -> (impl Stream<Item = Result<Bytes, Cause>> + Send + use<>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let (first, rest) = data.split_at(data.len() / 2);
    let (first, rest) = (Bytes::copy_from_slice(first), Bytes::copy_from_slice(rest));
    let rest = stream::once(async move {
        opened.acquire().await?.forget();
        Ok(rest)
    });
    (stream::iter([Ok(first)]).chain(rest), gate)
}

async fn data_of(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    json!([image["status"], image["size"], image["checksum"], image["os_hash_value"], image["virtual_size"]])
}

fn untouched() -> Value {
    json!(["queued", null, null, null, null])
}

/// Does something once the image waits for its bytes, then lets the rest of them come. Answers what the call is answered.
async fn amid(world: &World, path: &str, call: &str, data: &[u8], what: impl AsyncFnOnce()) -> Answer {
    let (pieces, gate) = halted(data);
    let meanwhile = async {
        while world.get(ADMIN, path).await.json()["status"] == "queued" {
            tokio::task::yield_now().await;
        }
        what().await;
        gate.add_permits(1);
    };
    tokio::join!(send(world, path, call, pieces), meanwhile).0
}

#[tokio::test]
async fn of_two_at_once_the_second_is_a_conflict_and_the_first_is_unharmed() {
    let world = World::default();
    let data = bytes(PART * 3);
    for (call, status) in [("file", "active"), ("stage", "uploading")] {
        let path = queued(&world, "raw").await;
        let first = amid(&world, &path, call, &data, async || {
            for other in ["file", "stage"] {
                let answer = send(&world, &path, other, stream::iter([Ok(Bytes::from_static(DATA))])).await;
                assert_eq!(answer.status, 409, "{call}, then {other}: {answer}");
            }
        });
        assert_eq!(first.await.line(), "204");
        assert_eq!(data_of(&world, &path).await.as_array().unwrap()[..2], [json!(status), json!(data.len())]);
    }
    assert_eq!(world.store.keys().len(), 2);
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_gone_and_so_are_its_bytes() {
    let world = World::default();
    let (mut lines, data) = (Lines::default(), bytes(PART * 3));
    for call in ["file", "stage"] {
        let path = queued(&world, "raw").await;
        let answer = amid(&world, &path, call, &data, async || {
            assert_eq!(world.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
        });
        lines.add(call, answer.await.status.as_u16());
        assert_eq!(world.get(MEMBER, &path).await.status, 404);
        assert_eq!(world.store.keys(), [], "{call}");
        assert_eq!(world.rows("due#blob#0").await, Vec::<String>::new(), "{call}");
    }
    insta::assert_snapshot!(lines, @"
    file → 410
    stage → 410
    ");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_the_image_queued_and_nothing_stored() {
    let world = World::default();
    let mut lines = Lines::default();
    for call in ["file", "stage"] {
        let path = queued(&world, "raw").await;
        let pieces = [Ok(Bytes::from(bytes(PART * 2))), Err("reset".into())];
        lines.answer(call, &send(&world, &path, call, stream::iter(pieces)).await);
        assert_eq!(data_of(&world, &path).await, untouched());
        assert_eq!(world.store.keys(), [], "{call}");
    }
    insta::assert_snapshot!(lines, @r"
    file → 400 the connection was closed after 128 bytes, before the body was complete
    stage → 400 the connection was closed after 128 bytes, before the body was complete
    ");
}

/// Tells who calls, until tokens have expired.
#[derive(Debug, Default)]
struct Expiring(AtomicBool);

#[async_trait]
impl Identity for Expiring {
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(IdentityError::Unauthenticated);
        }
        TokenSays.identify(tokens).await
    }
}

#[tokio::test]
async fn a_token_that_expires_meanwhile_was_good_when_the_upload_began() {
    let world = World::default();
    for call in ["file", "stage"] {
        let identity = Arc::new(Expiring::default());
        let door = Door {
            cors: Cors::default(),
            identity: Arc::<Expiring>::clone(&identity),
            ids: Arc::new(CountingIds::default()),
            public_endpoint: None,
        };
        let service = Service::in_process(serve(world.routes(), door));
        let path = queued(&world, "raw").await;
        let (pieces, gate) = halted(&bytes(PART * 3));
        let expire = async {
            while world.get(MEMBER, &path).await.json()["status"] == "queued" {
                tokio::task::yield_now().await;
            }
            identity.0.store(true, Ordering::Relaxed);
            assert_eq!(service.get(MEMBER, &path).await.status, 401);
            gate.add_permits(1);
        };
        let (answer, ()) = tokio::join!(send(&service, &path, call, pieces), expire);
        assert_eq!(answer.line(), "204", "{call}");
        assert_eq!(world.get(MEMBER, &path).await.json()["size"], PART * 3, "{call}");
    }
}

/// Puts an image into a state, past every rule.
async fn put_into(world: &World, path: &str, status: &str) {
    let key = Key { partition: path.replace("/v2/images/", "image#"), sort: "record".to_owned() };
    let mut record = world.table.get(&key).await.unwrap().unwrap();
    record.attributes.insert("status".to_owned(), status.into());
    let put = Change::Put(Item { key, ..record }, Condition::Present);
    world.table.commit(Write::default().with(put)).await.unwrap();
}

#[tokio::test]
async fn only_a_queued_image_takes_data() {
    let world = World::default();
    let mut lines = Lines::default();
    for status in [
        "queued",
        "saving",
        "uploading",
        "importing",
        "active",
        "deactivated",
        "killed",
        "pending_delete",
        "deleted",
    ] {
        let mut said = Vec::new();
        for call in ["file", "stage"] {
            let path = queued(&world, "raw").await;
            put_into(&world, &path, status).await;
            let answer = send(&world, &path, call, stream::iter([Ok(Bytes::from_static(DATA))])).await;
            said.push(answer.status.as_u16().to_string());
        }
        lines.add(status, said.join(" "));
    }
    insta::assert_snapshot!(lines, @"
    queued → 204 204
    saving → 409 409
    uploading → 409 409
    importing → 409 409
    active → 409 409
    deactivated → 409 409
    killed → 409 409
    pending_delete → 404 404
    deleted → 404 404
    ");
}

#[tokio::test]
async fn the_size_header_goes_before_the_length_of_the_body() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for size in ["10", "0", "9", "11"] {
        let path = queued(&service, "raw").await;
        let call = service.call("PUT", &format!("{path}/file")).by(MEMBER);
        let call =
            call.header("content-type", "application/octet-stream").header("x-openstack-image-size", size);
        lines.answer(size, &call.body(DATA).send().await);
        let image = service.get(MEMBER, &path).await.json();
        lines.add("the image", format!("{} {}", image["status"], image["size"]));
    }
    insta::assert_snapshot!(lines, @r#"
    10 → 204
    the image → "active" 10
    0 → 204
    the image → "active" 10
    9 → 400 the data exceeds the size announced, 9 bytes
    the image → "queued" null
    11 → 400 the size of the data received, 10 bytes, does not match the size announced, 11 bytes
    the image → "queued" null
    "#);
}

#[tokio::test]
async fn other_bytes_after_refused_ones_leave_nothing_of_them() {
    let service = Service::empty().await;
    let path = queued(&service, "qcow2").await;
    for junk in [&bytes(3000)[..], b"", DATA] {
        assert_eq!(service.put_file(MEMBER, &path, junk).await.status, 415);
        assert_eq!(data_of(&service, &path).await, untouched());
        assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.status, 204);
    }
    let raw = json!([{"op": "replace", "path": "/disk_format", "value": "raw"}]);
    assert_eq!(service.patch(MEMBER, &path, raw).await.status, 200);
    assert_eq!(service.put_file(MEMBER, &path, DATA).await.line(), "204");
    let same = uploaded(&service, DATA).await;
    assert_eq!(data_of(&service, &path).await, data_of(&service, &same).await);
    assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.body, DATA);
}

#[tokio::test]
async fn a_store_that_is_full_or_down_leaves_the_image_queued() {
    let world = World::default();
    let mut lines = Lines::default();
    for size in [3, PART * 2] {
        let (path, data) = (queued(&world, "raw").await, bytes(size));
        world.probe.fill(true);
        lines.answer(format!("full, {size} bytes"), &world.put_file(MEMBER, &path, &data).await);
        world.probe.reset();
        assert_eq!((data_of(&world, &path).await, world.store.keys()), (untouched(), vec![]));
        // The image is read and begins to wait; then comes the store.
        world.probe.arm(2, Fault::Refused);
        let answer = world.put_file(MEMBER, &path, &data).await;
        lines.answer(format!("down, {size} bytes"), &answer);
        world.probe.reset();
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!((data_of(&world, &path).await, world.store.keys()), (untouched(), vec![]));
    }
    insta::assert_snapshot!(lines, @r"
    full, 3 bytes → 413 the image store has no room for this data
    down, 3 bytes → 503 the service is temporarily unable to answer, try again later
    full, 128 bytes → 413 the image store has no room for this data
    down, 128 bytes → 503 the service is temporarily unable to answer, try again later
    ");
}

async fn download(service: &Service, token: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = service.call("GET", &format!("{path}/file")).by(token);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

#[tokio::test]
async fn a_deactivated_image_shows_nothing_of_its_data_but_to_administrators() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let action = service.call("POST", &format!("{path}/actions/deactivate")).by(MEMBER);
    assert_eq!(action.send().await.line(), "204");
    let mut lines = Lines::default();
    for (how, headers) in [
        ("whole", vec![]),
        ("a range", vec![("range", "bytes=2-4")]),
        ("what is known", vec![("if-none-match", "*")]),
    ] {
        for (who, token) in [("member", MEMBER), ("admin", ADMIN)] {
            lines.add(
                format!("{how}, {who}"),
                download(&service, token, &path, &headers).await.status.as_u16(),
            );
        }
    }
    insta::assert_snapshot!(lines, @"
    whole, member → 403
    whole, admin → 200
    a range, member → 403
    a range, admin → 206
    what is known, member → 403
    what is known, admin → 304
    ");
}

#[tokio::test]
async fn a_range_of_the_new_form_goes_before_one_of_the_old() {
    let service = Service::empty().await;
    let path = uploaded(&service, DATA).await;
    let both = [("range", "bytes=2-4"), ("content-range", "bytes 5-7/*")];
    let answer = download(&service, MEMBER, &path, &both).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (206, &b"234"[..]));
    let mut lines = Lines::default();
    for range in ["bytes */10", "bytes 4-2/*", "bytes 0-0/*", "bytes 9-9/10", "bytes 10-10/*", "bytes=2-4"] {
        let answer = download(&service, MEMBER, &path, &[("content-range", range)]).await;
        lines.add(range, format!("{} {}", answer.status.as_u16(), answer.header("content-range")));
    }
    insta::assert_snapshot!(lines, @"
    bytes */10 → 416 bytes */10
    bytes 4-2/* → 416 bytes */10
    bytes 0-0/* → 206 bytes 0-0/10
    bytes 9-9/10 → 206 bytes 9-9/10
    bytes 10-10/* → 416 bytes */10
    bytes=2-4 → 416 bytes */10
    ");
}
