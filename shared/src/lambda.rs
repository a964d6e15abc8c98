//! The host of HTTP functions in the cloud: one request a message, from an API gateway whose authorizer told who calls.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use http::Uri;
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tower::Layer as _;

use crate::adapters::none::ToldByGateway;
use crate::app::App;
use crate::config::Config;
use crate::http::{CallerUnavailable, Door, Payload, Routes, serve};
use crate::identity::{Caller, UNAVAILABLE};

pub use lambda_http::Error;

/// Bytes of a body, or of an answer, that a message to or from a function can carry: 6 MiB in Base64, with room for
/// headers and context (AWS Lambda quotas, "Invocation payload").
pub const MAX_BYTES: u64 = 4_500_000;

/// Reads the configuration, starts the log and puts the process together.
///
/// # Errors
/// When a setting is wrong.
pub fn start() -> Result<App, Error> {
    let config = Config::from_environment()?;
    crate::log::start(&config.log)?;
    Ok(App::new(config))
}

/// Answers requests by these routes until the platform ends the process.
///
/// # Errors
/// When the runtime cannot be reached.
pub async fn run(routes: Routes, app: &App) -> Result<(), Error> {
    lambda_http::run(service(routes, app)).await
}

/// The routes as this host serves them. The caller is taken from the request context and from nowhere else: without one,
/// whatever the headers say, everything that needs a caller is 401.
pub fn service(routes: impl Into<Routes>, app: &App) -> Router {
    let elsewhere = app.config.data_plane_endpoint.clone();
    let routes = Payload { max_bytes: MAX_BYTES, elsewhere }.limit(routes);
    let told_by_gateway = ToldByGateway { authenticate_at: app.config.identity.keystone.uri() };
    let door = Door { identity: Arc::new(told_by_gateway), ..app.door() };
    Router::new().fallback_service(map_request(told).layer(serve(routes, door)))
}

/// Notes who calls, as the API gateway's authorizer said.
async fn told(mut request: Request) -> Request {
    let fields = match request.extensions().get() {
        Some(RequestContext::ApiGatewayV2(context)) => context.authorizer.as_ref().map(|told| &told.fields),
        Some(RequestContext::ApiGatewayV1(context)) => Some(&context.authorizer.fields),
        _ => None,
    };
    let caller = fields.and_then(|fields| Caller::from_context(|key| fields.get(key)?.as_str()));
    let unavailable = fields.is_some_and(|fields| fields.contains_key(UNAVAILABLE));
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    if unavailable {
        request.extensions_mut().insert(CallerUnavailable);
    }
    if let Some(uri) = as_it_came(&request) {
        *request.uri_mut() = uri;
    }
    request
}

