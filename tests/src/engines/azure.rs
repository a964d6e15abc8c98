//! Azure's blobs in this process, as far as Glint asks it: blobs, ranges, blocks and lists of them. It knows who asks by a word, and
//! checks no signature: Azurite does. A test says what happens to requests.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use shared::adapters::azblob::{Access, AccountKey, AzureSettings, SasToken};
use shared::adapters::system::SystemClock;
use shared::store::{SEAL_KEY_BYTES, Sealer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::swift::{cut, decoded, plain};

pub use super::swift::Fault;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Azure {
    address: SocketAddr,
    shared: Arc<Mutex<Inside>>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Inside {
    container: bool,
    blobs: BTreeMap<String, Blob>,
    concerns: Option<fn(&Method, &Uri) -> bool>,
    faults: VecDeque<Fault>,
    seen: u32,
}

#[derive(Debug, Default)]
struct Blob {
    /// What is whole.
    bytes: Option<Bytes>,
    /// By id, what is of no object yet.
    blocks: BTreeMap<String, Bytes>,
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Azure {
    /// Begins to listen on a free port.
    #[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::<Mutex<Inside>>::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, serving }
    }

    /// How it is asked: by a signature.
    pub fn settings(&self) -> AzureSettings {
        AzureSettings {
            access: Access::Signature(SasToken::new("?sig=hush")),
            endpoint: format!("http://{}/account", self.address),
            public_endpoint: None,
            ca_file: None,
            container: "images".to_owned(),
            create_container: true,
            prefix: "glint/".to_owned(),
            sealer: Sealer::new([7; SEAL_KEY_BYTES]),
            timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
        }
    }

    /// The same by a key.
    #[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
    pub fn settings_by_key(&self) -> AzureSettings {
        let key = AccountKey::parse("aHVzaA==").unwrap();
        AzureSettings { access: Access::Key { account: "account".to_owned(), key }, ..self.settings() }
    }

    /// Requests to which `concerns` says yes meet faults from now on: in turn, the last one for ever.
    pub fn meets(&self, concerns: fn(&Method, &Uri) -> bool, faults: impl IntoIterator<Item = Fault>) {
        let mut inside = self.inside();
        inside.concerns = Some(concerns);
        inside.faults = faults.into_iter().collect();
        inside.seen = 0;
    }

    /// Requests that were of concern.
    pub fn seen(&self) -> u32 {
        self.inside().seen
    }

    /// Whether the container was made.
    pub fn has_container(&self) -> bool {
        self.inside().container
    }

    /// The names of everything in the container, blobs of blocks alone among them.
    pub fn names(&self) -> Vec<String> {
        self.inside().blobs.keys().cloned().collect()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a harness fails by panicking, as tests do")]
async fn answer(State(shared): State<Arc<Mutex<Inside>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // A body that breaks off never arrives.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return plain(499) };
    let mut inside = shared.lock().unwrap();
    let mut fault = Fault::None;
    if inside.concerns.is_some_and(|concerns| concerns(&head.method, &head.uri)) {
        inside.seen += 1;
        fault = if inside.faults.len() > 1 { inside.faults.pop_front().unwrap() } else { inside.faults[0] };
    }
    if let Fault::Answer(status) = fault {
        return plain(status);
    }
    let has_key = head.headers.get("authorization").is_some_and(|told| {
        told.to_str().unwrap().starts_with("SharedKey account:") && head.headers.contains_key("x-ms-date")
    });
    let has_signature = head.uri.query().unwrap_or_default().split('&').any(|pair| pair == "sig=hush");
    if has_key == has_signature || !head.headers.contains_key("x-ms-version") {
        return refused(403, "AuthenticationFailed");
    }
    let arrived = inside.handle(&head.method, &head.uri, &head.headers, body);
    match fault {
        Fault::None | Fault::Answer(_) | Fault::Stale => arrived,
        Fault::Lost(status) => plain(status),
        Fault::Cut(after) => cut(arrived, after),
    }
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
fn refused(status: u16, code: &str) -> Response<Body> {
    let answer = Response::builder().status(status).header("x-ms-error-code", code);
    answer.body(Body::empty()).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
impl Inside {
    fn handle(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        let path = decoded(uri.path().strip_prefix("/account/images").unwrap());
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let query: BTreeMap<_, _> = pairs.map(|(name, value)| (name, decoded(value))).collect();
        let comp = query.get("comp").map(String::as_str);
        let Some(name) = path.strip_prefix('/').map(str::to_owned) else {
            let made = std::mem::replace(&mut self.container, true);
            return if made { refused(409, "ContainerAlreadyExists") } else { plain(201) };
        };
        if !self.container {
            return refused(404, "ContainerNotFound");
        }
        match (method, comp) {
            (&Method::PUT, Some("block")) => {
                let id = query.get("blockid").unwrap().clone();
                let blob = self.blobs.entry(name).or_default();
                if body.is_empty() || blob.blocks.keys().any(|other| other.len() != id.len()) {
                    return refused(400, "InvalidBlobOrBlock");
                }
                blob.blocks.insert(id, body);
                plain(201)
            }
            (&Method::PUT, Some("blocklist")) => self.commit(name, headers, &body),
            (&Method::PUT, None) if headers.get("x-ms-blob-type").is_some_and(|kind| kind == "BlockBlob") => {
                self.blobs.insert(name, Blob { bytes: Some(body), blocks: BTreeMap::new() });
                plain(201)
            }
            (&Method::GET, Some("blocklist")) => match self.blobs.get(&name) {
                None => refused(404, "BlobNotFound"),
                Some(blob) => Response::new(blob.list().into()),
            },
            (&Method::DELETE, None) => match self.blobs.get(&name) {
                Some(Blob { bytes: Some(_), .. }) => {
                    self.blobs.remove(&name);
                    plain(202)
                }
                _ => refused(404, "BlobNotFound"),
            },
            (&Method::GET | &Method::HEAD, None) => {
                match self.blobs.get(&name).and_then(|blob| blob.bytes.as_ref()) {
                    None => refused(404, "BlobNotFound"),
                    Some(bytes) => get(bytes, headers),
                }
            }
            _ => refused(400, "InvalidQueryParameterValue"),
        }
    }

    /// All that the list names and no more, once.
    fn commit(&mut self, name: String, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let blob = self.blobs.entry(name).or_default();
        if headers.get("if-none-match").is_some_and(|told| told == "*") && blob.bytes.is_some() {
            return refused(409, "BlobAlreadyExists");
        }
        let list = str::from_utf8(body).unwrap();
        let ids = list.split("<Uncommitted>").skip(1).map(|rest| rest.split('<').next().unwrap());
        let found: Option<Vec<_>> = ids.map(|id| blob.blocks.get(id).cloned()).collect();
        let Some(found) = found else { return refused(400, "InvalidBlockList") };
        *blob = Blob { bytes: Some(found.concat().into()), blocks: BTreeMap::new() };
        plain(201)
    }
}

impl Blob {
    fn list(&self) -> String {
        let block = |(id, bytes): (&String, &Bytes)| {
            format!("<Block><Name>{id}</Name><Size>{}</Size></Block>", bytes.len())
        };
        let blocks: String = self.blocks.iter().map(block).collect();
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><UncommittedBlocks>{blocks}</UncommittedBlocks></BlockList>"
        )
    }
}

#[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
fn get(bytes: &Bytes, headers: &HeaderMap) -> Response<Body> {
    let Some(range) = headers.get("range") else { return Response::new(bytes.clone().into()) };
    let (from, last) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (from, end) = (from.parse::<usize>().unwrap(), last.parse::<usize>().unwrap() + 1);
    if from >= bytes.len() {
        return refused(416, "InvalidRange");
    }
    let bytes = bytes.slice(from..end.min(bytes.len()));
    let answer =
        Response::builder().status(StatusCode::PARTIAL_CONTENT).header("content-length", bytes.len());
    answer.body(bytes.into()).unwrap()
}
