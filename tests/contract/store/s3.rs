//! The bucket, through the real SDK: the suite, and what a network and a busy server do to it. Time is paused, so
//! the SDK's waits between tries take none.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use shared::adapters::s3::{S3Settings, S3Store};
use shared::adapters::system::SystemClock;
use shared::contract::direct::Bring;
use shared::contract::store::{key, parts, pattern, pieces, try_read};
use shared::ports::{Clock as _, PartTarget, ReadTarget, SignedPart, Store, StoreError};
use shared::store::{FileName, ObjectKey, PartGrant, ReadGrant};
use tests::engines::s3::{Connector, S3Engine};

const MIB: usize = 1 << 20;

fn fresh() -> Ready<(S3Store, Client)> {
    let engine = S3Engine::new();
    ready((S3Store::new(engine.settings()), Client(engine.connector())))
}

shared::store_contract!(fresh);
shared::direct_contract!(fresh);

/// Somebody without credentials, who has a URL.
pub(super) struct Client(pub(super) Connector);

#[async_trait]
impl Bring for Client {
    async fn bring(
        &self,
        _store: &dyn Store,
        _grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String> {
        let PartTarget::Store(url) = &signed.target else { panic!("{signed:?}") };
        let request = http::Request::put(url).header("content-length", bytes.len());
        let request =
            signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(SdkBody::from(bytes.to_vec())).unwrap();
        let answer = self.0.call(HttpRequest::try_from(request).unwrap()).await.unwrap();
        match answer.headers().get("etag") {
            Some(etag) if answer.status().is_success() => Ok(etag.to_owned()),
            _ => Err(format!("{:?}", answer.status())),
        }
    }

    async fn fetch(
        &self,
        _store: &dyn Store,
        _key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String> {
        let ReadTarget::Store(url) = target else { panic!("{target:?}") };
        let request = http::Request::get(url).header("x-auth-token", "of a client that follows a redirect");
        let request = request.header("range", "bytes=0-").body(SdkBody::empty()).unwrap();
        let answer = self.0.call(HttpRequest::try_from(request).unwrap()).await.unwrap();
        if !answer.status().is_success() {
            return Err(format!("{:?}", answer.status()));
        }
        let told = |name| answer.headers().get(name).unwrap_or_default().to_owned();
        assert_eq!(told("content-type"), "application/octet-stream");
        let disposition = told("content-disposition");
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Ok((bytes.to_vec(), disposition))
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It gets through.
    None,
    /// It is answered so, and never arrives.
    Answer(u16, &'static str),
    /// It arrives, and is answered so all the same.
    Lost(u16, &'static str),
    /// Its answer ends with an error after so many bytes.
    Cut(usize),
    /// Its answer stops after so many bytes, and the connection stays open.
    Stall(usize),
}

/// A connection on which requests to which `concerns` says yes meet faults: in turn, the last one for ever.
#[derive(Debug)]
struct Faulty {
    inner: Connector,
    concerns: fn(&HttpRequest) -> bool,
    faults: Mutex<VecDeque<Fault>>,
    seen: Arc<Mutex<u32>>,
}

impl HttpConnector for Faulty {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !(self.concerns)(&request) {
            return self.inner.call(request);
        }
        *self.seen.lock().unwrap() += 1;
        let mut faults = self.faults.lock().unwrap();
        let fault = if faults.len() > 1 { faults.pop_front().unwrap() } else { faults[0] };
        let answer = |status: u16, body: &'static str| {
            HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
        };
        if let Fault::Answer(status, body) = fault {
            return HttpConnectorFuture::ready(Ok(answer(status, body)));
        }
        let arrived = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let arrived = arrived.await?;
            Ok(match fault {
                Fault::None | Fault::Answer(..) => arrived,
                Fault::Lost(status, body) => answer(status, body),
                Fault::Cut(after) => cut(arrived, after, false).await,
                Fault::Stall(after) => cut(arrived, after, true).await,
            })
        })
    }
}

/// The answer with a body that says its length and does not keep it.
async fn cut(answer: HttpResponse, after: usize, stall: bool) -> HttpResponse {
    type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, &'static str>> + Send + Sync>>;
    let (head, body) = answer.try_into_http1x().unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let some = stream::iter([Ok(Frame::data(bytes.slice(..after.min(bytes.len()))))]);
    let end: Frames =
        if stall { Box::pin(stream::pending()) } else { Box::pin(stream::iter([Err("connection reset")])) };
    let body = SdkBody::from_body_1_x(StreamBody::new(some.chain(end)));
    HttpResponse::try_from(http::Response::from_parts(head, body)).unwrap()
}

struct Bucket {
    engine: S3Engine,
    store: S3Store,
    seen: Arc<Mutex<u32>>,
}

impl Bucket {
    fn with(concerns: fn(&HttpRequest) -> bool, faults: impl IntoIterator<Item = Fault>) -> Self {
        let (engine, seen) = (S3Engine::new(), Arc::default());
        let faults = Mutex::new(faults.into_iter().collect());
        let connector = Faulty { inner: engine.connector(), concerns, faults, seen: Arc::clone(&seen) };
        Self { store: S3Store::new(engine.settings_through(connector)), engine, seen }
    }

