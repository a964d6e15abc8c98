//! The cloud around one function, for measuring it: starts the program, hands it one event again and again as the Lambda
//! runtime API does, answers what it asks of its table, and prints how long each answer took.
//!
//!     emulator PROGRAM EVENT ANSWERS CALLS
//!
//! `ANSWERS` is a directory with `<operation>.json` for each call to the table that gets another answer than `{}`. A line is
//! printed for each event: nanoseconds, requests to the table so far, and what the function posted where. The first event's
//! time counts from just before the program is started, the others' from when they were handed over. Uses nothing but
//! blocking sockets, a thread for each, so that what is measured is the function.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

/// The longest a function may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Variables that name a server the function is to ask.
const ENDPOINTS: [&str; 3] = ["GLINT_TABLE_ENDPOINT", "GLINT_STORE_ENDPOINT", "GLINT_QUEUE_ENDPOINT"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, event, answers, calls] = arguments.as_slice() else {
        return Err("usage: emulator PROGRAM EVENT ANSWERS CALLS".into());
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (sender, posted) = mpsc::channel();
    let calls = calls.parse()?;
    let cloud = Arc::new(Cloud {
        event: fs::read(event)?,
        answers: known_answers(Path::new(answers))?,
        left: AtomicUsize::new(calls),
        asked: AtomicUsize::new(0),
        begun: Mutex::new(None),
        posted: sender,
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let cloud = Arc::clone(&cloud);
            // A connection ends with the process, in the middle of a request.
            thread::spawn(move || cloud.serve(stream).unwrap_or_default());
        }
    });
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("AWS_LAMBDA_RUNTIME_API", &address);
    for name in ENDPOINTS.iter().filter(|name| env::var_os(name).is_none()) {
        command.env(name, format!("http://{address}"));
    }
    let started = Instant::now();
    let mut process = command.spawn()?;
    let told = (0..calls).try_for_each(|call| {
        let answer = posted.recv_timeout(PATIENCE)?;
        let begun = answer.begun.filter(|_| call > 0).unwrap_or(started);
        let nanoseconds = answer.ended.duration_since(begun).as_nanos();
        let body = String::from_utf8_lossy(&answer.body).replace('\n', " ");
        Ok::<_, Box<dyn Error>>(writeln!(
            io::stdout(),
            "{nanoseconds} {} {} {body}",
            answer.asked,
            answer.path
        )?)
    });
    // Not a kill: what counts instructions writes them down at the end.
    Command::new("kill").arg(process.id().to_string()).status()?;
    process.wait()?;
    told
}

fn known_answers(directory: &Path) -> io::Result<HashMap<String, Vec<u8>>> {
    let mut answers = HashMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let operation = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        answers.insert(operation, fs::read(&path)?);
    }
    Ok(answers)
}

/// What the function's process can reach.
struct Cloud {
    event: Vec<u8>,
    answers: HashMap<String, Vec<u8>>,
    /// Events still to be handed over.
    left: AtomicUsize,
    /// Requests to the table.
    asked: AtomicUsize,
    /// When the last event was handed over.
    begun: Mutex<Option<Instant>>,
    posted: Sender<Posted>,
}

/// What the function answered.
struct Posted {
    begun: Option<Instant>,
    ended: Instant,
    asked: usize,
    path: String,
    body: Vec<u8>,
}

impl Cloud {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = Request::read(&mut reader)? {
            if request.path.ends_with("/invocation/next") {
                if self
                    .left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_err()
                {
                    // There is no further event; the process is ended while it waits.
                    return stream.read(&mut [0]).map(drop);
                }
                let response = response("200 OK", &invocation(), &self.event);
                *self.begun() = Some(Instant::now());
                stream.write_all(&response)?;
            } else if request.path.contains("/runtime/") {
                let ended = Instant::now();
                stream.write_all(&response("202 Accepted", "", b"{}"))?;
                let (begun, asked) = (*self.begun(), self.asked.load(Ordering::SeqCst));
                let posted = Posted { begun, ended, asked, path: request.path, body: request.body };
                self.posted.send(posted).map_err(io::Error::other)?;
            } else {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let answer = self.answers.get(&request.operation).map_or(b"{}".as_slice(), Vec::as_slice);
                stream.write_all(&response("200 OK", "", answer))?;
            }
        }
        Ok(())
    }

    fn begun(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers of an event, as the runtime API gives them.
#[allow(clippy::disallowed_methods, reason = "a deadline is on the clock of the process that is measured")]
fn invocation() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let deadline = (now + PATIENCE).as_millis();
    format!(
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
         Lambda-Runtime-Deadline-Ms: {deadline}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:measured\r\n\
         Lambda-Runtime-Trace-Id: Root=1-6a0f5c11-4f2d1c8e7b3a9d60518e2f41;Parent=0;Sampled=0\r\n"
    )
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// One request, read to its end.
#[derive(Default)]
struct Request {
    path: String,
    /// What is asked of the table: the end of `X-Amz-Target`.
    operation: String,
    body: Vec<u8>,
}

impl Request {
    /// The next request; nothing when the client is gone.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(reader)?;
        let Some(path) = first.split(' ').nth(1) else { return Ok(None) };
        let mut request = Self { path: path.to_owned(), ..Self::default() };
        let mut length = Some(0);
        loop {
            let header = line(reader)?;
            let Some((name, value)) = header.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(number(value, 10)?),
                "transfer-encoding" => length = None,
                "x-amz-target" => request.operation.extend(value.rsplit('.').next()),
                _ => {}
            }
        }
        match length {
            Some(length) => request.take(reader, length)?,
            None => while request.chunk(reader)? {},
        }
        Ok(Some(request))
    }

    fn chunk(&mut self, reader: &mut impl BufRead) -> io::Result<bool> {
        let length = number(&line(reader)?, 16)?;
        self.take(reader, length)?;
        line(reader)?;
        Ok(length > 0)
    }

    fn take(&mut self, reader: &mut impl BufRead, length: u64) -> io::Result<()> {
        reader.take(length).read_to_end(&mut self.body).map(drop)
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn number(text: &str, radix: u32) -> io::Result<u64> {
    u64::from_str_radix(text.trim(), radix).map_err(io::Error::other)
}
