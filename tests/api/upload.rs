use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::request::{Answer, Call};
use tests::service::Service;
use tests::world::{MAX_IMAGE, PART, World};

use super::Lines;
use super::octets::{OCTETS, only_octets_come_in, sizes_must_come_true};

async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare"})).await
}

fn put<'a>(service: &'a Service, path: &str) -> Call<'a> {
    service.call("PUT", &format!("{path}/file")).by(MEMBER).header(OCTETS.0, OCTETS.1)
}

/// What an image says of its data.
async fn data_of(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    json!([image["status"], image["size"], image["checksum"], image["os_hash_algo"]])
}

/// An image as it was before the first try.
fn untouched() -> Value {
    json!(["queued", null, null, null])
}

#[tokio::test]
async fn an_upload_makes_the_image_active() {
    let service = Service::empty().await;
    let path = queued(&service).await;
    insta::assert_snapshot!(put(&service, &path).body(b"abc").send().await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    insta::assert_snapshot!(data_of(&service, &path).await, @r#"["active",3,"900150983cd24fb0d6963f7d28e17f72","sha512"]"#);
}

#[tokio::test]
async fn an_upload_in_chunks_of_unknown_size_is_taken() {
    let service = Service::empty().await;
    for size in [0, 1, PART - 1, PART, PART + 1, PART * 5 + 3] {
        let (path, data) = (queued(&service).await, bytes(size));
        assert_eq!(
            put(&service, &path).header("accept", "").chunked(&data).send().await.line(),
            "204",
            "{size}"
        );
        assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.body, data, "{size}");
    }
}

#[tokio::test]
async fn an_empty_upload_makes_an_active_image_without_bytes() {
    let service = Service::empty().await;
    let no_body: fn(Call<'_>) -> Call<'_> = |call| call;
    let empty: fn(Call<'_>) -> Call<'_> = |call| call.body(b"");
    let chunked: fn(Call<'_>) -> Call<'_> = |call| call.chunked(b"");
    let announced: fn(Call<'_>) -> Call<'_> = |call| call.header("x-openstack-image-size", "0").chunked(b"");
    for how in [no_body, empty, chunked, announced] {
        let path = queued(&service).await;
        assert_eq!(how(put(&service, &path)).send().await.line(), "204");
        assert_eq!(
            data_of(&service, &path).await,
            json!(["active", 0, "d41d8cd98f00b204e9800998ecf8427e", "sha512"])
        );
    }
}

/// Uploads three bytes with headers of one's own, to a fresh image; then the image can still be uploaded.
async fn announced(service: &Service, headers: &[(&str, &str)]) -> Answer {
    let path = queued(service).await;
    let call = service.call("PUT", &format!("{path}/file")).by(MEMBER);
    let answer = headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, value))
        .chunked(b"abc")
        .send()
        .await;
    if answer.status.as_u16() != 204 {
        assert_eq!(data_of(service, &path).await, untouched(), "{headers:?}");
        assert_eq!(put(service, &path).body(b"other bytes").send().await.line(), "204", "{headers:?}");
    }
    answer
}

#[tokio::test]
async fn a_size_that_was_announced_must_come_true() {
    let service = Service::empty().await;
    sizes_must_come_true(async |headers| announced(&service, headers).await).await;
}

#[tokio::test]
async fn only_octets_are_taken() {
    let service = Service::empty().await;
    only_octets_come_in(async |headers| announced(&service, headers).await).await;
}

#[tokio::test]
async fn a_store_that_is_not_there_is_refused() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for store in ["default", "other", "", "no such/name"] {
        lines.answer(store, &announced(&service, &[OCTETS, ("x-image-meta-store", store)]).await);
    }
    insta::assert_snapshot!(lines, @r#"
    default → 204
    other → 400 X-Image-Meta-Store: there is no store 'other'
     → 400 X-Image-Meta-Store: there is no store ''
    no such/name → 400 X-Image-Meta-Store: there is no store 'no such/name'
    "#);
}

#[tokio::test]
async fn an_image_without_formats_takes_no_data() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for body in [json!({}), json!({"disk_format": "raw"}), json!({"container_format": "bare"})] {
        let path = service.made(MEMBER, body.clone()).await;
        lines.answer(body, &put(&service, &path).body(b"abc").send().await);
        assert_eq!(data_of(&service, &path).await, untouched());
    }
    insta::assert_snapshot!(lines, @r#"
    {} → 400 Properties disk_format, container_format must be set prior to saving data.
    {"disk_format":"raw"} → 400 Properties container_format must be set prior to saving data.
    {"container_format":"bare"} → 400 Properties disk_format must be set prior to saving data.
    "#);
}

#[tokio::test]
async fn data_is_taken_once() {
    let service = Service::empty().await;
    let path = queued(&service).await;
    assert_eq!(put(&service, &path).body(b"abc").send().await.line(), "204");
    insta::assert_snapshot!(put(&service, &path).body(b"abc").send().await.line(), @"409 Image status transition from active to saving is not allowed");
    assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.body, "abc");
}

#[tokio::test]
async fn more_than_an_image_may_hold_is_refused() {
    let service = Service::empty().await;
    let data = vec![0; usize::try_from(MAX_IMAGE).unwrap() + 1];
    let path = queued(&service).await;
    insta::assert_snapshot!(put(&service, &path).body(&data).send().await.line(), @"413 the data announced, 1048577 bytes, exceeds the limit of 1048576 bytes");
    // Who says 0 does not know. An API gateway learns the length of what came in chunks, and announces it.
    let unknown = put(&service, &path).header("x-openstack-image-size", "0").chunked(&data);
    insta::assert_snapshot!(unknown.send().await.line(), @"413 the data exceeds the limit of 1048576 bytes for an image");
    assert_eq!(data_of(&service, &path).await, untouched());
    assert_eq!(put(&service, &path).body(&data[1..]).send().await.line(), "204");
}

/// In process: the store is looked at, and nobody says how much will come.
#[tokio::test]
async fn of_more_than_an_image_may_hold_nothing_stays_stored() {
    let world = World::default();
    let data = vec![0; usize::try_from(MAX_IMAGE).unwrap() + 1];
    let path = queued(&world).await;
    assert_eq!(put(&world, &path).body(&data).send().await.status.as_u16(), 413);
    insta::assert_snapshot!(put(&world, &path).chunked(&data).send().await.line(), @"413 the data exceeds the limit of 1048576 bytes for an image");
    assert_eq!(world.store.keys(), []);
    assert_eq!(data_of(&world, &path).await, untouched());
}

#[tokio::test]
async fn who_may_upload() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for visibility in ["private", "shared", "community", "public"] {
        for (who, token) in [("stranger", STRANGER), ("reader", READER), ("member", MEMBER), ("admin", ADMIN)]
        {
            let body = json!({"owner": "p1", "visibility": visibility, "disk_format": "raw", "container_format": "bare"});
            let path = service.made(ADMIN, body).await;
            lines.answer(format!("{who}, {visibility}"), &service.put_file(token, &path, b"abc").await);
        }
    }
    lines.answer("nothing there", &service.put_file(ADMIN, "/v2/images/web", b"abc").await);
    insta::assert_snapshot!(lines, @r#"
    stranger, private → 404 No image found with ID <id 1>
    reader, private → 403 You are not authorized to complete this action.
    member, private → 204
    admin, private → 204
    stranger, shared → 404 No image found with ID <id 5>
    reader, shared → 403 You are not authorized to complete this action.
    member, shared → 204
    admin, shared → 204
    stranger, community → 403 You are not authorized to complete this action.
    reader, community → 403 You are not authorized to complete this action.
    member, community → 204
    admin, community → 204
    stranger, public → 403 You are not authorized to complete this action.
    reader, public → 403 You are not authorized to complete this action.
    member, public → 204
    admin, public → 204
    nothing there → 404 No image found with ID web
    "#);
}
