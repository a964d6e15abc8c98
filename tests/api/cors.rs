//! Scripts of pages from elsewhere. In process: nobody else says which origins may ask.

use std::time::Duration;

use serde_json::json;
use shared::http::Cors;
use tests::callers::MEMBER;
use tests::request::Answer;
use tests::world::World;

use super::Lines;

const CONSOLE: &str = "https://console.example.com";

fn open_to(origins: &[&str]) -> World {
    let origins = origins.iter().map(|origin| (*origin).to_owned());
    World::default().opened(None, Cors::new(origins, Duration::from_mins(10)))
}

async fn preflight(world: &World, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let call = world.call("OPTIONS", path).header("origin", origin);
    let call = call.header("access-control-request-method", method);
    let call = if headers.is_empty() { call } else { call.header("access-control-request-headers", headers) };
    call.send().await
}

#[tokio::test]
async fn a_browser_is_told_what_a_script_may_send_before_anybody_is_asked_who_calls() {
    let world = open_to(&["https://other.example.com", CONSOLE]);
    let headers = "X-Auth-Token,content-type, X-Image-Meta-Store,x-openstack-image-size,x-amz-checksum-sha256,cookie,range";
    insta::assert_snapshot!(preflight(&world, "/v2/images", CONSOLE, "POST", headers).await, @r"
    204 No Content
    access-control-allow-headers: X-Auth-Token, content-type, X-Image-Meta-Store, x-openstack-image-size, x-amz-checksum-sha256, range
    access-control-allow-methods: GET, HEAD, PUT, POST, PATCH, DELETE
    access-control-allow-origin: https://console.example.com
    access-control-expose-headers: Accept-Ranges, Allow, Content-Disposition, Content-Length, Content-MD5, Content-Range, ETag, Location, OpenStack-image-import-methods, OpenStack-image-store-ids, Retry-After, WWW-Authenticate, X-Openstack-Request-Id
    access-control-max-age: 600
    vary: access-control-request-method
    vary: access-control-request-headers
    vary: origin
    x-openstack-request-id: <request id>
    ");
    let path = "/v2/images/00000000-0000-4000-8000-000000000001/uploads/01ARYZ6S41ZZZZZZZZZZZZZZZZ/parts/1?signature=x";
    for path in [path, "/v2/nothing", "/", "/v1"] {
        let told = preflight(&world, path, CONSOLE, "PUT", "").await;
        assert_eq!((told.status.as_u16(), told.header("access-control-allow-headers")), (204, ""), "{path}");
    }
}

#[tokio::test]
async fn whatever_is_answered_a_script_that_may_ask_may_read_it() {
    let world = open_to(&[CONSOLE]);
    let path = world.made(MEMBER, json!({"name": "web"})).await;
    let mut lines = Lines::default();
    for (method, path, token) in [
        ("GET", path.as_str(), MEMBER),
        ("GET", "/v2/images", ""),
        ("GET", "/v2/images/x", MEMBER),
        ("FROB", "/v2/images", MEMBER),
        ("OPTIONS", "/v2/images", ""),
        ("GET", "/", ""),
        ("PUT", &format!("{path}/uploads/01ARYZ6S41ZZZZZZZZZZZZZZZZ/parts/1"), ""),
    ] {
        let call = world.call(method, path).header("origin", CONSOLE);
        let answer = if token.is_empty() { call } else { call.by(token) }.send().await;
        let exposed = answer.header("access-control-expose-headers").contains("ETag");
        let allowed = answer.header("access-control-allow-origin");
        lines.add(format!("{method} {path}"), format!("{} {allowed} {exposed}", answer.status.as_u16()));
    }
    insta::assert_snapshot!(lines, @r"
    GET /v2/images/00000000-0000-4000-8000-000000000001 → 200 https://console.example.com true
    GET /v2/images → 401 https://console.example.com true
    GET /v2/images/x → 404 https://console.example.com true
    FROB /v2/images → 501 https://console.example.com true
    OPTIONS /v2/images → 200 https://console.example.com true
    GET / → 300 https://console.example.com true
    PUT /v2/images/00000000-0000-4000-8000-000000000001/uploads/01ARYZ6S41… (94) → 403 https://console.example.com true
    ");
}

#[tokio::test]
async fn who_may_not_ask_is_told_nothing() {
    let said = |answer: &Answer| {
        ["origin", "methods", "headers"]
            .map(|what| answer.header(&format!("access-control-allow-{what}")))
            .concat()
    };
    for (origins, origin) in [
        (&[][..], CONSOLE),
        (&[CONSOLE], "https://console.example.com.evil.example"),
        (&[CONSOLE], "http://console.example.com"),
        (&[CONSOLE], "https://console.example.com:8443"),
        (&[CONSOLE], "null"),
    ] {
        let world = open_to(origins);
        let told = preflight(&world, "/v2/images", origin, "GET", "x-auth-token").await;
        assert_eq!((told.status.as_u16(), said(&told)), (200, String::new()), "{origin}");
        let got = world.call("GET", "/v2/images").by(MEMBER).header("origin", origin).send().await;
        assert_eq!((got.status.as_u16(), said(&got)), (200, String::new()), "{origin}");
        // A cache must know that others are told something.
        assert_eq!(got.header("vary"), if origins.is_empty() { "" } else { "origin" });
    }
}

#[tokio::test]
async fn anybody_may_ask_where_all_may() {
    let world = open_to(&["*"]);
    for origin in [CONSOLE, "null"] {
        let told = preflight(&world, "/v2/images", origin, "GET", "x-auth-token").await;
        assert_eq!((told.status.as_u16(), told.header("access-control-allow-origin")), (204, "*"));
        let got = world.call("GET", "/v2/images").by(MEMBER).header("origin", origin).send().await;
        assert_eq!((got.header("access-control-allow-origin"), got.header("vary")), ("*", ""));
        assert_eq!(got.header("access-control-allow-credentials"), "");
    }
}
