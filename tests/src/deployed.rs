//! A Glint that runs elsewhere, as the environment tells of it, asked over real HTTP.
//!
//! - `GLINT_TEST_ENDPOINT`: its base URL, with a path before the versions when it has one. Its callers must be those of
//!   [`crate::token`], and its largest image that of [`crate::world`].
//! - `GLINT_TEST_HOST`: what `Host` says, when it is not the URL's.
//! - `GLINT_TEST_TABLE`, `GLINT_TEST_BUCKET`: what to empty before each test; all in them is lost.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::fs::File;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::util::MapResponse;

use crate::emptying;
use crate::patient::Patient;

/// A deployed service, for as long as this is there nobody else's who asks the same way.
#[derive(Debug)]
pub struct Deployed {
    url: String,
    host: String,
    client: Client<Connector, Body>,
    /// Locked. The system unlocks it when the test ends, however it ends.
    _turn: File,
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connector = MapResponse<HttpsConnector<HttpConnector>, fn(Stream) -> Patient<Stream>>;

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let roots = HttpsConnectorBuilder::new().with_native_roots().unwrap();
    MapResponse::new(roots.https_or_http().enable_http1().build(), Patient)
});

#[expect(clippy::disallowed_methods, reason = "what is tested is told to the tests, not to the service")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Deployed {
    /// The service the environment names, once it is this caller's turn; nothing when it names none.
    ///
    /// Blocks the thread meanwhile: a test has a thread of its own.
    pub fn from_environment() -> Option<Self> {
        let url = Self::told()?;
        let authority = url.parse::<Uri>().unwrap().into_parts().authority.unwrap();
        let host = variable("GLINT_TEST_HOST").unwrap_or_else(|| authority.to_string());
        let turn = File::create(std::env::temp_dir().join("glint-test-endpoint.lock")).unwrap();
        turn.lock().unwrap();
        // A connection a request: one that a server closed behind an early answer must not take the next.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(CONNECTOR.clone());
        Some(Self { url, host, client, _turn: turn })
    }

    /// The URL the environment names.
    pub fn told() -> Option<String> {
        variable("GLINT_TEST_ENDPOINT").map(|url| url.trim_end_matches('/').to_owned())
    }

    /// Whether the environment names a bucket.
    pub(crate) fn has_bucket() -> bool {
        variable("GLINT_TEST_BUCKET").is_some()
    }

    /// The URL requests go to, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What `Host` says.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The URL the service takes itself to be reached by, from what requests say.
    pub(crate) fn base(&self) -> String {
        let scheme = self.url.split("://").next().unwrap_or_default();
        format!("{scheme}://{}", self.host)
    }

    /// Empties the table and the bucket, if they were named. Answers whether they were.
    pub(crate) async fn empty(&self) -> bool {
        match (variable("GLINT_TEST_TABLE"), variable("GLINT_TEST_BUCKET")) {
            (Some(table), Some(bucket)) => {
                Box::pin(emptying::empty(&table, &bucket)).await;
                true
            }
            (None, None) => false,
            _ => panic!("GLINT_TEST_TABLE and GLINT_TEST_BUCKET go together"),
        }
    }

    /// Sends a request to the URL it has.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        let said = format!("{} {}", request.method(), request.uri());
        match self.client.request(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => panic!("{said}: {error:?}"),
        }
    }
}
