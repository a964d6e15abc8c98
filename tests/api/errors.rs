use serde_json::json;
use tests::callers::{MEMBER, READER};
use tests::probe::Fault;
use tests::service::Service;
use tests::world::World;

use super::Lines;

#[tokio::test]
async fn an_error_comes_in_the_shape_the_client_accepts() {
    let service = Service::empty().await;
    let get = async |accept: &str| {
        service.call("GET", "/v2/images/web").by(READER).header("accept", accept).send().await
    };
    insta::assert_snapshot!(get("application/json").await, @r#"
    404 Not Found
    content-length: 101
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "code": "404 Not Found",
      "message": "No image found with ID web<br /><br />\n\n\n",
      "title": "Not Found"
    }
    "#);
    insta::assert_snapshot!(get("*/*").await, @r#"
    404 Not Found
    content-length: 148
    content-type: text/html; charset=UTF-8
    x-openstack-request-id: <request id>

    <html>
     <head>
      <title>404 Not Found</title>
     </head>
     <body>
      <h1>404 Not Found</h1>
      No image found with ID web<br /><br />



     </body>
    </html>
    "#);
    insta::assert_snapshot!(get("").await, @r#"
    404 Not Found
    content-length: 46
    content-type: text/plain; charset=UTF-8
    x-openstack-request-id: <request id>

    404 Not Found

    No image found with ID web
    "#);
    let plain = service.get(READER, "/v2/images/web").await;
    let mut lines = Lines::default();
    for accept in
        ["text/plain", "application/octet-stream", "text/html", "application/json, text/html", "image/png"]
    {
        let answer = get(accept).await;
        lines.add(accept, answer.header("content-type"));
        assert_eq!(
            answer.body == plain.body,
            answer.header("content-type").starts_with("text/plain"),
            "{accept}"
        );
    }
    insta::assert_snapshot!(lines, @r#"
    text/plain → text/plain; charset=UTF-8
    application/octet-stream → text/plain; charset=UTF-8
    text/html → text/html; charset=UTF-8
    application/json, text/html → text/html; charset=UTF-8
    image/png → text/plain; charset=UTF-8
    "#);
}

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    insta::assert_snapshot!(Service::empty().await.call("GET", "/v2/images").send().await, @r#"
    401 Unauthorized
    content-length: 72
    content-type: text/plain; charset=UTF-8
    www-authenticate: Keystone
    x-openstack-request-id: <request id>

    401 Unauthorized

    the request you have made requires authentication
    "#);
}

#[tokio::test]
async fn a_known_path_says_which_methods_it_takes() {
    let service = Service::empty().await;
    let image = "/v2/images/00000000-0000-4000-8000-000000000001";
    let mut lines = Lines::default();
    for (method, path) in [
        ("DELETE", "/v2/images".to_owned()),
        ("PATCH", "/v2/images".to_owned()),
        ("POST", image.to_owned()),
        ("PUT", image.to_owned()),
        ("DELETE", format!("{image}/file")),
        ("POST", format!("{image}/tags/a")),
        ("GET", format!("{image}/tags/a")),
        ("POST", "/v2/schemas/image".to_owned()),
    ] {
        let answer = service.call(method, &path).by(READER).send().await;
        lines.add(
            format!("{method} {path}"),
            format!("{} {}", answer.status.as_u16(), answer.header("allow")),
        );
    }
    insta::assert_snapshot!(lines, @r#"
    DELETE /v2/images → 405 GET, HEAD, POST
    PATCH /v2/images → 405 GET, HEAD, POST
    POST /v2/images/00000000-0000-4000-8000-000000000001 → 405 GET, HEAD, PATCH, DELETE
    PUT /v2/images/00000000-0000-4000-8000-000000000001 → 405 GET, HEAD, PATCH, DELETE
    DELETE /v2/images/00000000-0000-4000-8000-000000000001/file → 405 GET, HEAD, PUT
    POST /v2/images/00000000-0000-4000-8000-000000000001/tags/a → 405 PUT, DELETE
    GET /v2/images/00000000-0000-4000-8000-000000000001/tags/a → 405 PUT, DELETE
    POST /v2/schemas/image → 405 GET, HEAD
    "#);
}

#[tokio::test]
async fn what_nobody_serves_says_so() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (method, path) in
        [("GET", "/v2/nothing"), ("POST", "/v2/images/"), ("DELETE", "/v2/images/"), ("PUT", "/v2/schemas")]
    {
        lines.answer(format!("{method} {path}"), &service.call(method, path).by(READER).send().await);
    }
    insta::assert_snapshot!(lines, @r#"
    GET /v2/nothing → 404 The resource could not be found.
    POST /v2/images/ → 404 The resource could not be found.
    DELETE /v2/images/ → 404 The resource could not be found.
    PUT /v2/schemas → 404 The resource could not be found.
    "#);
}

/// In process: an API gateway answers `OPTIONS` itself, and refuses methods it does not know.
#[tokio::test]
async fn a_method_nobody_knows_is_not_implemented() {
    let world = World::default();
    let mut lines = Lines::default();
    for (method, path) in [
        ("FROB", "/v2/images"),
        ("TRACE", "/v2/images"),
        ("PROPFIND", "/v2/images/00000000-0000-4000-8000-000000000001"),
        ("OPTIONS", "/v2/images"),
    ] {
        lines.answer(format!("{method} {path}"), &world.call(method, path).by(READER).send().await);
    }
    lines.answer("OPTIONS without a token", &world.call("OPTIONS", "/v2/images").send().await);
    insta::assert_snapshot!(lines, @r#"
    FROB /v2/images → 501 The method FROB is not implemented.
    TRACE /v2/images → 501 The method TRACE is not implemented.
    PROPFIND /v2/images/00000000-0000-4000-8000-000000000001 → 501 The method PROPFIND is not implemented.
    OPTIONS /v2/images → 200
    OPTIONS without a token → 200
    "#);
}

#[tokio::test]
async fn a_body_where_none_belongs_is_refused_and_a_declared_type_is_not_looked_at() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"tags": ["a"]})).await;
    let mut lines = Lines::default();
    for (method, path) in [
        ("GET", "/v2/images"),
        ("GET", &path),
        ("GET", &format!("{path}/file")),
        ("HEAD", &path),
        ("GET", "/v2/schemas/image"),
        ("PUT", &format!("{path}/tags/b")),
        ("DELETE", &format!("{path}/tags/a")),
        ("DELETE", &path),
    ] {
        let refused = service.call(method, path).by(MEMBER).body(b"{}").send().await;
        let typed = service.call(method, path).by(MEMBER).header("content-type", "application/octet-stream");
        let empty = typed.header("content-length", "0").send().await;
        lines.add(format!("{method} {path}"), format!("{}, empty {}", refused.line(), empty.status.as_u16()));
    }
    insta::assert_snapshot!(lines, @r#"
    GET /v2/images → 400 A body is not expected with this request., empty 200
    GET /v2/images/<id 1> → 400 A body is not expected with this request., empty 200
    GET /v2/images/<id 1>/file → 400 A body is not expected with this request., empty 204
    HEAD /v2/images/<id 1> → 400, empty 200
    GET /v2/schemas/image → 400 A body is not expected with this request., empty 200
    PUT /v2/images/<id 1>/tags/b → 400 A body is not expected with this request., empty 204
    DELETE /v2/images/<id 1>/tags/a → 400 A body is not expected with this request., empty 204
    DELETE /v2/images/<id 1> → 400 A body is not expected with this request., empty 204
    "#);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_a_callers_may_be_64_long() {
    let service = Service::empty().await;
    let call = async |id: &str| {
        service.call("GET", "/v2/images").by(READER).header("x-openstack-request-id", id).send().await
    };
    let answer = call(&"r".repeat(64)).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-openstack-request-id").len()), (200, 40));
    insta::assert_snapshot!(call(&"r".repeat(65)).await, @r#"
    431 Request Header Fields Too Large
    content-length: 105
    content-type: text/plain; charset=UTF-8
    x-openstack-request-id: <request id>

    431 Request Header Fields Too Large

    The header x-openstack-request-id is longer than 64 characters.
    "#);
}

/// In process: the fault is the probe's.
#[tokio::test]
async fn a_fault_of_the_table_can_be_tried_again_and_tells_nothing_else() {
    let world = World::default();
    world.probe.arm(0, Fault::Refused);
    insta::assert_snapshot!(world.get(READER, "/v2/images").await, @r#"
    503 Service Unavailable
    content-length: 90
    content-type: text/plain; charset=UTF-8
    retry-after: 2
    x-openstack-request-id: <request id>

    503 Service Unavailable

    the service is temporarily unable to answer, try again later
    "#);
}