    fn requests(&self) -> u32 {
        *self.seen.lock().unwrap()
    }

    /// Writes 11 MiB and a bit in three parts.
    async fn write_in_parts(&self) -> Result<Vec<u8>, StoreError> {
        let bytes = pattern(1, 11 * MIB + 7);
        let writer = self.store.begin(&key(1, 1), None).await?;
        for part in parts(&bytes, 5 * MIB, 65_536) {
            writer.write(part).await?;
        }
        writer.complete().await?;
        Ok(bytes)
    }

    async fn read(&self, len: usize) -> Result<Vec<u8>, StoreError> {
        try_read(&self.store, &key(1, 1), 0..len as u64).await
    }
}

const SLOW_DOWN: Fault = Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>");
const INTERNAL: &str = "<Error><Code>InternalError</Code><Message>try again</Message></Error>";

fn any(_request: &HttpRequest) -> bool {
    true
}

fn part(request: &HttpRequest) -> bool {
    request.method() == "PUT" && request.uri().contains("partNumber=")
}

fn get(request: &HttpRequest) -> bool {
    request.method() == "GET" && request.headers().contains_key("range")
}

fn complete(request: &HttpRequest) -> bool {
    request.method() == "POST" && request.uri().contains("uploadId=")
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_gets_it() {
    let bucket = Bucket::with(any, [SLOW_DOWN, SLOW_DOWN, Fault::None]);
    bucket.store.put(&key(1, 1), pieces(b"patience", 3)).await.unwrap();
    assert_eq!(bucket.read(8).await.unwrap(), b"patience");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_for_ever_is_unavailable() {
    let bucket = Bucket::with(any, [SLOW_DOWN]);
    let put = bucket.store.put(&key(1, 1), pieces(&[1], 1)).await;
    assert!(matches!(put, Err(StoreError::Unavailable(_))), "{put:?}");
    let begun = bucket.store.begin(&key(1, 1), None).await;
    assert!(matches!(begun, Err(StoreError::Unavailable(_))), "{begun:?}");
    let read = bucket.read(1).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let removed = bucket.store.remove(&key(1, 1)).await;
    assert!(matches!(removed, Err(StoreError::Unavailable(_))), "{removed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_failure_that_says_what_was_refused() {
    let bucket = Bucket::with(any, [Fault::Answer(403, "<Error><Code>AccessDenied</Code></Error>")]);
    let Err(StoreError::Failed(cause)) = bucket.read(1).await else { panic!("must fail") };
    let told = format!("{cause} {}", cause.source().unwrap());
    assert!(told.contains(&key(1, 1).to_string()) && told.contains("AccessDenied"), "{told}");
    assert_eq!(bucket.requests(), 1, "refused once is refused");
}

#[tokio::test(start_paused = true)]
async fn a_part_is_sent_again_after_an_error() {
    let bucket = Bucket::with(part, [Fault::Answer(500, INTERNAL), Fault::Lost(500, INTERNAL), Fault::None]);
    let bytes = bucket.write_in_parts().await.unwrap();
    assert_eq!(bucket.requests(), 5, "three parts and two repetitions");
    assert!(bucket.read(bytes.len()).await.unwrap() == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_goes_on_at_the_byte_it_reached() {
    let faults = [Fault::Cut(1), Fault::Cut(100_000), Fault::Cut(0), Fault::Stall(3), Fault::None];
    let bucket = Bucket::with(get, faults);
    let bytes = bucket.write_in_parts().await.unwrap();
    assert!(bucket.read(bytes.len()).await.unwrap() == bytes);
    assert_eq!(bucket.requests(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_no_connection_brings_forward_ends_with_an_error() {
    for fault in [Fault::Cut(0), Fault::Stall(0)] {
        let bucket = Bucket::with(get, [Fault::Cut(10), fault]);
        let bytes = bucket.write_in_parts().await.unwrap();
        let read = bucket.read(bytes.len()).await;
        assert!(
            matches!(read, Err(StoreError::Unavailable(_))),
            "{fault:?}: {:?}",
            read.map(|all| all.len())
        );
        assert!(bucket.requests() < 10, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn completing_takes_an_error_inside_a_success_for_an_error() {
    let bucket = Bucket::with(complete, [Fault::Answer(200, INTERNAL), Fault::None]);
    let bytes = bucket.write_in_parts().await.unwrap();
    assert!(bucket.read(bytes.len()).await.unwrap() == bytes);

    let bucket = Bucket::with(complete, [Fault::Answer(200, INTERNAL)]);
    let written = bucket.write_in_parts().await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{:?}", written.map(|all| all.len()));
    assert!(bucket.engine.keys().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn completing_is_done_when_only_its_answer_was_lost() {
    for lost in [Fault::Lost(500, INTERNAL), Fault::Lost(200, INTERNAL), Fault::Lost(504, "")] {
        for after in [Fault::None, SLOW_DOWN] {
            let bucket = Bucket::with(complete, [lost, after]);
            let bytes = bucket.write_in_parts().await.unwrap();
            assert!(bucket.read(bytes.len()).await.unwrap() == bytes);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn completing_an_upload_that_is_gone_is_a_failure() {
    let gone = Fault::Answer(404, "<Error><Code>NoSuchUpload</Code></Error>");
    let bucket = Bucket::with(complete, [gone]);
    let written = bucket.write_in_parts().await;
    assert!(matches!(written, Err(StoreError::Failed(_))), "{:?}", written.map(|all| all.len()));
}

#[tokio::test]
async fn removal_aborts_every_upload_of_its_key_and_no_other() {
    let engine = S3Engine::new();
    let store = S3Store::new(engine.settings());
    for attempt in [1, 1, 1, 2] {
        drop(store.begin(&key(1, attempt), None).await.unwrap());
    }
    store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    // The key of one may begin with that of the other.
    let mut settings = engine.settings();
    settings.prefix = format!("{}{}", settings.prefix, key(1, 1));
    drop(S3Store::new(settings).begin(&key(1, 1), None).await.unwrap());
    store.remove(&key(1, 1)).await.unwrap();
    let left = [format!("glint/{}", key(1, 2)), format!("glint/{}{}", key(1, 1), key(1, 1))];
    let (objects, mut begun) = engine.keys();
    begun.sort_by_key(String::len);
    assert_eq!((objects, begun), (Vec::new(), left.to_vec()));
}

#[tokio::test]
async fn who_is_given_a_url_is_given_the_address_it_can_reach() {
    let engine = S3Engine::new();
    let public_endpoint = Some("https://images.example.com".to_owned());
    let store = S3Store::new(S3Settings { public_endpoint, ..engine.settings() });
    let until = SystemClock.now().plus(Duration::from_mins(5));
    let (key, upload) = (key(1, 1), "u".to_owned());
    let part = PartGrant { key: key.clone(), upload, number: 1, range: 0..10, checksum: None, until };
    let signed = store.sign_part(&part, SystemClock.now()).await.unwrap();
    assert_eq!(signed.headers, [], "who has the URL has all");
    let PartTarget::Store(url) = signed.target else { panic!("{signed:?}") };
    assert!(url.starts_with(&format!("https://images.example.com/images/glint/{key}?")), "{url}");
    let grant = ReadGrant { key: key.clone(), file_name: FileName::of("web", "x"), md5: None, until };
    let target = store.sign_read(&grant, SystemClock.now()).await.unwrap().unwrap();
    let ReadTarget::Store(url) = target else { panic!("{target:?}") };
    assert!(url.starts_with(&format!("https://images.example.com/images/glint/{key}?")), "{url}");
    assert!(url.contains("X-Amz-Expires=300") || url.contains("X-Amz-Expires=299"), "{url}");
    // What the service itself sends goes where it always went.
    store.put(&key, pieces(b"here", 4)).await.unwrap();
    assert_eq!(engine.keys().0, [format!("glint/{key}")]);
}

/// Variables are a process's own: it is the contract that runs, once more, where Lambda's are set.
#[test]
fn what_the_sdk_adds_to_requests_of_a_function_is_in_no_url() {
    let mut contract = Command::new(std::env::current_exe().unwrap());
    contract.args(["an_object_is_read_by_its_url", "part_is_held_to_its_declared_checksum", "given_a_url"]);
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    contract.env("AWS_LAMBDA_FUNCTION_NAME", "uploads").env("_X_AMZN_TRACE_ID", trace);
    let ran = contract.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}");
    assert!(told.contains("s3::who_is_given_a_url"), "{told}");
}
