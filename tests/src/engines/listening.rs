//! A service in this process that answers HTTP on a free port, and may break its answers off.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Listening {
    #[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
    pub(super) async fn begin(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(super) fn locked<T>(inside: &Mutex<T>) -> MutexGuard<'_, T> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So much of an answer, and then the connection ends.
pub(super) fn broken_off(begun: &'static [u8]) -> Response<Body> {
    let pieces = [Ok(Bytes::from_static(begun)), Err(std::io::Error::other("cut off"))];
    Response::new(Body::from_stream(stream::iter(pieces)))
}
