//! A cloud for the built program: the service in this process behind a real socket, with a Keystone, and hooks on every request.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::http::{Door, serve};
use tests::callers::{MEMBER, TokenSays};
use tests::fixtures::CountingIds;
use tests::world::World;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

/// A request, as a hook sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// How many of the same method came before.
    pub(crate) before: usize,
}

impl Seen {
    /// Whether it brings a part.
    pub(crate) fn is_part(&self) -> bool {
        self.method == Method::PUT && self.path.contains("/parts/")
    }

    pub(crate) fn is_download(&self) -> bool {
        self.method == Method::GET && self.path.ends_with("/file")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What becomes of a request.
pub(crate) enum Act {
    Pass,
    Answer(Response),
    /// It is done, and the answer is lost on its way: the client gets a gateway's.
    Lose,
    /// Nobody ever answers; the test is told.
    Hang,
}

impl Act {
    pub(crate) fn status(status: u16, text: &'static str) -> Self {
        Self::Answer((StatusCode::from_u16(status).unwrap(), text).into_response())
    }
}

type Hook = Box<dyn FnMut(&Seen) -> Act + Send>;

pub(crate) struct Cloud {
    pub(crate) url: String,
    pub(crate) world: Arc<World>,
    state: Arc<State>,
    hung: mpsc::UnboundedReceiver<()>,
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

struct State {
    router: Router,
    seen: Mutex<Vec<Seen>>,
    hook: Mutex<Hook>,
    hangs: mpsc::UnboundedSender<()>,
}

/// Serves on a port of its own, as long as the test runs.
pub(crate) async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

impl Cloud {
    /// A cloud whose callers have a token.
    pub(crate) async fn new() -> Self {
        let world = Arc::new(World::default());
        let door = Door {
            cors: shared::http::Cors::default(),
            identity: Arc::new(TokenSays),
            ids: Arc::new(CountingIds::default()),
            public_endpoint: None,
        };
        let router = serve(world.routes(), door);
        let (hangs, hung) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            router,
            seen: Mutex::default(),
            hook: Mutex::new(Box::new(|_| Act::Pass)),
            hangs,
        });
        let handled = Arc::clone(&state);
        let url =
            listen(Router::new().fallback(move |request: Request| handle(Arc::clone(&handled), request)))
                .await;
        let home = tempfile::tempdir().unwrap();
        let variables = [("OS_AUTH_TYPE", "admin_token"), ("OS_TOKEN", MEMBER), ("OS_ENDPOINT", &url)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { url, world, state, hung, home, variables: variables.to_vec() }
    }

    /// The same, where nothing is told but these variables.
    pub(crate) fn told(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self
    }

    pub(crate) fn hook(&self, hook: impl FnMut(&Seen) -> Act + Send + 'static) {
        *self.state.hook.lock().unwrap() = Box::new(hook);
    }

    /// Waits until a request hangs.
    pub(crate) async fn hangs(&mut self) {
        self.hung.recv().await.unwrap();
    }

    /// The requests so far, which are forgotten.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }

    pub(crate) fn parts_seen(&self) -> usize {
        self.seen().iter().filter(|seen| seen.is_part()).count()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glint"));
        command.args(words).args(["--pause", "1"]).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        Ran::of(&self.command(words).output().await.unwrap())
    }

    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }

    /// Runs it, and it must do what it was told. Answers what it wrote, by name.
    pub(crate) async fn done(&self, words: &[&str]) -> Value {
        let ran = self.run(words).await;
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.errors);
        ran.values()
    }

    pub(crate) async fn get(&self, path: &str) -> tests::request::Answer {
        self.world.get(MEMBER, path).await
    }
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let errors = String::from_utf8(output.stderr.clone()).unwrap();
        Self { code: output.status.code().unwrap_or(-1), output: output.stdout.clone(), errors }
    }

    pub(crate) fn values(&self) -> Value {
        let text = String::from_utf8(self.output.clone()).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        pairs
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

async fn handle(state: Arc<State>, request: Request) -> Response {
    let seen = {
        let mut all = state.seen.lock().unwrap();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let before = all.iter().filter(|seen| seen.method == method).count();
        let seen = Seen { method, path, headers: request.headers().clone(), before };
        all.push(seen.clone());
        seen
    };
    let act = (state.hook.lock().unwrap())(&seen);
    match act {
        Act::Pass => state.router.clone().oneshot(request).await.unwrap(),
        Act::Answer(answer) => answer,
        Act::Lose => {
            state.router.clone().oneshot(request).await.unwrap();
            StatusCode::BAD_GATEWAY.into_response()
        }
        Act::Hang => {
            // Its body is taken all the same, as by a server that is slow to answer.
            let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
            state.hangs.send(()).unwrap();
            std::future::pending().await
        }
    }
}

/// Keystone's answer to who authenticates: a token, and where images are.
pub(crate) fn token(token: &str, images: &str) -> Response {
    let endpoints = ["public", "internal"]
        .map(|interface| json!({"interface": interface, "region_id": "one", "region": "one", "url": images}));
    let body = json!({"token": {
        "expires_at": "2100-01-01T00:00:00.000000Z",
        "catalog": [{"type": "image", "endpoints": endpoints}],
    }});
    (StatusCode::CREATED, [("x-subject-token", token.to_owned())], Json(body)).into_response()
}

/// An answer that sends one on.
pub(crate) fn redirect(to: &str) -> Response {
    Response::builder().status(302).header("location", to).body(Body::empty()).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
