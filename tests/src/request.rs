//! Requests as clients send them, and answers as snapshots show them.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a harness fails by panicking, as tests do"
)]

use std::fmt::{self, Write as _};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::Value;
use shared::error::Cause;
use shared::id::RequestId;

use crate::service::Service;

/// A request on its way. Unless told otherwise it has no token, no body and accepts nothing in particular.
#[derive(Debug)]
pub struct Call<'a> {
    service: &'a Service,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Service {
    /// Begins a request.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let headers = HeaderMap::from_iter([(header::HOST, self.host().parse().unwrap())]);
        Call {
            service: self,
            method: method.parse().unwrap(),
            path: self.written(path),
            headers,
            body: Body::empty(),
        }
    }

    /// Begins a request to a URL that the service told, wherever it leads.
    pub fn call_url(&self, method: &str, url: &str) -> Call<'_> {
        let url = self.written(url);
        if let Some(path) = url.strip_prefix("<endpoint>").or_else(|| url.strip_prefix(&self.endpoint())) {
            return self.call(method, path);
        }
        let host = url.parse::<Uri>().unwrap().authority().unwrap().as_str().parse().unwrap();
        let call = self.call(method, &url);
        Call { headers: HeaderMap::from_iter([(header::HOST, host)]), ..call }
    }

    /// Gets a path.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", path).by(token).send().await
    }

    /// Registers an image.
    pub async fn post(&self, token: &str, body: Value) -> Answer {
        self.call("POST", "/v2/images").by(token).json(&body).send().await
    }

    /// Registers an image that must be accepted, and answers its path.
    pub async fn made(&self, token: &str, body: Value) -> String {
        let answer = self.post(token, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer}");
        answer.json()["self"].as_str().unwrap().to_owned()
    }

    /// Patches an image by the newer form.
    pub async fn patch(&self, token: &str, path: &str, changes: Value) -> Answer {
        self.call("PATCH", path).by(token).header("content-type", V21).json(&changes).send().await
    }

    /// Uploads an image's data.
    pub async fn put_file(&self, token: &str, path: &str, bytes: &[u8]) -> Answer {
        let call = self.call("PUT", &format!("{path}/file")).by(token);
        call.header("content-type", "application/octet-stream").body(bytes).send().await
    }
}

/// The media type of the newer form of patches.
pub const V21: &str = "application/openstack-images-v2.1-json-patch";
/// The media type of the older form.
pub const V20: &str = "application/openstack-images-v2.0-json-patch";

impl Call<'_> {
    /// Says who calls.
    #[must_use]
    pub fn by(self, token: &str) -> Self {
        self.header("x-auth-token", token)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Carries bytes whose length is announced.
    #[must_use]
    pub fn body(mut self, bytes: &[u8]) -> Self {
        self.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        self.body = Body::from(Bytes::copy_from_slice(bytes));
        self
    }

    /// Carries bytes in pieces of ten, or in some hundred pieces when they are many, and nobody knows how many will come.
    #[must_use]
    pub fn chunked(mut self, bytes: &[u8]) -> Self {
        let pieces = bytes.chunks(10.max(bytes.len() / 500));
        let pieces: Vec<_> = pieces.map(|piece| Ok::<_, fmt::Error>(Bytes::copy_from_slice(piece))).collect();
        self.body = Body::from_stream(stream::iter(pieces));
        self
    }

    /// Carries what comes, when it comes.
    #[must_use]
    pub fn stream(mut self, pieces: impl Stream<Item = Result<Bytes, Cause>> + Send + 'static) -> Self {
        self.body = Body::from_stream(pieces);
        self
    }

    /// Carries JSON.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        let text = self.service.written(&value.to_string());
        self.body(text.as_bytes())
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let mut request =
            Request::builder().method(self.method.clone()).uri(self.path).body(self.body).unwrap();
        *request.headers_mut() = self.headers;
        let answer = self.service.exchange(request).await;
        if (self.method, answer.status()) == (Method::POST, StatusCode::CREATED) {
            let image: Value = serde_json::from_slice(answer.body()).unwrap();
            self.service.name(image["id"].as_str().unwrap());
        }
        Answer::told(self.service, answer)
    }
}

/// An answer, in the words of tests ([`Service`]). `Display` is what snapshots hold: the status, the headers by name, the
/// body, and names for times and for the request's id.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    fn told(service: &Service, answer: Response<Bytes>) -> Self {
        let (parts, body) = answer.into_parts();
        let told = |value: HeaderValue| match value.to_str() {
            Ok(text) => service.told(text).parse().unwrap(),
            Err(_) => value,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &parts.headers {
            headers.append(name, told(value.clone()));
        }
        let octets = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
        let body = match std::str::from_utf8(&body) {
            Ok(text) if !octets => service.told(text).into(),
            _ => body,
        };
        Self { status: parts.status, headers, body }
    }

    /// The status and the headers, as `Display` writes them.
    pub fn head(&self) -> String {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        let mut head = format!("{}\n", self.status);
        for (name, value) in headers {
            let value = value.to_str().unwrap_or("(not text)");
            let value = if value.parse::<RequestId>().is_ok() { "<request id>" } else { value };
            writeln!(head, "{}", format!("{name}: {value}").trim_end()).unwrap();
        }
        head
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        let value = serde_json::from_slice(&self.body);
        assert!(value.is_ok(), "no JSON: {self}");
        value.unwrap()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and, of an error that was asked for as text, what it says.
    pub fn line(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let said = text.lines().nth(2).filter(|_| !self.status.is_success()).unwrap_or_default();
        format!("{} {said}", self.status.as_u16()).trim_end().to_owned()
    }

    /// The names of a page's images, in order, and `…` when there is a next page, or that there is nothing; of an error,
    /// its line.
    pub fn names(&self) -> String {
        if !self.status.is_success() {
            return self.line();
        }
        let page = self.json();
        let images = page["images"].as_array().unwrap();
        let names = images.iter().map(|image| image["name"].as_str().unwrap_or("-"));
        let names: Vec<_> = names.chain(page.get("next").map(|_| "…")).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => write!(f, "{:#}", timeless(value)),
            _ => f.write_str(&String::from_utf8_lossy(&self.body)),
        }
    }
}

/// JSON with a name for every time in it.
fn timeless(value: Value) -> Value {
    match value {
        Value::String(text) if is_time(&text) => "<time>".into(),
        Value::Array(values) => values.into_iter().map(timeless).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, timeless(value))).collect(),
        other => other,
    }
}

/// Whether a text is a time as the API writes one: `2026-10-01T08:00:00Z`.
fn is_time(text: &str) -> bool {
    let like = "0000-00-00T00:00:00Z";
    text.len() == like.len()
        && text.chars().zip(like.chars()).all(|(letter, like)| match like {
            '0' => letter.is_ascii_digit(),
            other => letter == other,
        })
}
