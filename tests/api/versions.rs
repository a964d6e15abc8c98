use tests::callers::READER;
use tests::service::Service;
use tests::world::World;

use super::Lines;

#[tokio::test]
async fn the_root_is_a_choice_of_versions_without_a_token() {
    let answer = Service::empty().await.call("GET", "/").header("accept", "application/json").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (300, "application/json"));
    let mut lines = Lines::default();
    for version in answer.json()["versions"].as_array().unwrap() {
        assert_eq!(version["links"].as_array().unwrap().len(), 1);
        let [id, status, rel, href] = ["/id", "/status", "/links/0/rel", "/links/0/href"]
            .map(|at| version.pointer(at).unwrap().as_str().unwrap());
        lines.add(id, format!("{status} {rel} {href}"));
    }
    insta::assert_snapshot!(lines, @r#"
    v2.15 → SUPPORTED self <endpoint>/v2/
    v2.13 → SUPPORTED self <endpoint>/v2/
    v2.12 → SUPPORTED self <endpoint>/v2/
    v2.11 → SUPPORTED self <endpoint>/v2/
    v2.10 → SUPPORTED self <endpoint>/v2/
    v2.9 → SUPPORTED self <endpoint>/v2/
    v2.8 → SUPPORTED self <endpoint>/v2/
    v2.17 → CURRENT self <endpoint>/v2/
    v2.7 → SUPPORTED self <endpoint>/v2/
    v2.6 → SUPPORTED self <endpoint>/v2/
    v2.5 → SUPPORTED self <endpoint>/v2/
    v2.4 → SUPPORTED self <endpoint>/v2/
    v2.3 → SUPPORTED self <endpoint>/v2/
    v2.2 → SUPPORTED self <endpoint>/v2/
    v2.1 → SUPPORTED self <endpoint>/v2/
    v2.0 → SUPPORTED self <endpoint>/v2/
    "#);
}

#[tokio::test]
async fn versions_are_listed_and_unknown_ones_are_a_choice() {
    let service = Service::empty().await;
    let all = service.call("GET", "/").send().await.body;
    let mut lines = Lines::default();
    for path in ["/versions", "/versions/", "/v1/images", "/v3", "/v2.18/images", "/images", "/favicon.ico"] {
        let answer = service.call("GET", path).send().await;
        assert_eq!(answer.body, all, "{path}");
        lines.answer(path, &answer);
    }
    insta::assert_snapshot!(lines, @r#"
    /versions → 200
    /versions/ → 200
    /v1/images → 300
    /v3 → 300
    /v2.18/images → 300
    /images → 300
    /favicon.ico → 300
    "#);
}

/// In process: an API gateway has `x-forwarded-*` to itself.
#[tokio::test]
async fn links_lead_back_to_where_the_client_came_from() {
    let world = World::default();
    let call = world.call("GET", "/versions");
    let call = call.header("x-forwarded-proto", "https").header("x-forwarded-host", "images.example:9292");
    let answer = call.send().await;
    insta::assert_snapshot!(answer.json()["versions"][0]["links"][0]["href"], @r#""https://images.example:9292/v2/""#);
}

#[tokio::test]
async fn every_version_on_offer_is_the_one_api() {
    let service = Service::empty().await;
    let versions = service.call("GET", "/versions").send().await.json();
    for version in versions["versions"].as_array().unwrap() {
        let id = version["id"].as_str().unwrap();
        let answer = service.get(READER, &format!("/{id}/images?limit=1")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["first"]),
            (200, &"/v2/images?limit=1".into()),
            "{id}"
        );
        let accept = format!("application/vnd.openstack.images-{id}");
        let answer = service.call("GET", "/images").by(READER).header("accept", &accept).send().await;
        assert_eq!(answer.status.as_u16(), 200, "{id}");
    }
}

#[tokio::test]
async fn the_version_itself_is_nothing_and_needs_a_token_to_be_so() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for path in ["/v2", "/v2/", "/v2.15", "/v2/nothing"] {
        lines.answer(path, &service.call("GET", path).send().await);
        lines.answer(format!("{path} with a token"), &service.get(READER, path).await);
    }
    insta::assert_snapshot!(lines, @r#"
    /v2 → 401 the request you have made requires authentication
    /v2 with a token → 404 The resource could not be found.
    /v2/ → 401 the request you have made requires authentication
    /v2/ with a token → 404 The resource could not be found.
    /v2.15 → 401 the request you have made requires authentication
    /v2.15 with a token → 404 The resource could not be found.
    /v2/nothing → 401 the request you have made requires authentication
    /v2/nothing with a token → 404 The resource could not be found.
    "#);
}

#[tokio::test]
async fn health_is_told_without_a_token() {
    let service = Service::empty().await;
    insta::assert_snapshot!(service.call("GET", "/healthcheck").send().await, @r#"
    200 OK
    content-length: 2
    content-type: text/plain; charset=utf-8
    x-openstack-request-id: <request id>

    OK
    "#);
    insta::assert_snapshot!(service.call("GET", "/healthcheck").header("accept", "application/json").send().await, @r#"
    200 OK
    content-length: 35
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "detailed": false,
      "reasons": [
        "OK"
      ]
    }
    "#);
    insta::assert_snapshot!(service.call("HEAD", "/healthcheck").send().await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
}
