//! A function that reads one item with the AWS SDK, set up as its guide says, and says hello: what a read costs anybody
//! (`bench/functions.py`).

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let config = config.load().await;
    let endpoint = std::env::var_os("GLINT_TABLE_ENDPOINT").and_then(|url| url.into_string().ok());
    let client = &aws_sdk_dynamodb::Client::from_conf(
        Builder::from(&config).set_endpoint_url(endpoint).clone().build(),
    );
    run(service_fn(async |_: Request| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let get = client.get_item().table_name("glint").consistent_read(true);
        let get = get.key("PK", text("image#0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11")).key("SK", text("record"));
        let item = get.send().await?.item.unwrap_or_default();
        Ok::<_, Error>(Response::new(Body::from(format!("hello {}", item.len()))))
    }))
    .await
}