/// What a path cannot hold as it is (RFC 3986, 3.3). A `%` stays: it is an escape's.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The request's URI with the path its client sent. An HTTP API hands the path on decoded, but for `%25`, and it is then
/// read as a URL's: where `?` and `#` end it, a `\` is a `/`, dots walk, and blanks at its end go.
fn as_it_came(request: &Request) -> Option<Uri> {
    let Some(RequestContext::ApiGatewayV2(_)) = request.extensions().get() else { return None };
    let path = request.raw_http_path();
    let mut told = utf8_percent_encode(path, NOT_IN_A_PATH).to_string();
    // Behind a path that was cut off there is no telling what was the query. No route that has one has such a path.
    if let Some(query) = request.uri().query().filter(|_| !path.contains(['?', '#'])) {
        told = format!("{told}?{query}");
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(told.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of a test's own")]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::Sources;

    /// What the service answers to a captured message, after a change to it.
    async fn answered(event: &str, change: impl FnOnce(&mut serde_json::Value)) -> (u16, String) {
        let mut event = serde_json::from_str(event).unwrap();
        change(&mut event);
        let request = lambda_http::request::from_str(&event.to_string()).unwrap().map(Body::new);
        let says = async |caller: Caller| format!("{:?} admin: {}", caller.user(), caller.has_role("admin"));
        let routes = Router::new()
            .route("/v2/images/{image_id}", get(says).put(async |_: Request| "taken"))
            .route("/versions", get(async || "versions"));
        let app = App::new(Config::load(&Sources::default()).unwrap());
        let response = service(routes, &app).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    const V2: &str = include_str!("../../events/apigw/get-image.json");
    const V1: &str = include_str!("../../events/apigw/v1-get-image.json");

    #[tokio::test]
    async fn the_caller_is_who_the_authorizer_said() {
        let admin = (200, r#"Some("admin") admin: true"#.to_owned());
        assert_eq!(answered(V2, |_| {}).await, admin);
        let reader = |event: &mut serde_json::Value| {
            event["requestContext"]["authorizer"]["lambda"] =
                serde_json::json!({"user": "u", "roles": "reader"});
        };
        assert_eq!(answered(V2, reader).await, (200, r#"Some("u") admin: false"#.to_owned()));
    }

    #[tokio::test]
    async fn an_event_of_payload_format_1_names_the_caller_too() {
        let no_stage = |event: &mut serde_json::Value| {
            event["requestContext"]["path"] = event["path"].clone();
            event["requestContext"]["stage"] = "$default".into();
        };
        assert_eq!(answered(V1, no_stage).await, (200, r#"Some("admin") admin: true"#.to_owned()));
    }

    #[tokio::test]
    async fn a_path_is_read_as_its_client_sent_it() {
        let routes = || {
            let tag = async |axum::extract::Path((_, tag)): axum::extract::Path<(String, String)>| tag;
            let query = async |uri: Uri| uri.query().unwrap_or_default().to_owned();
            Router::new().route("/v2/images/{image_id}/tags/{tag}", get(tag)).route("/v2/images", get(query))
        };
        let app = App::new(Config::load(&Sources::default()).unwrap());
        let read = async |path: &str, query: &str| {
            let mut event: serde_json::Value = serde_json::from_str(V2).unwrap();
            event["rawPath"] = path.into();
            event["rawQueryString"] = query.into();
            let request = lambda_http::request::from_str(&event.to_string()).unwrap().map(Body::new);
            let response = service(routes(), &app).oneshot(request).await.unwrap();
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        for (told, tag) in [
            ("c#", "c#"),
            ("why?", "why?"),
            ("a\\b", "a\\b"),
            ("..", ".."),
            (" a b ", " a b "),
            ("caf\u{e9}", "caf\u{e9}"),
            ("100%25", "100%"),
            ("a%2520b", "a%20b"),
            ("a%20b%2Fc", "a b/c"),
            ("{[<\"^`|>]}", "{[<\"^`|>]}"),
        ] {
            assert_eq!(read(&format!("/v2/images/0f1c/tags/{told}"), "").await, tag);
        }
        assert_eq!(read("/v2/images", "name=a%20b&tag=c%23").await, "name=a%20b&tag=c%23");
    }

    #[tokio::test]
    async fn without_the_authorizer_nobody_calls_whatever_the_headers_say() {
        let without = |context: serde_json::Value| {
            move |event: &mut serde_json::Value| {
                event["requestContext"]["authorizer"] = context;
                event["headers"]["x-auth-token"] = "admin".into();
                event["headers"]["x-roles"] = "admin".into();
            }
        };
        for context in [serde_json::Value::Null, serde_json::json!({}), serde_json::json!({"lambda": {}})] {
            assert_eq!(answered(V2, without(context)).await.0, 401);
        }
        let versions = |event: &mut serde_json::Value| {
            without(serde_json::Value::Null)(event);
            event["rawPath"] = "/versions".into();
            event["requestContext"]["http"]["path"] = "/versions".into();
        };
        assert_eq!(answered(V2, versions).await, (200, "versions".to_owned()));
    }

    #[tokio::test]
    async fn a_body_of_more_than_a_message_is_refused() {
        let put = |bytes: usize| {
            move |event: &mut serde_json::Value| {
                event["requestContext"]["http"]["method"] = "PUT".into();
                event["body"] = "x".repeat(bytes).into();
            }
        };
        let fits = usize::try_from(MAX_BYTES).unwrap();
        assert_eq!(answered(V2, put(fits)).await, (200, "taken".to_owned()));
        let (status, text) = answered(V2, put(fits + 1)).await;
        assert_eq!(status, 413);
        assert!(text.contains("4500001 bytes") && text.contains("may carry 4500000"), "{text}");
    }
}
