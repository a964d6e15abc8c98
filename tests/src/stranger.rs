//! Somebody without credentials, who has a URL of a store, on a connection of their own.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Sends a request.
///
/// # Errors
/// What keeps it from being answered.
pub async fn send(request: Builder, bytes: &[u8]) -> Result<Response<Incoming>, String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.body(Body::from(bytes.to_vec())).unwrap()).await;
    answer.map_err(|error| error.to_string())
}

/// Reads what a URL is for, sending a header along that nobody signed: its bytes and its `Content-Disposition`.
///
/// # Errors
/// The status of an answer that is no success.
pub async fn get(url: &str) -> Result<(Vec<u8>, String), String> {
    let request = Request::get(url).header("x-auth-token", "of a client that follows a redirect");
    let answer = send(request, &[]).await?;
    if !answer.status().is_success() {
        return Err(answer.status().to_string());
    }
    let told = |name: &str| {
        let value = answer.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    assert_eq!(told("content-type"), "application/octet-stream");
    let disposition = told("content-disposition");
    let bytes = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((bytes.to_vec(), disposition))
}
