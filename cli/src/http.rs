//! HTTP as a client: one request, its answer as a stream or whole. Who asks whom, with which token and how often, is for
//! others to say.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::Failure;

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Sends requests, over connections that are kept. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pool: Pool<HttpsConnector<HttpConnector>, Body>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// No answer: nobody was reached, or the line broke. Names no token and no signature.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {why}")]
pub(crate) struct Broken {
    host: String,
    why: String,
}

/// Connecting takes a moment, or does not happen.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection may wait for its next use; servers close theirs after a minute or so.
const IDLE: Duration = Duration::from_secs(30);

/// More than any answer that is no image.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// An empty body.
pub(crate) fn nothing() -> Body {
    whole(Bytes::new())
}

/// A body that is at hand.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

impl Http {
    /// Trusts the authorities of a file, or else the system's; with `and_system`, both. Connects to nobody yet.
    pub(crate) fn new(ca_file: Option<&Path>, and_system: bool) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = ca_file {
            let wrong = |why: String| Failure::Usage(format!("CA file {}: {why}", path.display()));
            let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("holds no certificate".to_owned()));
            }
        }
        if and_system || ca_file.is_none() {
            // Where there is none, TLS alone has to do without.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = versions.map_err(|error| Failure::run(&error))?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        http.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(https.wrap_connector(http));
        Ok(Self { pool })
    }

    /// Sends a request and answers once the head of the answer is there, within a time.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<Response<Incoming>, Broken> {
        let host = host(request.uri());
        let sent = tokio::time::timeout(within, self.pool.request(request)).await;
        let late = || Broken::new(host.clone(), format!("no answer within {} s", within.as_secs()));
        sent.map_err(|_| late())?.map_err(|error| Broken::new(host.clone(), causes(&error)))
    }

    /// The same, with the whole answer.
    pub(crate) async fn ask(&self, request: Request<Body>, within: Duration) -> Result<Answer, Broken> {
        let host = host(request.uri());
        let asked = async {
            let (parts, body) = self.send(request, within).await?.into_parts();
            Ok(Answer { status: parts.status, headers: parts.headers, body: collect(&host, body).await? })
        };
        let late = |_| Broken::new(host.clone(), format!("no answer within {} s", within.as_secs()));
        tokio::time::timeout(within, asked).await.map_err(late)?
    }
}

impl Broken {
    pub(crate) fn new(host: String, why: String) -> Self {
        Self { host, why }
    }
}

/// The rest of an answer.
pub(crate) async fn collect(host: &str, body: Incoming) -> Result<Bytes, Broken> {
    let collected = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| Broken::new(host.to_owned(), causes(&*error)))
}

/// Where a request goes, without what is secret in its query.
pub(crate) fn host(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    format!("{scheme}://{}", uri.authority().map_or("", |authority| authority.as_str()))
}

/// An error with its causes, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// What an error's body says, in one line: of JSON as OpenStack's services write it, of XML as S3 does, or the text.
pub(crate) fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| {
        let inner = json.get("error").filter(|error| error.is_object()).unwrap_or(json);
        inner.get("message").and_then(serde_json::Value::as_str)
    });
    let xml = || {
        let (code, message) = (element(&text, "Code")?, element(&text, "Message").unwrap_or_default());
        Some(format!("{code}: {message}"))
    };
    let text = message.map(str::to_owned).or_else(xml).unwrap_or_else(|| text.into_owned());
    let words: Vec<_> = text.replace("<br />", " ").split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(MOST_LETTERS).collect()
}

/// Longer texts are pages for browsers.
const MOST_LETTERS: usize = 500;

/// The text of an element of flat XML.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_say_is_one_line() {
        for (body, line) in [
            (r#"{"message": "no such image<br /><br />\n\n\n", "code": "404 Not Found"}"#, "no such image"),
            (r#"{"error": {"code": 401, "message": "not you"}}"#, "not you"),
            (
                "<Error><Code>AccessDenied</Code><Message>Request has\nexpired</Message></Error>",
                "AccessDenied: Request has expired",
            ),
            ("404 Not Found\n\nnothing there\n\n   ", "404 Not Found nothing there"),
            ("", ""),
        ] {
            assert_eq!(said(body.as_bytes()), line);
        }
    }

    #[test]
    fn a_ca_file_has_to_hold_certificates() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/nonexistent/ca.pem")] {
            let Err(Failure::Usage(text)) = Http::new(Some(path), false) else { panic!("it was taken") };
            assert!(text.starts_with(&format!("CA file {}: ", path.display())), "{text}");
        }
        assert!(Http::new(None, false).is_ok());
    }
}
