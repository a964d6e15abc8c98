//! What clients ask of the functions that answer requests.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use futures_util::stream;
use serde_json::{Value, json};
use shared::image::SortKey;
use tests::callers::{ADMIN, MEMBER, STRANGER};
use tests::fixtures::bytes;
use tests::request::V21;
use tower::ServiceExt as _;

use crate::recorder::{Recorder, Right};

/// What S3 takes as a part at least, and so the size of parts here.
pub(crate) const PART: usize = 5 << 20;

/// Every call on records: each visibility, each order, each page, each change.
pub(crate) async fn records(images: &Router) {
    let mut paths = Vec::new();
    for visibility in ["private", "shared", "community", "public"] {
        paths.push(create(images, json!({"visibility": visibility})).await);
    }
    let orders = SortKey::ALL.map(SortKey::name);
    let orders = orders.map(|order| format!("/v2/images?sort={order}&limit=1"));
    let marker = paths[0].trim_start_matches("/v2/images/");
    let by_id = format!("?id={marker}");
    let others = [
        "",
        "?name=web",
        "?disk_format=raw",
        "?tag=lts&visibility=public",
        &by_id,
        "?limit=0",
        &format!("?marker={marker}"),
    ];
    let others = others.map(|query| format!("/v2/images{query}"));
    for list in orders.iter().chain(&others) {
        for caller in [ADMIN, MEMBER] {
            assert_eq!(ask(images, caller, Method::GET, list, &[], b"").await.0, 200, "{list}");
        }
    }
    for path in &paths {
        assert_eq!(ask(images, ADMIN, Method::GET, path, &[], b"").await.0, 200);
        let rename = json!([{"op": "replace", "path": "/name", "value": "new"}]).to_string();
        let kind = [("content-type", V21)];
        assert_eq!(ask(images, ADMIN, Method::PATCH, path, &kind, rename.as_bytes()).await.0, 200);
        for visibility in ["community", "public", "private"] {
            let moved = json!([{"op": "replace", "path": "/visibility", "value": visibility}]).to_string();
            assert_eq!(ask(images, ADMIN, Method::PATCH, path, &kind, moved.as_bytes()).await.0, 200);
        }
        let tag = format!("{path}/tags/new");
        assert_eq!(ask(images, ADMIN, Method::PUT, &tag, &[], b"").await.0, 204);
        assert_eq!(ask(images, ADMIN, Method::DELETE, &tag, &[], b"").await.0, 204);
        assert_eq!(ask(images, ADMIN, Method::DELETE, path, &[], b"").await.0, 204);
    }
}

/// Every call on members, and every action; a member is left, so that the reaper removes it.
pub(crate) async fn members(images: &Router, path: &str) {
    let members = format!("{path}/members");
    for project in [r#"{"member": "p2"}"#, r#"{"member": "p3"}"#] {
        assert_eq!(ask(images, MEMBER, Method::POST, &members, &[], project.as_bytes()).await.0, 200);
    }
    let member = format!("{members}/p2");
    for caller in [MEMBER, STRANGER] {
        for path in [path, members.as_str(), member.as_str()] {
            assert_eq!(ask(images, caller, Method::GET, path, &[], b"").await.0, 200, "{path}");
        }
    }
    let accepted = br#"{"status": "accepted"}"#;
    assert_eq!(ask(images, STRANGER, Method::PUT, &member, &[], accepted).await.0, 200);
    assert_eq!(ask(images, MEMBER, Method::DELETE, &member, &[], b"").await.0, 204);
    for action in ["deactivate", "reactivate"] {
        let action = format!("{path}/actions/{action}");
        assert_eq!(ask(images, MEMBER, Method::POST, &action, &[], b"").await.0, 204);
    }
}

