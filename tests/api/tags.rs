use serde_json::json;
use tests::callers::{MEMBER, READER, STRANGER};
use tests::service::Service;
use tests::world::World;

use super::Lines;

#[tokio::test]
async fn a_tag_is_put_and_taken_away() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({})).await;
    let put = async |tag: &str| service.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER).send().await;
    insta::assert_snapshot!(put("lts").await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    assert_eq!(put("lts").await.line(), "204", "twice is fine");
    assert_eq!(put("a%20b%23c").await.line(), "204");
    assert_eq!(service.get(READER, &path).await.json()["tags"], json!(["a b#c", "lts"]));
    let remove =
        async |tag: &str| service.call("DELETE", &format!("{path}/tags/{tag}")).by(MEMBER).send().await;
    assert_eq!(remove("a%20b%23c").await.line(), "204");
    insta::assert_snapshot!(remove("a%20b%23c").await.line(), @"404 The resource could not be found.");
    assert_eq!(service.get(READER, &path).await.json()["tags"], json!(["lts"]));
}

#[tokio::test]
async fn a_repeated_tag_is_no_change() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"name": "tagged", "tags": ["lts"]})).await;
    service.made(MEMBER, json!({"name": "younger"})).await;
    let before = service.get(READER, &path).await.body;
    let put = async |tag: &str| service.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER).send().await;
    let by_change = async || service.get(READER, "/v2/images?sort=updated_at:asc").await.names();
    assert_eq!(put("lts").await.line(), "204");
    assert_eq!(service.get(READER, &path).await.body, before);
    assert_eq!(by_change().await, "tagged younger");
    assert_eq!(put("web").await.line(), "204");
    assert_eq!(by_change().await, "younger tagged", "a new one is a change");
}

/// In this process: an API gateway decodes paths before it looks for their route.
#[tokio::test]
async fn an_escaped_slash_is_of_the_tag_and_what_is_no_text_is_no_tag() {
    let service = World::default().service;
    let path = service.made(MEMBER, json!({})).await;
    let mut lines = Lines::default();
    for call in ["PUT a%2Fb", "PUT %FF", "DELETE a%2Fb", "DELETE a%2Fb"] {
        let (method, tag) = call.split_once(' ').unwrap();
        let answer = service.call(method, &format!("{path}/tags/{tag}")).by(MEMBER).send().await;
        lines.answer(call, &answer);
    }
    insta::assert_snapshot!(lines, @r#"
    PUT a%2Fb → 204
    PUT %FF → 404 The resource could not be found.
    DELETE a%2Fb → 204
    DELETE a%2Fb → 404 The resource could not be found.
    "#);
}

#[tokio::test]
async fn a_tag_that_cannot_be_is_refused() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({})).await;
    let longest = "x".repeat(255);
    let mut lines = Lines::default();
    for tag in [longest.as_str(), &format!("{longest}y"), "%F0%9F%98%80"] {
        lines.answer(
            format!("PUT {tag}"),
            &service.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER).send().await,
        );
    }
    lines.answer("GET a", &service.get(MEMBER, &format!("{path}/tags/a")).await);
    lines.answer(
        "PUT with a body",
        &service.call("PUT", &format!("{path}/tags/a")).by(MEMBER).body(b"{}").send().await,
    );
    lines.answer("PUT of nobody's", &service.call("PUT", "/v2/images/web/tags/a").by(MEMBER).send().await);
    lines.answer(
        "PUT by a stranger",
        &service.call("PUT", &format!("{path}/tags/a")).by(STRANGER).send().await,
    );
    lines.answer("PUT by a reader", &service.call("PUT", &format!("{path}/tags/a")).by(READER).send().await);
    insta::assert_snapshot!(lines, @r#"
    PUT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (259) → 204
    PUT xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (260) → 400 tags: must have at most 255 characters
    PUT %F0%9F%98%80 → 400 tags: characters beyond U+FFFF (4-byte unicode) are not supported
    GET a → 405 The method GET is not allowed for this resource.
    PUT with a body → 400 A body is not expected with this request.
    PUT of nobody's → 404 No image found with ID web
    PUT by a stranger → 404 No image found with ID <id 1>
    PUT by a reader → 403 You are not authorized to complete this action.
    "#);
}

#[tokio::test]
async fn there_may_be_128_tags() {
    let service = Service::empty().await;
    let path =
        service.made(MEMBER, json!({"tags": (0..128).map(|at| format!("t{at}")).collect::<Vec<_>>()})).await;
    let put =
        async |tag: &str| service.call("PUT", &format!("{path}/tags/{tag}")).by(MEMBER).send().await.line();
    assert_eq!(put("t5").await, "204", "one that is there");
    insta::assert_snapshot!(put("more").await, @"413 an image may have at most 128 tags, not 129");
}
