//! A web server in this process that data is fetched from, written to the byte: it answers well or ill as the path says
//! (`shared::contract::fetch::Site`), and at `/then/…` ill first and well later. A test says where its redirects lead.

#![expect(clippy::indexing_slicing, reason = "it cuts its own bytes, and a harness fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Mutex<Inside>>,
    serving: JoinHandle<()>,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Names, in small letters, and values.
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Inside {
    redirects: BTreeMap<String, String>,
    asked: Vec<Asked>,
}

/// Its entity tag, and its last change.
pub const TAG: &str = "\"one\"";
const DATE: &str = "Thu, 01 Oct 2026 08:00:00 GMT";

/// What there is: more than one read of a connection takes.
pub fn bytes() -> Vec<u8> {
    (0..300_000_u32).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect()
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Origin {
    /// Begins to listen on a free port.
    pub async fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST).await
    }

    /// The same at an address of this machine.
    #[expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]
    pub async fn start_at(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::<Mutex<Inside>>::default());
        let inside = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let inside = Arc::clone(&inside);
                // A client that has seen enough goes away.
                tokio::spawn(async move { drop(serve(client, &inside).await) });
            }
        });
        Self { address, shared, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Has a path lead elsewhere.
    pub fn redirect(&self, path: &str, location: impl Into<String>) {
        locked(&self.shared).redirects.insert(path.to_owned(), location.into());
    }

    /// The requests since the last call of this, in order.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut locked(&self.shared).asked)
    }
}

fn locked(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, inside: &Mutex<Inside>) -> std::io::Result<()> {
    let Some(asked) = read(&mut client).await? else { return Ok(()) };
    let (redirect, times) = {
        let mut inside = locked(inside);
        inside.asked.push(asked.clone());
        let times = inside.asked.iter().filter(|one| one.path == asked.path).count();
        (inside.redirects.get(&asked.path).cloned(), times)
    };
    if let Some(location) = redirect {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        return client.write_all(head.as_bytes()).await;
    }
    match asked.path.as_str() {
        "/then/broken" if times == 1 => broken(client).await,
        // The third ends where all ends.
        "/then/short" => {
            let (head, body) = respond(&asked, &format!("ETag: {TAG}\r\n"), true);
            client.write_all(&[head.as_bytes(), &body[..body.len().min(100_000)]].concat()).await
        }
        "/then/ill" if times < 3 => client.write_all(status(503).as_bytes()).await,
        "/then/other" | "/then/other-part" | "/then/rangeless" if times == 1 => short(client).await,
        "/then/other" => client.write_all(&ranged(&asked, "\"two\"", Obeys::IfRange)).await,
        "/then/other-part" => client.write_all(&ranged(&asked, "\"two\"", Obeys::RangeAlone)).await,
        "/then/rangeless" => client.write_all(&ranged(&asked, TAG, Obeys::Nothing)).await,
        path => answer(path, &asked, client).await,
    }
}

/// The head of a request; nothing when the client went away.
async fn read(client: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if head.is_empty() => return Err(error),
            Err(_) => return Ok(None),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let pair =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Ok(Some(Asked { path, headers: lines.filter_map(pair).collect() }))
}