/// Every call on tasks: each order, each page.
pub(crate) async fn tasks(tasks: &Router, image: &str) {
    let new = json!({"type": "import", "input": {"import_from": "https://images.example/a"}}).to_string();
    let mut made = String::new();
    for _ in 0..3 {
        let (status, task) = ask(tasks, ADMIN, Method::POST, "/v2/tasks", &[], new.as_bytes()).await;
        assert_eq!(status, 201, "{task}");
        task["id"].as_str().unwrap().clone_into(&mut made);
    }
    let orders = ["created_at", "status", "updated_at", "expires_at", "id"];
    let orders = orders.map(|order| format!("/v2/tasks?sort_key={order}&limit=1"));
    let others = [
        format!("/v2/tasks/{made}"),
        format!("/v2/tasks?marker={made}&status=failure"),
        format!("{image}/tasks"),
    ];
    for path in orders.iter().chain(&others) {
        assert_eq!(ask(tasks, ADMIN, Method::GET, path, &[], b"").await.0, 200, "{path}");
    }
}

/// Every call on bytes: none, few, several parts; refused before and after the first part; whole, a range, the head. One
/// image with data is deleted at the end.
pub(crate) async fn transfers(images: &Router, uploads: &Router, recorder: &Recorder) {
    for size in [0, 10, 2 * PART + 1] {
        let path = create(images, json!({})).await;
        let data = bytes(size);
        assert_eq!(put(uploads, &path, "", &data).await, 204, "{size}");
        let file = format!("{path}/file");
        assert_eq!(ask(uploads, MEMBER, Method::GET, &file, &[], b"").await.0, 200);
        assert_eq!(ask(uploads, MEMBER, Method::HEAD, &file, &[], b"").await.0, 200);
        if size == 10 {
            let range = [("range", "bytes=2-4")];
            assert_eq!(ask(uploads, MEMBER, Method::GET, &file, &range, b"").await.0, 206);
        } else {
            assert_eq!(ask(images, MEMBER, Method::DELETE, &path, &[], b"").await.0, 204);
        }
    }
    for size in [0, 10, 2 * PART + 1] {
        let path = create(images, json!({})).await;
        let octets = [("content-type", "application/octet-stream")];
        let stage = format!("{path}/stage");
        assert_eq!(ask(uploads, MEMBER, Method::PUT, &stage, &octets, &bytes(size)).await.0, 204, "{size}");
        assert_eq!(ask(images, MEMBER, Method::DELETE, &path, &[], b"").await.0, 204);
    }
    slowly(uploads, recorder, &create(images, json!({})).await).await;
    for announced in [5, 2 * PART + 2] {
        let path = create(images, json!({})).await;
        let data = bytes(if announced == 5 { 10 } else { 2 * PART + 1 });
        assert_eq!(put(uploads, &path, &announced.to_string(), &data).await, 400, "{announced}");
    }
}

pub(crate) async fn create(images: &Router, change: Value) -> String {
    let mut image = json!({"name": "web", "tags": ["lts"], "disk_format": "raw", "container_format": "bare"});
    image.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let body = image.to_string();
    let (status, answer) = ask(images, ADMIN_OF_P1, Method::POST, "/v2/images", &[], body.as_bytes()).await;
    assert_eq!(status, 201, "{answer}");
    answer["self"].as_str().unwrap().to_owned()
}

/// May publish, and owns what the member may fill.
const ADMIN_OF_P1: &str = "p1:admin,member,reader";

pub(crate) async fn put(uploads: &Router, path: &str, announced: &str, data: &[u8]) -> u16 {
    let headers = [("content-type", "application/octet-stream"), ("x-openstack-image-size", announced)];
    let headers = if announced.is_empty() { &headers[..1] } else { &headers[..] };
    ask(uploads, MEMBER, Method::PUT, &format!("{path}/file"), headers, data).await.0
}

/// An upload that lasts until its lease was renewed.
async fn slowly(uploads: &Router, recorder: &Recorder, path: &str) {
    let renewal = Right::new("dynamodb:ConditionCheckItem", "Table.Arn");
    let recorder = recorder.clone();
    let pieces = stream::once(async move {
        while !recorder.rights().contains(&renewal) {
            tokio::task::yield_now().await;
        }
        Ok::<_, Infallible>("at last")
    });
    let request = Request::put(format!("{path}/file")).header("content-type", "application/octet-stream");
    let request = request.header("x-auth-token", MEMBER).body(Body::from_stream(pieces)).unwrap();
    assert_eq!(uploads.clone().oneshot(request).await.unwrap().status(), 204);
}

pub(crate) async fn ask(
    function: &Router,
    token: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("x-auth-token", token);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = function.clone().oneshot(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
