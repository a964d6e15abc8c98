//! Swift in this process, as far as Glint asks it: tokens of its own, objects, ranges, listings and static large objects. A test
//! says what happens to requests.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use futures_util::stream;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use shared::adapters::swift::{Access, Credentials, MANIFEST_ENTRIES, SwiftSettings, V1Key};
use shared::store::{SEAL_KEY_BYTES, Sealer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Swift {
    address: SocketAddr,
    shared: Arc<Mutex<Inside>>,
    serving: JoinHandle<()>,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It gets through.
    None,
    /// It is answered so, and never arrives.
    Answer(u16),
    /// It arrives, and is answered so all the same.
    Lost(u16),
    /// Its answer ends with an error after so many bytes.
    Cut(usize),
    /// Its token is good no more, nor is any before it.
    Stale,
}

#[derive(Debug, Default)]
struct Inside {
    tokens: u32,
    is_shut: bool,
    container: bool,
    objects: BTreeMap<String, Object>,
    written: u64,
    concerns: Option<fn(&Method, &Uri) -> bool>,
    faults: VecDeque<Fault>,
    seen: u32,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    /// What a manifest names.
    parts: Option<Vec<String>>,
    at: u64,
}

impl Drop for Swift {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Swift {
    /// Begins to listen on a free port.
    #[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::<Mutex<Inside>>::default());
        let router = Router::new().fallback(answer).with_state((Arc::clone(&shared), address));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, serving }
    }

    /// How it is asked.
    pub fn settings(&self) -> SwiftSettings {
        SwiftSettings {
            access: Access::V1 {
                auth_url: format!("http://{}/auth/v1.0", self.address),
                user: "test:tester".to_owned(),
                key: V1Key::new("hush"),
            },
            storage_url: None,
            public_endpoint: None,
            ca_file: None,
            container: "images".to_owned(),
            create_container: true,
            prefix: "glint/".to_owned(),
            temp_url_key: None,
            sealer: Sealer::new([7; SEAL_KEY_BYTES]),
            timeout: Duration::from_secs(10),
            manifest_entries: MANIFEST_ENTRIES,
            nested_manifests: true,
        }
    }

    /// Requests to which `concerns` says yes meet faults from now on: in turn, the last one for ever.
    pub fn meets(&self, concerns: fn(&Method, &Uri) -> bool, faults: impl IntoIterator<Item = Fault>) {
        let mut inside = self.inside();
        inside.concerns = Some(concerns);
        inside.faults = faults.into_iter().collect();
        inside.seen = 0;
    }

    /// The same, with tokens from Keystone.
    pub fn settings_of_keystone(&self, secret: &str, region: &str) -> SwiftSettings {
        let credentials = Credentials::Application { id: "own".to_owned(), secret: secret.to_owned() };
        let access = Access::Keystone {
            auth_url: format!("http://{}", self.address),
            credentials,
            region: Some(region.to_owned()),
            interface: "internal".to_owned(),
        };
        SwiftSettings { access, ..self.settings() }
    }

    /// Nobody is given a token any more.
    pub fn shut(&self) {
        self.inside().is_shut = true;
    }

    /// Requests that were of concern.
    pub fn seen(&self) -> u32 {
        self.inside().seen
    }

    /// Tokens that were given.
    pub fn tokens(&self) -> u32 {
        self.inside().tokens
    }

    /// The names of everything in the container.
    pub fn names(&self) -> Vec<String> {
        self.inside().objects.keys().cloned().collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shared = (Arc<Mutex<Inside>>, SocketAddr);

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a harness fails by panicking, as tests do")]
async fn answer(State((shared, address)): State<Shared>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // A body that breaks off never arrives.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return plain(499) };
    let mut inside = shared.lock().unwrap();
    if head.uri.path() == "/v3/auth/tokens" {
        inside.tokens += 1;
        return keystone(&body, inside.tokens, address);
    }
    if head.uri.path() == "/auth/v1.0" {
        if inside.is_shut
            || head.headers["x-auth-key"] != "hush"
            || head.headers["x-auth-user"] != "test:tester"
        {
            return plain(401);
        }
        inside.tokens += 1;
        let answer = Response::builder().header("x-auth-token", format!("token {}", inside.tokens));
        return answer
            .header("x-storage-url", format!("http://{address}/v1/AUTH_test"))
            .body(Body::empty())
            .unwrap();
    }
    let mut fault = Fault::None;
    if inside.concerns.is_some_and(|concerns| concerns(&head.method, &head.uri)) {
        inside.seen += 1;
        fault = if inside.faults.len() > 1 { inside.faults.pop_front().unwrap() } else { inside.faults[0] };
    }
    if matches!(fault, Fault::Stale) {
        inside.tokens += 1;
    }
    if let Fault::Answer(status) = fault {
        return plain(status);
    }
    let current = format!("token {}", inside.tokens);
    if head.headers.get("x-auth-token").is_none_or(|token| token.to_str().unwrap() != current) {
        return plain(401);
    }
    let arrived = inside.handle(&head.method, &head.uri, &head.headers, body);
    match fault {
        Fault::None | Fault::Answer(_) | Fault::Stale => arrived,
        Fault::Lost(status) => plain(status),
        Fault::Cut(after) => cut(arrived, after),
    }
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
fn keystone(asked: &[u8], number: u32, address: SocketAddr) -> Response<Body> {
    let asked: Value = serde_json::from_slice(asked).unwrap();
    let credential = json!({"id": "own", "secret": "hush"});
    if asked.pointer("/auth/identity/application_credential") != Some(&credential) {
        return plain(401);
    }
    let endpoint = |interface: &str, region: &str, host: &str| {
        let url = format!("http://{host}/v1/AUTH_test");
        json!({"interface": interface, "region_id": region, "region": region, "url": url})
    };
    let endpoints = [
        endpoint("public", "here", "public.invalid"),
        endpoint("internal", "there", "there.invalid"),
        endpoint("internal", "here", &address.to_string()),
    ];
    let catalog =
        json!([{"type": "identity", "endpoints": []}, {"type": "object-store", "endpoints": endpoints}]);
    let answer = Response::builder().status(201).header("x-subject-token", format!("token {number}"));
    answer.body(json!({"token": {"catalog": catalog}}).to_string().into()).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
pub(super) fn plain(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

/// The answer with a body that says its length and does not keep it.
pub(super) fn cut(answer: Response<Body>, after: usize) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let some = stream::once(async move {
        let bytes = axum::body::to_bytes(body, usize::MAX).await?;
        Ok::<_, axum::Error>(bytes.slice(..after.min(bytes.len())))
    });
    let end = stream::iter([Err(axum::Error::new("connection reset"))]);
    Response::from_parts(head, Body::from_stream(futures_util::StreamExt::chain(some, end)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    shared::hexadecimal::encode(&Md5::digest(bytes))
}

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a harness fails by panicking, as tests do")]
impl Inside {
    fn handle(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        let path = decoded(uri.path().strip_prefix("/v1/AUTH_test/images").unwrap());
        let query: BTreeMap<_, _> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                Some((name.to_owned(), decoded(value)))
            })
            .collect();
        let Some(name) = path.strip_prefix('/').map(str::to_owned) else {
            return match *method {
                Method::PUT => {
                    self.container = true;
                    plain(201)
                }
                _ => self.list(&query),
            };
        };
        match *method {
            Method::PUT if !self.container => plain(404),
            Method::PUT if query.contains_key("multipart-manifest") => self.put_manifest(name, &body),
            Method::PUT => {
                let etag = hexadecimal(&body);
                self.keep(name, body, None);
                Response::builder().status(201).header("etag", etag).body(Body::empty()).unwrap()
            }
            Method::DELETE => plain(if self.objects.remove(&name).is_some() { 204 } else { 404 }),
            _ => match self.objects.get(&name) {
                None => plain(404),
                Some(object) => self.get(object, headers, &query),
            },
        }
    }

    fn keep(&mut self, name: String, bytes: Bytes, parts: Option<Vec<String>>) {
        self.written += 1;
        self.objects.insert(name, Object { bytes, parts, at: self.written });
    }

    fn put_manifest(&mut self, name: String, body: &[u8]) -> Response<Body> {
        let entries: Vec<Value> = serde_json::from_slice(body).unwrap();
        if entries.len() > 1000 {
            return plain(413);
        }
        let mut parts = Vec::new();
        for entry in entries {
            let part = entry["path"].as_str().unwrap().strip_prefix("/images/").unwrap().to_owned();
            let Some(found) = self.objects.get(&part) else { return plain(400) };
            let is_same = entry["etag"].is_null()
                || (entry["etag"] == hexadecimal(&found.bytes) && entry["size_bytes"] == found.bytes.len());
            if !is_same {
                return plain(400);
            }
            parts.push(part);
        }
        self.keep(name, Bytes::new(), Some(parts));
        plain(201)
    }

    /// The bytes of an object, if all that it names is there.
    fn whole(&self, object: &Object) -> Option<Bytes> {
        let Some(parts) = &object.parts else { return Some(object.bytes.clone()) };
        let parts: Option<Vec<_>> = parts.iter().map(|part| self.whole(self.objects.get(part)?)).collect();
        Some(parts?.concat().into())
    }

    fn get(&self, object: &Object, headers: &HeaderMap, query: &BTreeMap<String, String>) -> Response<Body> {
        let answer = Response::builder().header("x-static-large-object", object.parts.is_some().to_string());
        if let Some(parts) = object.parts.as_ref().filter(|_| query.contains_key("multipart-manifest")) {
            let entries: Vec<_> =
                parts.iter().map(|part| json!({"name": format!("/images/{part}")})).collect();
            return answer.body(Value::from(entries).to_string().into()).unwrap();
        }
        let Some(bytes) = self.whole(object) else { return plain(409) };
        let Some(range) = headers.get("range") else { return answer.body(bytes.into()).unwrap() };
        let (from, last) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let (from, end) = (from.parse::<usize>().unwrap(), last.parse::<usize>().unwrap() + 1);
        if from >= bytes.len() {
            return plain(416);
        }
        answer
            .status(StatusCode::PARTIAL_CONTENT)
            .body(bytes.slice(from..end.min(bytes.len())).into())
            .unwrap()
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Response<Body> {
        let behind = |name: &str| name > query["marker"].as_str() && name.starts_with(&query["prefix"]);
        let found =
            self.objects.iter().filter(|(name, _)| behind(name)).take(query["limit"].parse().unwrap());
        let entries: Vec<_> = found
            .map(|(name, object)| {
                json!({"name": name, "bytes": object.bytes.len(), "hash": hexadecimal(&object.bytes),
                       "last_modified": format!("{:09}", object.at)})
            })
            .collect();
        Response::new(Value::from(entries).to_string().into())
    }
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
pub(super) fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
