use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use shared::adapters::none::NoIdentity;
use shared::adapters::system::RandomIds;
use shared::http::{Cors, Door, serve};
use shared::operations::Info;
use shared::policy::Policy;
use tower::ServiceExt as _;

async fn send(method: Method, path: &str, accept: &str) -> (u16, HeaderMap, String) {
    let identity = Arc::new(NoIdentity::new("admin".parse().unwrap()));
    let public_endpoint = Some("https://images.example".to_owned());
    let service = serve(
        crate::routes(Info::new(Policy::default(), [], &shared::image::Accepted::default())),
        Door { identity, ids: Arc::new(RandomIds), public_endpoint, cors: Cors::default() },
    );
    let request =
        Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty()).unwrap();
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_root_offers_a_choice_and_versions_lists() {
    for (path, expected) in [("/", 300), ("/v1/images", 300), ("/versions", 200), ("/versions/", 200)] {
        let (status, headers, body) = send(Method::GET, path, "application/json").await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (expected, "application/json"),
            "{path}"
        );
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["versions"][0]["links"][0]["href"], "https://images.example/v2/");
    }
}

#[tokio::test]
async fn health_is_told_in_three_ways() {
    let (status, headers, body) = send(Method::GET, "/healthcheck", "*/*").await;
    assert_eq!((status, body.as_str()), (200, "OK"));
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    let (_, _, body) = send(Method::GET, "/healthcheck", "application/json").await;
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({ "detailed": false, "reasons": ["OK"] })
    );
    let (status, _, body) = send(Method::HEAD, "/healthcheck", "").await;
    assert_eq!((status, body.as_str()), (204, ""));
}

#[tokio::test]
async fn the_schemas_are_json_and_only_read() {
    for name in ["image", "images", "member", "members", "task", "tasks"] {
        let (status, headers, body) = send(Method::GET, &format!("/v2.9/schemas/{name}"), "*/*").await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/json"));
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["name"], name);
    }
    let (status, headers, _) = send(Method::PUT, "/v2/schemas/image", "").await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (405, "GET, HEAD"));
}
