//! Connections to whatever server is asked, kept for their next use: what every client over HTTP shares but the gate.

use std::path::Path;
use std::time::Duration;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::tls::{AuthoritiesError, tls};

/// How long a connection may wait for its next use; a server closes it at some time.
const IDLE: Duration = Duration::from_secs(30);

/// Connections, and those that are made when there is none.
pub(super) type Connections<B> = Client<HttpsConnector<HttpConnector>, B>;

/// Connections with TLS where a URL asks for it. Reads the authorities; connects to nobody yet.
pub(super) fn pool<B>(
    ca_file: Option<&Path>,
    speaks_tls: bool,
    connect: Duration,
) -> Result<Connections<B>, AuthoritiesError>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(connect));
    http.set_nodelay(true);
    http.enforce_http(false);
    let tls = tls(ca_file, speaks_tls)?;
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let mut builder = Client::builder(TokioExecutor::new());
    Ok(builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(https.wrap_connector(http)))
}
