//! What projects use and may use. In process: limits are a deployment's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::error::Error;
use shared::identity::Caller;
use shared::usage::Resource;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::service::Service;
use tests::world::World;

use super::Lines;

const MIB: usize = 1 << 20;

fn raw() -> Value {
    json!({"disk_format": "raw", "container_format": "bare"})
}

/// Uploads without saying how much will come.
async fn put_unknown(world: &World, path: &str, bytes: &[u8]) -> Answer {
    let call = world.call("PUT", &format!("{path}/file")).by(MEMBER);
    call.header("content-type", "application/octet-stream").chunked(bytes).send().await
}

async fn usage(world: &World) -> String {
    world.get(READER, "/v2/info/usage").await.json()["usage"].to_string()
}

#[tokio::test]
async fn a_project_sees_what_it_uses_and_that_nothing_limits_it() {
    let service = Service::empty().await;
    service.made(MEMBER, raw()).await;
    let path = service.made(MEMBER, raw()).await;
    assert_eq!(service.put_file(MEMBER, &path, &vec![0; MIB - 1]).await.line(), "204");
    let stranger = service.get(STRANGER, "/v2/info/usage").await.json();
    assert_eq!(stranger["usage"]["image_count_total"], json!({"usage": 0, "limit": -1}));
    insta::assert_snapshot!(format!("{:#}", service.get(READER, "/v2/info/usage").await.json()), @r#"
    {
      "usage": {
        "image_count_total": {
          "limit": -1,
          "usage": 2
        },
        "image_count_uploading": {
          "limit": -1,
          "usage": 0
        },
        "image_size_total": {
          "limit": -1,
          "usage": 0
        },
        "image_stage_total": {
          "limit": -1,
          "usage": 0
        }
      }
    }
    "#);
}

#[tokio::test]
async fn usage_is_of_the_tokens_project_alone() {
    let world = World::default();
    let answer = world.get(":member,reader", "/v2/info/usage").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"usage": {}})), "without a project");
}

