//! One request on a connection of its own, to an address that was judged.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::tls::tls;
use super::{Resolve, ResolveError};
use crate::egress::{CheckedUrl, Refusal, Rules, Scheme};
use crate::ports::{Cause, FetchError, Span};

/// Addresses of a name that are tried, one after the other.
const MAX_ADDRESSES: usize = 8;

/// The most bytes, and fields, of an answer's head.
const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEAD_FIELDS: usize = 100;

/// What is read of a connection at a time, at most.
const MAX_READ_BYTES: usize = 512 << 10;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    resolver: Arc<dyn Resolve>,
    /// The system's authorities are not read before somebody speaks TLS.
    tls: OnceCell<Arc<ClientConfig>>,
    connect: Duration,
}

/// An answer whose body is still to come. The connection ends when this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) response: Response<Incoming>,
    pub(super) driver: Driver,
}

/// What moves a connection's bytes; whether some were left over when it ended.
#[derive(Debug)]
pub(super) struct Driver(JoinHandle<bool>);

impl Driver {
    /// Waits for the connection to end, which it does once the body is read; then whether the source had sent more.
    pub(super) async fn has_more(&mut self) -> bool {
        (&mut self.0).await.unwrap_or_default()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Connector {
    pub(super) fn new(
        ca_file: Option<&Path>,
        connect: Duration,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, Cause> {
        let known = ca_file.map(|path| tls(Some(path), true).map(Arc::new)).transpose()?;
        Ok(Self { resolver, tls: OnceCell::new_with(known), connect })
    }

    /// Connects, asks, and takes the head of the answer.
    pub(super) async fn send(
        &self,
        rules: &Rules,
        url: &CheckedUrl,
        request: Request<Empty<Bytes>>,
        idle: Duration,
    ) -> Result<Connected, FetchError> {
        let connected = timeout(self.connect, self.connect(rules, url)).await;
        let wire = connected.unwrap_or(Err(FetchError::TimedOut(Span::Connect)))?;
        let mut builder = http1::Builder::new();
        builder.max_header_size(MAX_HEAD_BYTES).max_headers(MAX_HEAD_FIELDS).max_buf_size(MAX_READ_BYTES);
        let (mut sender, connection) = builder.handshake(TokioIo::new(wire)).await.map_err(broken)?;
        let driver = Driver(tokio::spawn(async move {
            connection.without_shutdown().await.is_ok_and(|parts| !parts.read_buf.is_empty())
        }));
        let answered = timeout(idle, sender.send_request(request)).await;
        let response = answered.map_err(|_| FetchError::TimedOut(Span::Idle))?.map_err(broken)?;
        Ok(Connected { response, driver })
    }

    async fn connect(&self, rules: &Rules, url: &CheckedUrl) -> Result<Box<dyn Wire>, FetchError> {
        let tcp = self.reach(rules, url).await?;
        // A wait for more to send helps nobody.
        tcp.set_nodelay(true).map_err(unavailable)?;
        match url.scheme() {
            Scheme::Http => Ok(Box::new(tcp)),
            Scheme::Https => {
                let name = ServerName::try_from(url.host().to_owned()).map_err(|_| Refusal::OddHost)?;
                let tls = TlsConnector::from(self.tls().await?);
                Ok(Box::new(
                    tls.connect(name, tcp)
                        .await
                        .map_err(|error| untrusted(&error).unwrap_or_else(|| unavailable(error)))?,
                ))
            }
        }
    }

    /// Connects to the first address that answers, of those that were judged here and nowhere else.
    async fn reach(&self, rules: &Rules, url: &CheckedUrl) -> Result<TcpStream, FetchError> {
        let addresses = self.addresses(rules, url).await?;
        let each = self.connect / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut failed = FetchError::TimedOut(Span::Connect);
        for address in addresses {
            match timeout(each, TcpStream::connect(SocketAddr::new(address, url.port()))).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => failed = unavailable(error),
                Err(_) => failed = FetchError::TimedOut(Span::Connect),
            }
        }
        Err(failed)
    }

    /// The addresses of a host: all of them may be connected to, or none is.
    async fn addresses(&self, rules: &Rules, url: &CheckedUrl) -> Result<Vec<IpAddr>, FetchError> {
        let mut addresses = match url.address() {
            Some(address) => vec![address],
            None => match self.resolver.resolve(url.host()).await {
                Ok(found) if !found.is_empty() => found,
                Ok(_) | Err(ResolveError::NotFound) => return Err(Refusal::Unreached.into()),
                Err(ResolveError::Unavailable(error)) => return Err(unavailable(error)),
            },
        };
        for address in &addresses {
            if let Err(class) = rules.reach(*address) {
                tracing::info!(host = url.host(), %address, class = class.name(), "refused to fetch from an address");
                let refusal = url.address().map_or(Refusal::Unreached, |_| Refusal::Address(class));
                return Err(refusal.into());
            }
        }
        addresses.truncate(MAX_ADDRESSES);
        Ok(addresses.into_iter().map(|address| address.to_canonical()).collect())
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        let config = self.tls.get_or_try_init(|| async { tls(None, true).map(Arc::new) }).await;
        config.cloned().map_err(|error| FetchError::Unavailable(Box::new(error)))
    }
}

fn unavailable(error: io::Error) -> FetchError {
    FetchError::Unavailable(Box::new(error))
}

/// What will not be otherwise when it is tried again.
fn untrusted(error: &io::Error) -> Option<FetchError> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    matches!(inner, rustls::Error::InvalidCertificate(_))
        .then(|| FetchError::Unusable("its certificate is not one to trust".to_owned()))
}

/// What is no HTTP will be none the next time either; anything else is a line that broke.
fn broken(error: hyper::Error) -> FetchError {
    if error.is_parse() || error.is_parse_too_large() {
        FetchError::Unusable("its head is no HTTP, or too long".to_owned())
    } else {
        FetchError::Unavailable(Box::new(error))
    }
}
