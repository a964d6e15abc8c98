//! Scripts of pages from elsewhere: which may ask, and what they may send and read (Fetch standard, "CORS protocol").
//!
//! What a browser sends by itself, such as cookies, opens nothing here: a script has to have a token or a signed URL. So no answer
//! allows credentials, and any origin may be allowed.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Any origin.
const ANY: &str = "*";

/// What scripts may ask for.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, PUT, POST, PATCH, DELETE");

/// What scripts may send, beyond what they always may.
const HEADERS: [&str; 13] = [
    "accept",
    "accept-language",
    "content-language",
    "content-md5",
    "content-range",
    "content-type",
    "if-match",
    "if-none-match",
    "if-range",
    "openstack-api-version",
    "range",
    "x-auth-token",
    "x-service-token",
];

/// How the names of the others begin that scripts may send. The last are for parts, which are sent to buckets in the same way.
const FAMILIES: [&str; 4] = ["x-image-meta-", "x-openstack-", "x-amz-checksum-", "x-amz-content-"];

/// What scripts may read, beyond what they always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Allow, Content-Disposition, Content-Length, Content-MD5, Content-Range, ETag, Location, \
     OpenStack-image-import-methods, OpenStack-image-store-ids, Retry-After, WWW-Authenticate, X-Openstack-Request-Id",
);

/// Whose scripts may ask. The default is nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<String>,
    max_age: Duration,
}

impl Cors {
    /// Lets scripts of these origins ask, as browsers write origins; `*` is all of them. A browser remembers for `max_age` what it
    /// may send.
    pub fn new(origins: impl IntoIterator<Item = String>, max_age: Duration) -> Self {
        Self { origins: origins.into_iter().collect(), max_age }
    }

    /// The answer to a browser that asks what a script may send, or `None` when this is something else, or a script that may not.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        self.allowed(headers.get(header::ORIGIN)?)?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        let told = response.headers_mut();
        told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let asked = asked.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let taken: Vec<_> = asked.split(',').map(str::trim).filter(|name| is_taken(name)).collect();
        if let Some(taken) = HeaderValue::try_from(taken.join(", ")).ok().filter(|_| !taken.is_empty()) {
            told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, taken);
        }
        told.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.as_secs().into());
        for asked in [header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_REQUEST_HEADERS] {
            told.append(header::VARY, asked.into());
        }
        Some(response)
    }

    /// Tells a browser whether the script that asked may read the answer. Without an allowed origin nothing is told.
    pub(super) fn tell(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        if !self.any() {
            // A cache must not give one origin's answer to another.
            answer.append(header::VARY, header::ORIGIN.into());
        }
        if let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    fn any(&self) -> bool {
        self.origins.iter().any(|origin| origin == ANY)
    }

    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.any() {
            return Some(HeaderValue::from_static(ANY));
        }
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }
}

fn is_taken(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    HEADERS.contains(&name.as_str()) || FAMILIES.iter().any(|family| name.starts_with(family))
}
