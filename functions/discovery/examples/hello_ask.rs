//! A function that asks its table's server one thing, unsigned and by the barest client, and says hello: what one round trip
//! costs (`bench/functions.py`).

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lambda_http::http::Request as Ask;
use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let endpoint =
        &std::env::var_os("GLINT_TABLE_ENDPOINT").and_then(|url| url.into_string().ok()).unwrap_or_default();
    let client = &Client::builder(TokioExecutor::new()).build_http();
    run(service_fn(async |_: Request| {
        let ask =
            Ask::post(endpoint).header("X-Amz-Target", "DynamoDB_20120810.GetItem").body(ITEM.to_owned())?;
        let item = client.request(ask).await?.into_body().collect().await?.to_bytes();
        Ok::<_, Error>(Response::new(Body::from(format!("hello {}", item.len()))))
    }))
    .await
}

const ITEM: &str = r#"{"TableName":"glint","Key":{"PK":{"S":"image#0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11"},"SK":{"S":"record"}}}"#;
