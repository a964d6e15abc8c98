use axum::routing::{get, post};
use tower::ServiceExt as _;

use super::*;
use crate::adapters::system::RandomIds;
use crate::identity::Caller;
use crate::ports::IdentityError;

/// Knows one token.
#[derive(Debug)]
struct OneToken;

#[async_trait::async_trait]
impl Identity for OneToken {
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        if tokens.service.is_some_and(|token| token != "service") {
            return Err(IdentityError::Unauthenticated);
        }
        match tokens.user {
            Some("good") => Ok(Caller::new(None, Some("user".to_owned()), ["admin"])),
            Some("down") => Err(IdentityError::Unavailable("refused".into())),
            Some(_) | None => Err(IdentityError::Unauthenticated),
        }
    }

    fn authenticate_at(&self) -> Option<&str> {
        Some("https://keystone.example.com/v3")
    }
}

fn service() -> Router {
    let routes = Router::new()
        .route("/", get(async || "root"))
        .route(
            "/v2/images",
            get(async |caller: Caller| caller.user().unwrap().to_owned()).post(async || "made"),
        )
        .route("/v2/images/fail", get(async || ApiError::from(Error::internal("secret"))))
        .route("/v2/images/panic", get(panicking))
        .route("/v2/images/action", post(async |_: NoBody| StatusCode::NO_CONTENT));
    serve(
        routes,
        Door {
            identity: Arc::new(OneToken),
            ids: Arc::new(RandomIds),
            public_endpoint: None,
            cors: Cors::default(),
        },
    )
}

async fn panicking() -> StatusCode {
    panic!("at the worst moment")
}

/// Sends a request with a good token and answers status, headers and body.
async fn send(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> (u16, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path).header("host", "glint");
    if !headers.iter().any(|(name, _)| *name == "x-auth-token") {
        request = request.header("x-auth-token", "good");
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let body = if body.is_empty() { Body::empty() } else { Body::from(body) };
    let response = service().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    let id = parts.headers[REQUEST_ID].to_str().unwrap().parse::<crate::id::RequestId>();
    assert!(id.is_ok(), "every answer has a request id");
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_reaches_its_route_by_any_version_on_offer() {
    for path in ["/v2/images", "/v2.0/images", "/v2.15/images?limit=1"] {
        let (status, _, body) = send("GET", path, &[], "").await;
        assert_eq!((status, body.as_str()), (200, "user"), "{path}");
    }
    let accept = [("accept", "application/vnd.openstack.images-v2.5")];
    assert_eq!(send("GET", "/images", &accept, "").await.0, 200);
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_the_choice_and_without_a_token() {
    for (method, path) in
        [("GET", "/v1/images"), ("POST", "/images"), ("GET", "/v2.18/images"), ("GET", "/x")]
    {
        let (status, headers, body) = send(method, path, &[("x-auth-token", "bad")], "").await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (300, &HeaderValue::from_static("application/json"))
        );
        assert!(body.contains("\"http://glint/v2/\""), "{path}: {body}");
    }
    assert_eq!(send("GET", "/", &[("x-auth-token", "bad")], "").await.2, "root");
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    for path in ["/v2/images", "/v2", "/v2/nothing", "/v2.3/images"] {
        let (status, headers, _) = send("GET", path, &[("x-auth-token", "bad")], "").await;
        assert_eq!(
            (status, &headers["www-authenticate"]),
            (401, &HeaderValue::from_static("Keystone uri=\"https://keystone.example.com/v3\"")),
            "{path}"
        );
    }
    for (service, status) in [("service", 200), ("bad", 401), ("", 200)] {
        let answer = send("GET", "/v2/images", &[("x-service-token", service)], "").await;
        assert_eq!(answer.0, status, "{service}");
    }
    let (status, headers, _) = send("GET", "/v2/images", &[("x-auth-token", "down")], "").await;
    assert_eq!((status, &headers["retry-after"]), (503, &HeaderValue::from_static("2")));
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_done_say_so() {
    let (status, _, body) = send("GET", "/v2/nothing", &[], "").await;
    assert_eq!((status, body.as_str()), (404, "404 Not Found\n\nThe resource could not be found.\n\n   "));
    assert_eq!(send("GET", "/v2", &[], "").await.0, 404);
    assert_eq!(send("GET", "/v2/", &[], "").await.0, 404);
    let (status, headers, body) = send("DELETE", "/v2/images", &[("accept", "application/json")], "").await;
    assert_eq!((status, &headers[header::ALLOW]), (405, &HeaderValue::from_static("GET, HEAD, POST")));
    assert!(body.contains("The method DELETE is not allowed for this resource."), "{body}");
    assert_eq!(send("FOO", "/v2/images", &[], "").await.0, 501);
    let (status, _, body) = send("OPTIONS", "/v2/images", &[("x-auth-token", "bad")], "").await;
    assert_eq!((status, body.as_str()), (200, ""));
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let (status, headers, body) = send("HEAD", "/v2/images", &[], "").await;
    assert_eq!(
        (status, &headers[header::CONTENT_LENGTH], body.as_str()),
        (200, &HeaderValue::from_static("4"), "")
    );
    let (status, _, body) = send("HEAD", "/v2/nothing", &[("accept", "*/*")], "").await;
    assert_eq!((status, body.as_str()), (404, ""));
}

#[tokio::test]
async fn a_body_where_none_belongs_is_refused_and_its_declared_type_ignored() {
    let declared = [("content-type", "application/octet-stream"), ("content-length", "0")];
    assert_eq!(send("GET", "/v2/images", &declared, "").await.0, 200);
    assert_eq!(send("POST", "/v2/images/action", &declared, "").await.0, 204);
    for (method, path) in [("GET", "/v2/images"), ("DELETE", "/v2/images"), ("POST", "/v2/images/action")] {
        let (status, _, body) = send(method, path, &[], "{}").await;
        assert_eq!(status, 400, "{method} {path}");
        assert!(body.contains("A body is not expected"), "{body}");
    }
    assert_eq!(send("POST", "/v2/images", &[], "{}").await.0, 200);
}

#[tokio::test]
async fn a_fault_of_ours_tells_nothing_of_its_cause() {
    for path in ["/v2/images/fail", "/v2/images/panic"] {
        let (status, _, body) = send("GET", path, &[], "").await;
        let expected = "500 Internal Server Error\n\nthe server could not complete the request\n\n   ";
        assert_eq!((status, body.as_str()), (500, expected));
    }
}

#[tokio::test]
async fn a_callers_request_id_may_be_64_long() {
    let (longest, longer) = ("r".repeat(64), "r".repeat(65));
    assert_eq!(send("GET", "/v2/images", &[("x-openstack-request-id", &longer)], "").await.0, 431);
    let (status, headers, _) = send("GET", "/v2/images", &[("x-openstack-request-id", &longest)], "").await;
    assert_eq!(status, 200);
    assert_ne!(headers[REQUEST_ID].to_str().unwrap(), longest);
}
