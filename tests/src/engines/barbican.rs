//! Barbican in this process, as far as Glint asks it: payloads of secrets, for who may read them. A test says which secrets
//! there are and how Barbican behaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use shared::adapters::barbican::BarbicanSettings;

use super::listening::{Listening, broken_off, locked};

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Barbican {
    listening: Listening,
    shared: Arc<Mutex<Inside>>,
}

/// How Barbican answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    #[default]
    Well,
    /// Never.
    Silent,
    /// By a status.
    Status(u16),
    /// By half an answer, and then the connection ends: so many times, and then well.
    Breaking(u32),
}

#[derive(Debug)]
struct Secret {
    token: String,
    media_type: &'static str,
    payload: Bytes,
}

#[derive(Debug, Default)]
struct Inside {
    behaviour: Behaviour,
    secrets: BTreeMap<String, Secret>,
    /// Method, path and accepted media type of each request, in order.
    asked: Vec<String>,
}

impl Barbican {
    /// Begins to listen on a free port.
    pub async fn start() -> Self {
        let shared = Arc::<Mutex<Inside>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { listening: Listening::begin(router).await, shared }
    }

    /// How to ask it.
    pub fn settings(&self) -> BarbicanSettings {
        BarbicanSettings { endpoint: self.listening.url(), ca_file: None, timeout: Duration::from_secs(5) }
    }

    /// A secret, of a media type, for who has a token.
    pub fn keep(&self, id: &str, token: &str, media_type: &'static str, payload: &[u8]) {
        let secret = Secret { token: token.to_owned(), media_type, payload: Bytes::copy_from_slice(payload) };
        self.inside().secrets.insert(id.to_owned(), secret);
    }

    /// Answers differently from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.inside().behaviour = behaviour;
    }

    /// Method, path and accepted media type of each request since the last call of this, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().asked)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        locked(&self.shared)
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response<Body> {
    let (path, headers) = (request.uri().path().to_owned(), request.headers());
    let behaviour = {
        let mut inside = locked(&inside);
        inside.asked.push(format!("{} {path} {}", request.method(), header(headers, "accept")));
        let behaviour = inside.behaviour;
        if let Behaviour::Breaking(times) = behaviour {
            inside.behaviour = if times > 1 { Behaviour::Breaking(times - 1) } else { Behaviour::Well };
        }
        behaviour
    };
    match behaviour {
        Behaviour::Well => match locked(&inside).payload(&path, headers) {
            Ok(payload) => Response::new(payload.into()),
            Err(status) => told(status),
        },
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Status(status) => told(StatusCode::from_u16(status).unwrap_or_default()),
        Behaviour::Breaking(_) => broken_off(b"-----BEG"),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn told(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from("{\"title\": \"hush\"}"));
    *response.status_mut() = status;
    response
}

impl Inside {
    /// As Barbican does: a payload is given in the media type that it was stored in, or not at all.
    fn payload(&self, path: &str, headers: &HeaderMap) -> Result<Bytes, StatusCode> {
        if header(headers, "x-auth-token").is_empty() {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let id = path.strip_prefix("/v1/secrets/").and_then(|rest| rest.strip_suffix("/payload"));
        let secret = id.and_then(|id| self.secrets.get(id)).ok_or(StatusCode::NOT_FOUND)?;
        if secret.token != header(headers, "x-auth-token") {
            return Err(StatusCode::FORBIDDEN);
        }
        if secret.media_type != header(headers, "accept") {
            return Err(StatusCode::NOT_ACCEPTABLE);
        }
        Ok(secret.payload.clone())
    }
}
