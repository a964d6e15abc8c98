use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use super::*;

fn config(data: &Path) -> Config {
    Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), data: data.to_owned(), ..Config::default() }
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn it_answers_until_it_is_told_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let gateway = Gateway::open(config(data.path())).await.unwrap();
    let address = gateway.address();
    let banner = gateway.banner();
    assert!(banner.contains(&format!("http://{address}\n")), "{banner}");
    assert!(banner.contains(data.path().canonicalize().unwrap().to_str().unwrap()), "{banner}");
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.run(async { _ = stopped.await }));
    let answer = ask(address, "GET /v2/images HTTP/1.1\r\nhost: glint\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"images\":[]"), "{answer}");
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn two_processes_do_not_share_a_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let first = Gateway::open(config(data.path())).await.unwrap();
    let error = Gateway::open(config(data.path())).await.unwrap_err();
    assert!(matches!(&error, GatewayError::InUse(path) if path == data.path()), "{error}");
    drop(first);
    assert!(Gateway::open(config(data.path())).await.is_ok());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let listen = taken.local_addr().unwrap();
    let error = Gateway::open(Config { listen, ..config(data.path()) }).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {listen}: ")), "{error}");
}

/// A server whose one route begins, says so, and ends when it is let.
struct Slow {
    address: SocketAddr,
    begun: Arc<Notify>,
    end: Arc<Notify>,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

async fn slow(drain: Duration) -> Slow {
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, ends) = (Arc::clone(&begun), Arc::clone(&end));
    let route = axum::routing::get(async move || {
        begins.notify_one();
        ends.notified().await;
        "done"
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = Router::new().route("/", route);
    let running = tokio::spawn(server::serve(listener, routes, async { _ = stopped.await }, drain));
    Slow { address, begun, end, stop, running }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: glint\r\n\r\n";

#[tokio::test]
async fn a_running_request_is_answered_before_the_end() {
    let server = slow(Duration::from_mins(10)).await;
    let answer = tokio::spawn(ask(server.address, REQUEST));
    server.begun.notified().await;
    server.stop.send(()).unwrap();
    server.end.notify_one();
    let answer = answer.await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    server.running.await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let server = slow(Duration::ZERO).await;
    let _answer = tokio::spawn(ask(server.address, REQUEST));
    server.begun.notified().await;
    server.stop.send(()).unwrap();
    server.running.await.unwrap();
}