async fn answer(path: &str, asked: &Asked, mut client: TcpStream) -> std::io::Result<()> {
    let all = bytes();
    let with = |head: &str, body: &[u8]| [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat();
    let wire = match path {
        "/dated" => dated(asked),
        "/rangeless" => ranged(asked, TAG, Obeys::Nothing),
        "/chunked" => with("200 OK\r\nTransfer-Encoding: chunked", &chunked(&all)),
        "/until-close" => with("200 OK", &all),
        "/empty" if asked.headers.contains_key("range") => {
            with("416 Range Not Satisfiable\r\nContent-Range: bytes */0\r\nContent-Length: 5", b"no no")
        }
        "/empty" => with("200 OK\r\nContent-Length: 0", b""),
        "/short" => return short(client).await,
        "/broken" => return broken(client).await,
        "/long" => with("200 OK\r\nContent-Length: 50", &all[..100]),
        "/long-part" => {
            let head = "206 Partial Content\r\nContent-Range: bytes 1-49/50\r\nTransfer-Encoding: chunked";
            with(head, &chunked(&all[1..100]))
        }
        "/elsewhere" => {
            let head = "206 Partial Content\r\nContent-Range: bytes 6-9/300000\r\nContent-Length: 4";
            with(head, &all[6..10])
        }
        "/stalled" => {
            client.write_all(&half()).await?;
            return std::future::pending().await;
        }
        "/silent" => return std::future::pending().await,
        "/gzip" => with("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4", b"\x1f\x8b\x08\0"),
        "/transfer-gzip" => with("200 OK\r\nTransfer-Encoding: gzip, chunked", &chunked(b"\x1f\x8b\x08\0")),
        "/two-lengths" => with("200 OK\r\nContent-Length: 4\r\nContent-Length: 5", b"abcde"),
        "/no-http" => b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        "/endless-head" => return endless_head(client).await,
        "/drip" => return drip(client).await,
        _ => match path.strip_prefix("/status/").and_then(|number| number.parse().ok()) {
            Some(number) => status(number).into_bytes(),
            None => ranged(asked, TAG, Obeys::IfRange),
        },
    };
    client.write_all(&wire).await
}

fn status(number: u16) -> String {
    let length = if [204, 304].contains(&number) { "" } else { "Content-Length: 4\r\n" };
    format!("HTTP/1.1 {number} So\r\n{length}\r\n{}", if length.is_empty() { "" } else { "hush" })
}

/// Which headers of a request count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obeys {
    Nothing,
    RangeAlone,
    IfRange,
}

/// As RFC 9110 has it, with an entity tag.
fn ranged(asked: &Asked, tag: &str, obeys: Obeys) -> Vec<u8> {
    let ranges = if obeys == Obeys::Nothing { "" } else { "Accept-Ranges: bytes\r\n" };
    let is_same = asked.headers.get("if-range").is_none_or(|told| told == tag) || obeys == Obeys::RangeAlone;
    wire(respond(asked, &format!("ETag: {tag}\r\n{ranges}"), is_same && obeys != Obeys::Nothing))
}

/// The same with a date. A part says no date to who knows it.
fn dated(asked: &Asked) -> Vec<u8> {
    let knows = asked.headers.get("if-range");
    let is_same = knows.is_none_or(|told| told == DATE);
    let date = if knows.is_some() && is_same { String::new() } else { format!("Last-Modified: {DATE}\r\n") };
    wire(respond(asked, &format!("ETag: W/{TAG}\r\nAccept-Ranges: bytes\r\n{date}"), is_same))
}

fn wire((head, body): (String, Vec<u8>)) -> Vec<u8> {
    [head.as_bytes(), &body].concat()
}

fn respond(asked: &Asked, headers: &str, takes_range: bool) -> (String, Vec<u8>) {
    let all = bytes();
    let range = asked.headers.get("range").filter(|_| takes_range).and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let end = last.parse().map_or(all.len(), |last: usize| (last + 1).min(all.len()));
        Some((first.parse().ok()?, end))
    });
    let mut head = String::from("HTTP/1.1 ");
    let (line, body): (String, &[u8]) = match range {
        None => ("200 OK".to_owned(), &all),
        Some((first, _)) if first >= all.len() => {
            (format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", all.len()), b"no such range")
        }
        Some((first, end)) => {
            let told =
                format!("206 Partial Content\r\nContent-Range: bytes {first}-{}/{}", end - 1, all.len());
            (told, &all[first..end])
        }
    };
    let _ = write!(head, "{line}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    (head, body.to_vec())
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    let mut wire: Vec<u8> = bytes.chunks(70_000).flat_map(chunk).collect();
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

/// The head of all, and the first half.
fn half() -> Vec<u8> {
    let all = bytes();
    let head = format!("HTTP/1.1 200 OK\r\nETag: {TAG}\r\nContent-Length: {}\r\n\r\n", all.len());
    [head.as_bytes(), &all[..all.len() / 2]].concat()
}

async fn short(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(&half()).await?;
    client.shutdown().await
}

/// Ends by a reset: what had been sent may be lost with it.
async fn broken(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(&half()).await?;
    client.set_zero_linger()
}

async fn endless_head(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(b"HTTP/1.1 200 OK\r\n").await?;
    loop {
        client.write_all(b"X-More: and more, and more, and more\r\n").await?;
    }
}

/// A byte at a time, for ever.
async fn drip(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n").await?;
    loop {
        client.write_all(b"a").await?;
        tokio::task::yield_now().await;
    }
}