#[tokio::test]
async fn no_more_images_than_a_project_may_have() {
    let world = World::default();
    world.limits.set(&[("image_count_total", 2)]);
    let first = world.made(MEMBER, raw()).await;
    world.made(MEMBER, raw()).await;
    let mut lines = Lines::default();
    lines.answer("a third", &world.post(MEMBER, raw()).await);
    lines.answer("of another project", &world.post(STRANGER, raw()).await);
    lines.answer("for the project, by an administrator", &world.post(ADMIN, json!({"owner": "p1"})).await);
    lines.answer("of nobody", &world.post(ADMIN, json!({"owner": null})).await);
    lines.answer("delete one", &world.call("DELETE", &first).by(MEMBER).send().await);
    lines.answer("a third, of which one is gone", &world.post(MEMBER, raw()).await);
    insta::assert_snapshot!(lines, @r#"
    a third → 413 Project p1 is over a limit for [Resource image_count_total is over limit of 2 due to current usage 2 and delta 1]
    of another project → 201
    for the project, by an administrator → 413 Project p1 is over a limit for [Resource image_count_total is over limit of 2 due to current usage 2 and delta 1]
    of nobody → 201
    delete one → 204
    a third, of which one is gone → 201
    "#);
    insta::assert_snapshot!(usage(&world).await, @r#"{"image_count_total":{"limit":2,"usage":2},"image_count_uploading":{"limit":-1,"usage":0},"image_size_total":{"limit":-1,"usage":0},"image_stage_total":{"limit":-1,"usage":0}}"#);
}

/// As Tempest has it: who does not say how much will come may begin as long as nothing is over the limit.
#[tokio::test]
async fn bytes_of_unknown_number_may_come_until_the_limit_is_passed() {
    let world = World::default();
    world.limits.set(&[("image_size_total", 1)]);
    let mut lines = Lines::default();
    for what in ["the first MiB", "a second, at the limit", "a third, over it"] {
        let path = world.made(MEMBER, raw()).await;
        lines.answer(what, &put_unknown(&world, &path, &vec![0; MIB]).await);
        lines.add("the image", &world.get(MEMBER, &path).await.json()["status"]);
    }
    insta::assert_snapshot!(lines, @r#"
    the first MiB → 204
    the image → "active"
    a second, at the limit → 204
    the image → "active"
    a third, over it → 413 Project p1 is over a limit for [Resource image_size_total is over limit of 1 due to current usage 2 and delta 0]
    the image → "queued"
    "#);
    insta::assert_snapshot!(usage(&world).await, @r#"{"image_count_total":{"limit":-1,"usage":3},"image_count_uploading":{"limit":-1,"usage":0},"image_size_total":{"limit":1,"usage":2},"image_stage_total":{"limit":-1,"usage":0}}"#);
}

#[tokio::test]
async fn announced_bytes_must_fit_before_the_first_one_comes() {
    let world = World::default();
    world.limits.set(&[("image_size_total", 1)]);
    let [first, second] = [world.made(MEMBER, raw()).await, world.made(MEMBER, raw()).await];
    let mut lines = Lines::default();
    lines.answer("half a MiB", &world.put_file(MEMBER, &first, &vec![0; MIB / 2]).await);
    lines.answer("a byte too many", &world.put_file(MEMBER, &second, &vec![0; MIB / 2 + 1]).await);
    let announced = world.call("PUT", &format!("{second}/file")).by(MEMBER);
    let announced = announced.header("content-type", "application/octet-stream");
    let announced = announced.header("x-openstack-image-size", "1048576").chunked(b"0123456789").send().await;
    lines.answer("a byte too many, announced in a header", &announced);
    lines.answer("what is left", &world.put_file(MEMBER, &second, &vec![0; MIB / 2]).await);
    lines.answer(
        "another owner",
        &world.patch(ADMIN, &second, json!([{"op": "replace", "path": "/owner", "value": "p2"}])).await,
    );
    insta::assert_snapshot!(lines, @r#"
    half a MiB → 204
    a byte too many → 413 Project p1 is over a limit for [Resource image_size_total is over limit of 1 due to current usage 1 and delta 1]
    a byte too many, announced in a header → 413 Project p1 is over a limit for [Resource image_size_total is over limit of 1 due to current usage 1 and delta 1]
    what is left → 204
    another owner → 200
    "#);
    insta::assert_snapshot!(usage(&world).await, @r#"{"image_count_total":{"limit":-1,"usage":1},"image_count_uploading":{"limit":-1,"usage":0},"image_size_total":{"limit":1,"usage":0},"image_stage_total":{"limit":-1,"usage":0}}"#);
}

#[tokio::test]
async fn what_was_announced_and_did_not_come_is_given_back() {
    let world = World::default();
    world.limits.set(&[("image_size_total", 1), ("image_count_uploading", 1)]);
    let path = world.made(MEMBER, raw()).await;
    let call = world.call("PUT", &format!("{path}/file")).by(MEMBER);
    let call =
        call.header("content-type", "application/octet-stream").header("x-openstack-image-size", "1048576");
    assert_eq!(call.chunked(b"0123456789").send().await.status.as_u16(), 400);
    assert_eq!(world.put_file(MEMBER, &path, &vec![0; MIB]).await.line(), "204");
    insta::assert_snapshot!(usage(&world).await, @r#"{"image_count_total":{"limit":-1,"usage":1},"image_count_uploading":{"limit":1,"usage":0},"image_size_total":{"limit":1,"usage":1},"image_stage_total":{"limit":-1,"usage":0}}"#);
}

#[tokio::test]
async fn no_more_uploads_at_once_than_a_project_may_have() {
    let world = World::default();
    world.limits.set(&[("image_count_uploading", 0)]);
    let path = world.made(MEMBER, raw()).await;
    let mut lines = Lines::default();
    lines.answer("none", &world.put_file(MEMBER, &path, b"abc").await);
    world.limits.set(&[("image_count_uploading", 1)]);
    lines.answer("one", &world.put_file(MEMBER, &path, b"abc").await);
    insta::assert_snapshot!(lines, @r#"
    none → 413 Project p1 is over a limit for [Resource image_count_uploading is over limit of 0 due to current usage 0 and delta 1]
    one → 204
    "#);
}

/// What nobody can tell is no open door; what needs no limit goes on.
#[tokio::test]
async fn without_who_tells_the_limits_nothing_is_begun() {
    let world = World::default();
    let path = world.made(MEMBER, raw()).await;
    world.limits.fail();
    let mut lines = Lines::default();
    lines.answer("create", &world.post(MEMBER, raw()).await);
    lines.answer("upload", &world.put_file(MEMBER, &path, b"abc").await);
    lines.answer("usage", &world.get(MEMBER, "/v2/info/usage").await);
    lines.answer("show", &world.get(MEMBER, &path).await);
    lines.answer("list", &world.get(MEMBER, "/v2/images").await);
    lines.answer(
        "patch",
        &world.patch(MEMBER, &path, json!([{"op": "add", "path": "/a", "value": "b"}])).await,
    );
    lines.answer("delete", &world.call("DELETE", &path).by(MEMBER).send().await);
    insta::assert_snapshot!(lines, @r#"
    create → 503 the service is temporarily unable to answer, try again later
    upload → 503 the service is temporarily unable to answer, try again later
    usage → 503 the service is temporarily unable to answer, try again later
    show → 200
    list → 200
    patch → 200
    delete → 204
    "#);
}

#[tokio::test]
async fn a_limit_that_is_lowered_below_what_is_used_lets_go_on_and_no_more_begin() {
    let world = World::default();
    let path = world.made(MEMBER, raw()).await;
    world.made(MEMBER, raw()).await;
    world.limits.set(&[("image_count_total", 1), ("image_size_total", 0)]);
    let mut lines = Lines::default();
    lines.answer("create", &world.post(MEMBER, raw()).await);
    lines.answer(
        "patch",
        &world.patch(MEMBER, &path, json!([{"op": "add", "path": "/a", "value": "b"}])).await,
    );
    lines.answer("upload nothing", &world.put_file(MEMBER, &path, b"").await);
    lines.answer("delete", &world.call("DELETE", &path).by(MEMBER).send().await);
    insta::assert_snapshot!(lines, @r#"
    create → 413 Project p1 is over a limit for [Resource image_count_total is over limit of 1 due to current usage 2 and delta 1]
    patch → 200
    upload nothing → 204
    delete → 204
    "#);
}

#[tokio::test]
async fn limits_that_come_with_the_caller_count_for_the_callers_project() {
    let world = World::default();
    // As where functions cannot ask.
    world.limits.fail();
    let told = BTreeMap::from([("image_count_total".to_owned(), 1), ("image_size_total".to_owned(), -1)]);
    let member = Caller::new("p1".parse().ok(), None, ["member", "reader"]).limited(told.clone());
    let used = world.images.usage_of_caller(&member).await.unwrap();
    let of = |resource: Resource| used.iter().find(|one| one.resource == resource).unwrap().limit;
    let limits = [Resource::ImageCountTotal, Resource::ImageSizeTotal, Resource::ImageCountUploading].map(of);
    assert_eq!(limits, [Some(1), None, Some(0)], "a limit that nobody registered is 0");

    world.images.create(&member, raw()).await.unwrap();
    let over = world.images.create(&member, raw()).await.unwrap_err();
    assert!(matches!(&over, Error::LimitExceeded(text) if text.contains("image_count_total")), "{over}");
    let admin = Caller::new("ops".parse().ok(), None, ["admin"]).limited(told);
    let mut others = raw();
    others["owner"] = json!("p1");
    world.images.create(&admin, others).await.unwrap();
    let without = Caller::new("p1".parse().ok(), None, ["member", "reader"]);
    assert!(matches!(world.images.create(&without, raw()).await, Err(Error::Unavailable(..))));
}
