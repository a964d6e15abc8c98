//! What a host can carry that puts a request or an answer into one message, as Lambda does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, Method, header};
use http_body::Body as _;

use super::error::ApiError;
use super::routes::Routes;
use crate::error::Error;

/// How much fits into a message, and where to go with more.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Bytes that fit, of a request's body or an answer's.
    pub max_bytes: u64,
    /// URL of an endpoint of the same service without this limit, without a slash at its end.
    pub elsewhere: Option<String>,
}

impl Payload {
    /// Refuses, with 413, what would not fit: a body, data announced for one, or an answer. To be put behind the door.
    pub fn limit(self, routes: impl Into<Routes>) -> Routes {
        routes.into().layer(from_fn_with_state(Arc::new(self), pass))
    }

    fn refuse_request(&self, bytes: u64, path: &str) -> ApiError {
        let advice = match self.elsewhere(path) {
            Some(url) => format!("send it to {url}"),
            None => "no endpoint for more is configured (data_plane_endpoint)".to_owned(),
        };
        let limit = self.max_bytes;
        refusal(format!(
            "The request carries {bytes} bytes, and one through this gateway may carry {limit}: {advice}."
        ))
    }

    fn refuse_answer(&self, bytes: u64, path: &str) -> ApiError {
        let less = if path.ends_with("/file") { "ask for it in ranges" } else { "ask for less by 'limit'" };
        let advice = match self.elsewhere(path) {
            Some(url) => format!("get it from {url}, or {less}"),
            None => less.to_owned(),
        };
        let limit = self.max_bytes;
        refusal(format!(
            "The answer would carry {bytes} bytes, and one through this gateway may carry {limit}: {advice}."
        ))
    }

    fn elsewhere(&self, path: &str) -> Option<String> {
        self.elsewhere.as_ref().map(|url| format!("{}{path}", url.trim_end_matches('/')))
    }
}

fn refusal(text: String) -> ApiError {
    Error::LimitExceeded(text).into()
}

async fn pass(
    State(payload): State<Arc<Payload>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let path = request.uri().path().to_owned();
    let carried = request.body().size_hint().lower();
    let announced = number(request.headers(), "x-openstack-image-size").unwrap_or_default();
    let bytes = carried.max(announced);
    if bytes > payload.max_bytes {
        return Err(payload.refuse_request(bytes, &path));
    }
    let head = *request.method() == Method::HEAD;
    let response = next.run(request).await;
    let announced = number(response.headers(), header::CONTENT_LENGTH.as_str()).unwrap_or_default();
    let bytes = response.body().size_hint().lower().max(announced);
    if !head && bytes > payload.max_bytes {
        return Err(payload.refuse_answer(bytes, &path));
    }
    Ok(response)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of a test's own")]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;
    use crate::adapters::none::NoIdentity;
    use crate::adapters::system::RandomIds;
    use crate::http::{Cors, Door, serve};

    const PATH: &str = "/v2/images/x/file";

    /// A service that answers 11 bytes and takes anything, in messages of 10.
    fn service(elsewhere: Option<&str>) -> Router {
        let answers = || async { Body::from("01234567890") };
        let routes = Router::new()
            .route(PATH, get(answers).put(async |_: Request| StatusCode::NO_CONTENT))
            .route("/v2/images", get(answers));
        let payload = Payload { max_bytes: 10, elsewhere: elsewhere.map(str::to_owned) };
        let identity = Arc::new(NoIdentity::new("p".parse().unwrap()));
        serve(
            payload.limit(routes),
            Door { identity, ids: Arc::new(RandomIds), public_endpoint: None, cors: Cors::default() },
        )
    }

    async fn said(elsewhere: Option<&str>, request: http::request::Builder, body: &'static str) -> String {
        let response = service(elsewhere).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let text = String::from_utf8_lossy(&body).lines().nth(2).unwrap_or_default().to_owned();
        format!("{status} {text}")
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_is_told_where_to_go() {
        let put = || Request::put(PATH);
        assert_eq!(said(None, put(), "0123456789").await, "204 ");
        let too_large = "The request carries 11 bytes, and one through this gateway may carry 10: ";
        assert_eq!(
            said(Some("https://data.example/"), put(), "01234567890").await,
            format!("413 {too_large}send it to https://data.example{PATH}.")
        );
        let announced = put().header("x-openstack-image-size", "11");
        assert_eq!(
            said(None, announced, "").await,
            format!("413 {too_large}no endpoint for more is configured (data_plane_endpoint).")
        );
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_is_told_where_to_go() {
        let too_large = "413 The answer would carry 11 bytes, and one through this gateway may carry 10: ";
        for (elsewhere, path, advice) in [
            (None, PATH, "ask for it in ranges.".to_owned()),
            (None, "/v2/images", "ask for less by 'limit'.".to_owned()),
            (
                Some("http://data.example:9292"),
                PATH,
                format!("get it from http://data.example:9292{PATH}, or ask for it in ranges."),
            ),
        ] {
            assert_eq!(said(elsewhere, Request::get(path), "").await, format!("{too_large}{advice}"));
        }
        assert_eq!(said(None, Request::head(PATH), "").await, "200 ");
    }
}
