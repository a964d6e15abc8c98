//! Holds every route against every kind of caller.

use std::collections::BTreeSet;

use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::V21;
use tests::service::Service;

use super::Lines;
use super::openapi::operations;

/// Every route there is, with what it is sent. A route that is missing here fails the tests below.
const ROUTES: [(&str, &str, &str); 49] = [
    ("GET", "/", ""),
    ("GET", "/versions", ""),
    ("GET", "/versions/", ""),
    ("GET", "/healthcheck", ""),
    ("HEAD", "/healthcheck", ""),
    ("GET", "/openapi.json", ""),
    ("GET", "/v2/schemas/image", ""),
    ("GET", "/v2/schemas/images", ""),
    ("GET", "/v2/schemas/member", ""),
    ("GET", "/v2/schemas/members", ""),
    ("GET", "/v2/schemas/task", ""),
    ("GET", "/v2/schemas/tasks", ""),
    ("GET", "/v2/info/import", ""),
    ("GET", "/v2/info/stores", ""),
    ("GET", "/v2/info/stores/detail", ""),
    ("GET", "/v2/info/usage", ""),
    ("GET", "/v2/images", ""),
    ("POST", "/v2/images", "{}"),
    ("GET", "/v2/images/{image_id}", ""),
    ("PATCH", "/v2/images/{image_id}", "[]"),
    ("DELETE", "/v2/images/{image_id}", ""),
    ("PUT", "/v2/images/{image_id}/tags/{tag}", ""),
    ("DELETE", "/v2/images/{image_id}/tags/{tag}", ""),
    ("GET", "/v2/images/{image_id}/members", ""),
    ("POST", "/v2/images/{image_id}/members", r#"{"member": "p2"}"#),
    ("GET", "/v2/images/{image_id}/members/{member_id}", ""),
    ("PUT", "/v2/images/{image_id}/members/{member_id}", r#"{"status": "accepted"}"#),
    ("DELETE", "/v2/images/{image_id}/members/{member_id}", ""),
    ("POST", "/v2/images/{image_id}/actions/deactivate", ""),
    ("POST", "/v2/images/{image_id}/actions/reactivate", ""),
    ("DELETE", "/v2/stores/{store_id}/{image_id}", ""),
    ("GET", "/v2/images/{image_id}/locations", ""),
    ("POST", "/v2/images/{image_id}/locations", r#"{"url": "https://images.example/a"}"#),
    ("GET", "/v2/images/{image_id}/file", ""),
    ("PUT", "/v2/images/{image_id}/file", "abc"),
    ("PUT", "/v2/images/{image_id}/stage", "abc"),
    ("POST", "/v2/images/{image_id}/import", r#"{"method": {"name": "glance-direct"}}"#),
    ("POST", "/v2/images/{image_id}/uploads", r#"{"size": 3}"#),
    ("GET", "/v2/images/{image_id}/uploads", ""),
    ("GET", "/v2/images/{image_id}/uploads/{upload_id}", ""),
    ("DELETE", "/v2/images/{image_id}/uploads/{upload_id}", ""),
    ("POST", "/v2/images/{image_id}/uploads/{upload_id}/complete", ""),
    ("POST", "/v2/images/{image_id}/uploads/{upload_id}/parts", r#"{"parts": []}"#),
    ("GET", "/v2/tasks", ""),
    ("POST", "/v2/tasks", r#"{"type": "import", "input": {"import_from": "https://images.example/a"}}"#),
    ("GET", "/v2/tasks/{task_id}", ""),
    ("DELETE", "/v2/tasks/{task_id}", ""),
    ("GET", "/v2/images/{image_id}/tasks", ""),
    // Every GET is a HEAD too.
    ("HEAD", "/v2/images/{image_id}", ""),
];

/// What is done by a signed URL, whoever calls.
const BY_URL: [(&str, &str, &str); 2] = [
    ("PUT", "/v2/images/{image_id}/uploads/{upload_id}/parts/{number}", "abc"),
    ("GET", "/v2/images/{image_id}/objects/{object_id}", ""),
];

/// Whether a path is one of signed URLs.
pub(crate) fn is_by_url(path: &str) -> bool {
    BY_URL.iter().any(|(_, by_url, _)| *by_url == path)
}

/// A task that is not there.
const ABSENT: &str = "00000000-0000-4000-8000-00000000ffff";

const CALLERS: [(&str, &str); 5] =
    [("no token", ""), ("stranger", STRANGER), ("reader", READER), ("member", MEMBER), ("admin", ADMIN)];

/// What each caller is answered, each on an image that is as it was made: it belongs to p1 and has a tag.
async fn answers(service: &Service, method: &str, route: &str, body: &str, visibility: &str) -> String {
    let mut statuses = Vec::new();
    let mut untouched = None;
    for (_, token) in CALLERS {
        let made = match untouched.take() {
            _ if !route.contains("{image_id}") => String::new(),
            Some(made) => made,
            None => {
                let image = json!({
                    "owner": "p1", "visibility": visibility, "tags": ["a"], "disk_format": "raw", "container_format": "bare",
                });
                service.made(ADMIN, image).await
            }
        };
        let path = route
            .replace("/v2/images/{image_id}", &made)
            .replace("{image_id}", made.rsplit('/').next().unwrap_or_default())
            .replace("{tag}", "a")
            .replace("{store_id}", "default")
            .replace("{member_id}", "p2")
            .replace("{upload_id}", "01ARYZ6S41ZZZZZZZZZZZZZZZZ")
            .replace("{object_id}", "01ARYZ6S41ZZZZZZZZZZZZZZZZ")
            .replace("{number}", "1")
            .replace("{task_id}", ABSENT);
        let call = service.call(method, &path);
        let call = if token.is_empty() { call } else { call.by(token) };
        let call = match method {
            "PATCH" => call.header("content-type", V21),
            _ => call.header("content-type", "application/octet-stream"),
        };
        let call = if body.is_empty() { call } else { call.body(body.as_bytes()) };
        let status = call.send().await.status;
        untouched = Some(made).filter(|_| !status.is_success() || ["GET", "HEAD"].contains(&method));
        statuses.push(status.as_u16().to_string());
    }
    statuses.join(" ")
}

#[tokio::test]
async fn a_signed_url_is_asked_for_whoever_calls() {
    let service = Service::empty().await;
    let expected = if Service::has_its_own_store() { "403 403 403 403 403" } else { "404 404 404 404 404" };
    for (method, route, body) in BY_URL {
        for visibility in ["private", "public"] {
            assert_eq!(
                answers(&service, method, route, body, visibility).await,
                expected,
                "{method} {route}"
            );
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of every route")]
async fn every_route_answers_every_caller() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    lines.add("route, image", CALLERS.map(|(who, _)| who).join(", "));
    for (method, route, body) in ROUTES {
        for visibility in ["private", "public"] {
            lines.add(
                format!("{method} {route}, {visibility}"),
                answers(&service, method, route, body, visibility).await,
            );
        }
    }
    insta::assert_snapshot!(lines, @r#"
    route, image → no token, stranger, reader, member, admin
    GET /, private → 300 300 300 300 300
    GET /, public → 300 300 300 300 300
    GET /versions, private → 200 200 200 200 200
    GET /versions, public → 200 200 200 200 200
    GET /versions/, private → 200 200 200 200 200
    GET /versions/, public → 200 200 200 200 200
    GET /healthcheck, private → 200 200 200 200 200
    GET /healthcheck, public → 200 200 200 200 200
    HEAD /healthcheck, private → 204 204 204 204 204
    HEAD /healthcheck, public → 204 204 204 204 204
    GET /openapi.json, private → 200 200 200 200 200
    GET /openapi.json, public → 200 200 200 200 200
    GET /v2/schemas/image, private → 401 200 200 200 200
    GET /v2/schemas/image, public → 401 200 200 200 200
    GET /v2/schemas/images, private → 401 200 200 200 200
    GET /v2/schemas/images, public → 401 200 200 200 200
    GET /v2/schemas/member, private → 401 200 200 200 200
    GET /v2/schemas/member, public → 401 200 200 200 200
    GET /v2/schemas/members, private → 401 200 200 200 200
    GET /v2/schemas/members, public → 401 200 200 200 200
    GET /v2/schemas/task, private → 401 200 200 200 200
    GET /v2/schemas/task, public → 401 200 200 200 200
    GET /v2/schemas/tasks, private → 401 200 200 200 200
    GET /v2/schemas/tasks, public → 401 200 200 200 200
    GET /v2/info/import, private → 401 200 200 200 200
    GET /v2/info/import, public → 401 200 200 200 200
    GET /v2/info/stores, private → 401 200 200 200 200
    GET /v2/info/stores, public → 401 200 200 200 200
    GET /v2/info/stores/detail, private → 401 403 403 403 200
    GET /v2/info/stores/detail, public → 401 403 403 403 200
    GET /v2/info/usage, private → 401 200 200 200 200
    GET /v2/info/usage, public → 401 200 200 200 200
    GET /v2/images, private → 401 200 200 200 200
    GET /v2/images, public → 401 200 200 200 200
    POST /v2/images, private → 401 201 403 201 201
    POST /v2/images, public → 401 201 403 201 201
    GET /v2/images/{image_id}, private → 401 404 200 200 200
    GET /v2/images/{image_id}, public → 401 200 200 200 200
    PATCH /v2/images/{image_id}, private → 401 404 403 200 200
    PATCH /v2/images/{image_id}, public → 401 403 403 200 200
    DELETE /v2/images/{image_id}, private → 401 404 403 204 204
    DELETE /v2/images/{image_id}, public → 401 403 403 204 204
    PUT /v2/images/{image_id}/tags/{tag}, private → 401 404 403 204 204
    PUT /v2/images/{image_id}/tags/{tag}, public → 401 403 403 204 204
    DELETE /v2/images/{image_id}/tags/{tag}, private → 401 404 403 204 204
    DELETE /v2/images/{image_id}/tags/{tag}, public → 401 403 403 204 204
    GET /v2/images/{image_id}/members, private → 401 404 403 403 403
    GET /v2/images/{image_id}/members, public → 401 403 403 403 403
    POST /v2/images/{image_id}/members, private → 401 404 403 403 403
    POST /v2/images/{image_id}/members, public → 401 403 403 403 403
    GET /v2/images/{image_id}/members/{member_id}, private → 401 404 404 404 404
    GET /v2/images/{image_id}/members/{member_id}, public → 401 404 404 404 404
    PUT /v2/images/{image_id}/members/{member_id}, private → 401 404 403 403 403
    PUT /v2/images/{image_id}/members/{member_id}, public → 401 403 403 403 403
    DELETE /v2/images/{image_id}/members/{member_id}, private → 401 404 403 403 403
    DELETE /v2/images/{image_id}/members/{member_id}, public → 401 403 403 403 403
    POST /v2/images/{image_id}/actions/deactivate, private → 401 404 403 403 403
    POST /v2/images/{image_id}/actions/deactivate, public → 401 403 403 403 403
    POST /v2/images/{image_id}/actions/reactivate, private → 401 404 403 403 403
    POST /v2/images/{image_id}/actions/reactivate, public → 401 403 403 403 403
    DELETE /v2/stores/{store_id}/{image_id}, private → 401 404 403 403 409
    DELETE /v2/stores/{store_id}/{image_id}, public → 401 403 403 403 409
    GET /v2/images/{image_id}/locations, private → 401 404 403 403 200
    GET /v2/images/{image_id}/locations, public → 401 403 403 403 200
    POST /v2/images/{image_id}/locations, private → 401 404 403 403 403
    POST /v2/images/{image_id}/locations, public → 401 403 403 403 403
    GET /v2/images/{image_id}/file, private → 401 404 403 204 204
    GET /v2/images/{image_id}/file, public → 401 204 403 204 204
    PUT /v2/images/{image_id}/file, private → 401 404 403 204 204
    PUT /v2/images/{image_id}/file, public → 401 403 403 204 204
    PUT /v2/images/{image_id}/stage, private → 401 404 403 204 204
    PUT /v2/images/{image_id}/stage, public → 401 403 403 204 204
    POST /v2/images/{image_id}/import, private → 401 404 403 409 409
    POST /v2/images/{image_id}/import, public → 401 403 403 409 409
    POST /v2/images/{image_id}/uploads, private → 401 404 403 201 201
    POST /v2/images/{image_id}/uploads, public → 401 403 403 201 201
    GET /v2/images/{image_id}/uploads, private → 401 404 403 200 200
    GET /v2/images/{image_id}/uploads, public → 401 403 403 200 200
    GET /v2/images/{image_id}/uploads/{upload_id}, private → 401 404 403 404 404
    GET /v2/images/{image_id}/uploads/{upload_id}, public → 401 403 403 404 404
    DELETE /v2/images/{image_id}/uploads/{upload_id}, private → 401 404 403 404 404
    DELETE /v2/images/{image_id}/uploads/{upload_id}, public → 401 403 403 404 404
    POST /v2/images/{image_id}/uploads/{upload_id}/complete, private → 401 404 403 404 404
    POST /v2/images/{image_id}/uploads/{upload_id}/complete, public → 401 403 403 404 404
    POST /v2/images/{image_id}/uploads/{upload_id}/parts, private → 401 404 403 404 404
    POST /v2/images/{image_id}/uploads/{upload_id}/parts, public → 401 403 403 404 404
    GET /v2/tasks, private → 401 403 403 403 200
    GET /v2/tasks, public → 401 403 403 403 200
    POST /v2/tasks, private → 401 403 403 403 201
    POST /v2/tasks, public → 401 403 403 403 201
    GET /v2/tasks/{task_id}, private → 401 403 403 403 404
    GET /v2/tasks/{task_id}, public → 401 403 403 403 404
    DELETE /v2/tasks/{task_id}, private → 401 403 403 403 405
    DELETE /v2/tasks/{task_id}, public → 401 403 403 403 405
    GET /v2/images/{image_id}/tasks, private → 401 404 200 200 200
    GET /v2/images/{image_id}/tasks, public → 401 200 200 200 200
    HEAD /v2/images/{image_id}, private → 401 404 200 200 200
    HEAD /v2/images/{image_id}, public → 401 200 200 200 200
    "#);
}

#[test]
fn every_route_that_is_described_is_in_the_table() {
    let table: BTreeSet<_> = ROUTES
        .iter()
        .chain(&BY_URL)
        .map(|(method, path, _)| ((*path).to_owned(), (*method).to_owned()))
        .collect();
    let missing: Vec<_> = operations().difference(&table).cloned().collect();
    assert_eq!(missing, []);
}
