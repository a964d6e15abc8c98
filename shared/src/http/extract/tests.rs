use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::get;
use tower::ServiceExt as _;

use super::super::error::Failure;
use super::*;

const ID: &str = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11";

async fn path_answer(path: &str) -> (u16, String) {
    let routes = Router::new()
        .route("/v2/images/{image_id}", get(async |ImagePath(id): ImagePath| id.to_string()))
        .route(
            "/v2/images/{image_id}/tags/{tag}",
            get(async |TagPath(id, tag): TagPath| format!("{id} {tag}")),
        );
    let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    if let Some(failure) = response.extensions().get::<Failure>() {
        return (status, failure.text.clone());
    }
    let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_path_names_an_image_or_nothing() {
    assert_eq!(path_answer(&format!("/v2/images/{ID}")).await, (200, ID.to_owned()));
    let missing = (404, "No image found with ID web base".to_owned());
    assert_eq!(path_answer("/v2/images/web%20base").await, missing);
    assert_eq!(path_answer("/v2/images/%ff").await, (404, UNKNOWN_PATH.to_owned()));
    assert_eq!(path_answer(&format!("/v2/images/{ID}/tags/a%2Fb")).await, (200, format!("{ID} a/b")));
    assert_eq!(path_answer("/v2/images/x/tags/a").await, (404, "No image found with ID x".to_owned()));
}

async fn json(body: impl Into<Body>) -> Result<Value, (u16, String)> {
    let request =
        Request::post("/").header("content-type", "application/octet-stream").body(body.into()).unwrap();
    match JsonBody::from_request(request, &()).await {
        Ok(JsonBody(value)) => Ok(value),
        Err(error) => {
            let response = error.into_response();
            let failure = response.extensions().get::<Failure>().unwrap();
            Err((failure.status.as_u16(), failure.text.clone()))
        }
    }
}

#[tokio::test]
async fn a_json_body_is_parsed_whatever_its_type_is_called() {
    assert_eq!(json("[1]").await, Ok(serde_json::json!([1])));
    assert_eq!(json("").await, Err((400, "Body expected in request.".to_owned())));
    for bad in ["{", "{} {}", "\u{feff}{}", "{'a': 1}"] {
        assert_eq!(json(bad).await, Err((400, "Malformed JSON in request body.".to_owned())), "{bad}");
    }
    let largest = format!("\"{}\"", "a".repeat(MAX_JSON_BYTES - 2));
    assert!(json(largest.clone()).await.is_ok());
    assert_eq!(json(format!("{largest} ")).await.unwrap_err().0, 413);
}

#[tokio::test]
async fn a_client_that_stops_half_way_is_not_our_fault() {
    let halves = futures_util::stream::iter([Ok("{\"na"), Err(std::io::Error::other("reset"))]);
    let (status, text) = json(Body::from_stream(halves)).await.unwrap_err();
    assert_eq!(status, 400);
    assert!(text.contains("after 4 bytes"), "{text}");
}

#[test]
fn the_base_url_is_what_the_client_sees() {
    let base = |configured: Option<&str>, headers: &[(&'static str, &'static str)]| {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let configured = configured.map(|url| PublicEndpoint(url.to_owned()));
        BaseUrl::of(configured.as_ref(), &headers.collect(), &Uri::from_static("/v2/images")).0
    };
    assert_eq!(base(None, &[("host", "glint:9292")]), "http://glint:9292");
    assert_eq!(base(None, &[("host", "[::1]:9292")]), "http://[::1]:9292");
    let proxied = [
        ("host", "inner"),
        ("x-forwarded-host", "images.example, mid"),
        ("x-forwarded-proto", "https, http"),
    ];
    assert_eq!(base(None, &proxied), "https://images.example");
    assert_eq!(base(Some("https://cloud.example/image/"), &proxied), "https://cloud.example/image");
    assert_eq!(base(None, &[("host", "a/b?c"), ("x-forwarded-proto", "javascript")]), "http://localhost");
    assert_eq!(base(None, &[]), "http://localhost");
}

#[tokio::test]
async fn the_query_keeps_every_pair() {
    let request = Request::get("/?tag=a&tag=b%20c&name=&limit").body(()).unwrap();
    let QueryPairs(pairs) = QueryPairs::from_request_parts(&mut request.into_parts().0, &()).await.unwrap();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("tag", "a"), ("tag", "b c"), ("name", ""), ("limit", "")]);
}
