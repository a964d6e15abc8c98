//! Holds every route against every kind of caller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::V21;
use tests::service::Service;

use super::Lines;

/// Every route there is, with what it is sent. A route that is missing here fails the tests below.
const ROUTES: [(&str, &str, &str); 35] = [
    ("GET", "/", ""),
    ("GET", "/versions", ""),
    ("GET", "/versions/", ""),
    ("GET", "/healthcheck", ""),
    ("GET", "/v2/schemas/image", ""),
    ("GET", "/v2/schemas/images", ""),
    ("GET", "/v2/schemas/member", ""),
    ("GET", "/v2/schemas/members", ""),
    ("GET", "/v2/schemas/task", ""),
    ("GET", "/v2/schemas/tasks", ""),
    ("GET", "/v2/info/import", ""),
    ("GET", "/v2/info/stores", ""),
    ("GET", "/v2/info/stores/detail", ""),
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
    ("GET", "/v2/images/{image_id}/file", ""),
    ("PUT", "/v2/images/{image_id}/file", "abc"),
    ("GET", "/v2/tasks", ""),
    ("POST", "/v2/tasks", r#"{"type": "import", "input": {"import_from": "https://images.example/a"}}"#),
    ("GET", "/v2/tasks/{task_id}", ""),
    ("DELETE", "/v2/tasks/{task_id}", ""),
    ("GET", "/v2/images/{image_id}/tasks", ""),
    // Every GET is a HEAD too.
    ("HEAD", "/v2/images/{image_id}", ""),
];

/// An image that is not there, and no task either.
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
            .replace("{tag}", "a")
            .replace("{member_id}", "p2")
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
    GET /v2/images/{image_id}/file, private → 401 404 403 204 204
    GET /v2/images/{image_id}/file, public → 401 204 403 204 204
    PUT /v2/images/{image_id}/file, private → 401 404 403 204 204
    PUT /v2/images/{image_id}/file, public → 401 403 403 204 204
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

/// The paths that the functions name in their sources.
fn declared() -> BTreeSet<String> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let mut paths = BTreeSet::new();
    for function in std::fs::read_dir(functions).unwrap() {
        let Ok(source) = std::fs::read_to_string(function.unwrap().path().join("src/lib.rs")) else {
            continue;
        };
        paths
            .extend(source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    paths
}

#[test]
fn every_path_a_function_declares_is_in_the_table() {
    let table: BTreeSet<_> = ROUTES.iter().map(|(_, path, _)| (*path).to_owned()).collect();
    assert_eq!(declared(), table);
}

#[tokio::test]
async fn every_method_a_path_allows_is_in_the_table() {
    let service = Service::empty().await;
    let mut table: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (method, path, _) in ROUTES {
        let methods = table.entry(path).or_default();
        methods.insert(method);
        if method == "GET" {
            methods.insert("HEAD");
        }
    }
    for (path, methods) in table {
        // Nothing takes every method: the first that is not taken says which are.
        let untaken =
            ["POST", "PUT", "PATCH", "DELETE"].into_iter().find(|method| !methods.contains(method)).unwrap();
        let there = path
            .replace("{image_id}", ABSENT)
            .replace("{tag}", "a")
            .replace("{member_id}", "p2")
            .replace("{task_id}", ABSENT);
        let answer = service.call(untaken, &there).by(ADMIN).send().await;
        assert_eq!(answer.status.as_u16(), 405, "{untaken} {path}");
        let allowed: BTreeSet<_> = answer.header("allow").split(", ").collect();
        assert_eq!(allowed, methods, "{path}");
    }
}
