//! The accept loop: HTTP/1.1, bodies of any size, and an end without broken answers.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, info, warn};

/// How long a client may take to send a request's head, and an idle connection stays open.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How much of a body is read in one go: what a fast network brings while the last piece is hashed. A connection's buffer
/// grows to this only while such bodies arrive.
const READ_BYTES: usize = 1 << 20;

/// How long to wait for a file descriptor when there is none for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers what arrives until `stop`; then takes nothing new and gives running requests up to `drain` to end.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => spawn(&graceful, stream, routes.clone()),
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    info!(
        connections = graceful.count(),
        seconds = drain.as_secs(),
        "stopping: waiting for running requests"
    );
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        warn!("some requests did not end in time and are cut off");
    }
}

fn spawn(graceful: &GracefulShutdown, stream: TcpStream, routes: Router) {
    // A small answer must not wait for the acknowledgement of the one before it.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(READ_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection broke");
        }
    });
}
