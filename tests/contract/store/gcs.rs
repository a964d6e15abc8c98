//! Google's store as it speaks S3: the suite, on a server that refuses what the real one does not know. The real one was not tried.

use std::future::{Ready, ready};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use shared::adapters::s3::{S3Settings, S3Store};
use tests::engines::s3::{Connector, S3Engine};

use super::s3::Client;

fn settings() -> (S3Settings, Connector) {
    let engine = S3Engine::new();
    let settings = engine.settings_through(Google(engine.connector()));
    (S3Settings { has_checksums: false, ..settings }, engine.connector())
}

fn fresh() -> Ready<(S3Store, Client)> {
    let (settings, connector) = settings();
    ready((S3Store::new(settings), Client(connector)))
}

shared::store_contract!(fresh);
shared::direct_contract!(fresh);

/// Lets nothing through that is S3's alone.
#[derive(Debug)]
struct Google(Connector);

/// Headers that mean nothing to it: who sends them would believe in what is not done.
const UNKNOWN: [&str; 6] = [
    "x-amz-checksum",
    "x-amz-sdk-checksum",
    "x-amz-trailer",
    "if-none-match",
    "if-match",
    "content-encoding",
];

/// What its front end changes on the way, so no signature may cover it.
const CHANGED: [&str; 2] = ["accept-encoding", "user-agent"];

fn fault(request: &HttpRequest) -> Option<String> {
    let mut names = request.headers().iter().map(|(name, _)| name);
    if let Some(name) = names.find(|name| UNKNOWN.iter().any(|unknown| name.starts_with(unknown))) {
        return Some(format!("{name} is not known"));
    }
    let authorization = request.headers().get("authorization").unwrap_or_default();
    let signed = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
    let signed: Vec<_> = signed.unwrap_or_default().split(';').collect();
    let covered = CHANGED.iter().find(|name| signed.contains(*name));
    let covered = covered.map(|name| format!("the signature covers {name}"));
    let payload = request.headers().get("x-amz-content-sha256").unwrap_or_default();
    covered.or_else(|| payload.starts_with("STREAMING").then(|| format!("{payload} is not known")))
}

impl HttpConnector for Google {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(why) = fault(&request) else { return self.0.call(request) };
        let told = format!("<Error><Code>InvalidArgument</Code><Message>{why}</Message></Error>");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(400.try_into().unwrap(), SdkBody::from(told))))
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for (name, value) in [
        ("x-amz-checksum-sha256", "x"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=accept-encoding;host, Signature=b"),
    ] {
        let request = http::Request::put("http://s3.test/b/k").header(name, value).body(SdkBody::empty());
        assert!(fault(&HttpRequest::try_from(request.unwrap()).unwrap()).is_some(), "{name}");
    }
}
