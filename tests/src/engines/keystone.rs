//! Keystone in this process, as far as Glint asks it: tokens are given and validated, limits are told. A test says which
//! tokens there are and how Keystone behaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};
use shared::adapters::keystone::{Credentials, KeystoneSettings};

use super::listening::{Listening, broken_off, locked};

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Keystone {
    listening: Listening,
    shared: Arc<Mutex<Inside>>,
}

/// How Keystone answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    #[default]
    Well,
    /// Never.
    Silent,
    /// By 500.
    Failing,
    /// By a page that is no JSON.
    Garbage,
    /// By half an answer, and then the connection ends: so many times, and then well.
    Breaking(u32),
}

#[derive(Debug, Default)]
struct Inside {
    behaviour: Behaviour,
    /// What is said of each token.
    tokens: BTreeMap<String, Value>,
    expired: BTreeSet<String>,
    /// The service's own tokens, of which the last is good.
    own: Vec<String>,
    own_refused: bool,
    password_refused: bool,
    /// Method and path of each request, in order.
    asked: Vec<String>,
    limits: Vec<Value>,
    catalogue: Vec<Value>,
}

/// When tokens of tests end, long after the clock of tests began.
pub const EXPIRES_AT: &str = "2026-10-01T09:00:00.000000Z";

impl Keystone {
    /// Begins to listen on a free port.
    pub async fn start() -> Self {
        let shared = Arc::<Mutex<Inside>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Self { listening: Listening::begin(router).await, shared }
    }

    /// How to ask it, by a password.
    pub fn settings(&self) -> KeystoneSettings {
        KeystoneSettings {
            auth_url: self.listening.url(),
            www_authenticate_uri: None,
            ca_file: None,
            credentials: Credentials::Password {
                username: "glint".to_owned(),
                password: "hush".to_owned(),
                user_domain_name: "Default".to_owned(),
                project_name: "service".to_owned(),
                project_domain_name: "Default".to_owned(),
            },
            cache: Duration::from_mins(1),
            timeout: Duration::from_secs(5),
            service_roles: vec!["service".to_owned()],
        }
    }

    /// A token of a user with roles, in a project.
    pub fn give(&self, token: &str, project: &str, roles: &[&str]) {
        self.give_scoped(token, &json!({"project": {"id": project, "name": project}}), roles);
    }

    /// A token of a user with roles, good for what is said.
    pub fn give_scoped(&self, token: &str, scope: &Value, roles: &[&str]) {
        let roles: Vec<_> = roles.iter().map(|role| json!({"id": role, "name": role})).collect();
        let mut said =
            json!({"user": {"id": format!("user of {token}")}, "roles": roles, "expires_at": EXPIRES_AT});
        if let (Some(said), Some(scope)) = (said.as_object_mut(), scope.as_object()) {
            said.extend(scope.clone());
        }
        self.inside().tokens.insert(token.to_owned(), said);
    }

    /// A token is known no longer.
    pub fn revoke(&self, token: &str) {
        self.inside().tokens.remove(token);
    }

    /// A token has expired, and is told of only to who asks for expired ones.
    pub fn expire(&self, token: &str) {
        let mut inside = self.inside();
        if let Some(said) = inside.tokens.get_mut(token).and_then(Value::as_object_mut) {
            said.insert("expires_at".to_owned(), "2026-10-01T07:00:00.000000Z".into());
        }
        inside.expired.insert(token.to_owned());
    }

    /// Answers differently from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.inside().behaviour = behaviour;
    }

    /// The service's own token is revoked; the password may still be good.
    pub fn revoke_own(&self) {
        self.inside().own.push("none".to_owned());
    }

    /// Whether the service's password is refused.
    pub fn refuse_password(&self, refused: bool) {
        self.inside().password_refused = refused;
    }

    /// Whether what the service asks is refused, whoever it is.
    pub fn refuse_own(&self, refused: bool) {
        self.inside().own_refused = refused;
    }

    /// A limit of a project.
    pub fn limit(&self, project: &str, resource: &str, limit: i64) {
        self.inside().limits.push(
            json!({"project_id": project, "resource_name": resource, "resource_limit": limit, "service_id": "glance"}),
        );
    }

    /// An endpoint of a service, which is in the catalogue of every token.
    pub fn serve(&self, kind: &str, region: &str, interface: &str, url: &str) {
        let endpoint = json!({"interface": interface, "region_id": region, "region": region, "url": url});
        self.inside().catalogue.push(json!({"type": kind, "name": kind, "endpoints": [endpoint]}));
    }

    /// Method and path of each request since the last call of this, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().asked)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        locked(&self.shared)
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.unwrap_or_default();
    let path = parts.uri.to_string();
    let behaviour = {
        let mut inside = locked(&inside);
        inside.asked.push(format!("{} {path}", parts.method));
        let behaviour = inside.behaviour;
        if let Behaviour::Breaking(times) = behaviour {
            inside.behaviour = if times > 1 { Behaviour::Breaking(times - 1) } else { Behaviour::Well };
        }
        behaviour
    };
    match behaviour {
        Behaviour::Well => locked(&inside).answer(&parts.method, &path, &parts.headers, &body),
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Failing => told(StatusCode::INTERNAL_SERVER_ERROR, &json!({"error": {"code": 500}})),
        Behaviour::Garbage => {
            let mut page = Response::new(Body::from("<html>secret</html>"));
            page.headers_mut().insert("x-subject-token", HeaderValue::from_static("page"));
            *page.status_mut() =
                if parts.method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
            page
        }
        Behaviour::Breaking(_) => broken_off(b"{\"tok"),
    }
}

impl Inside {
    fn answer(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        if path == "/v3/auth/tokens?nocatalog" && method == Method::POST {
            return self.authenticate(body);
        }
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let own = header("x-auth-token");
        if path == "/v3/auth/tokens" && own == header("x-subject-token") {
            return self.tell_its_bearer(own);
        }
        if self.own_refused || self.own.last().is_none_or(|good| good != own) {
            return told(StatusCode::UNAUTHORIZED, &json!({"error": {"code": 401}}));
        }
        let project = path.split_once("project_id=").map(|(_, project)| project);
        match path.split('&').next().unwrap_or_default() {
            "/v3/auth/tokens?nocatalog" => {
                let token = header("x-subject-token");
                let hidden = self.expired.contains(token) && !path.contains("allow_expired=1");
                match self.tokens.get(token).filter(|_| !hidden) {
                    Some(said) => told(StatusCode::OK, &json!({"token": said})),
                    None => told(StatusCode::NOT_FOUND, &json!({"error": {"code": 404}})),
                }
            }
            "/v3/endpoints/e1" => told(
                StatusCode::OK,
                &json!({"endpoint": {"id": "e1", "service_id": "glance", "region_id": "one"}}),
            ),
            "/v3/registered_limits?service_id=glance" => {
                let registered = [("image_count_total", 10), ("image_size_total", 1000)];
                let registered =
                    registered.map(|(name, limit)| json!({"resource_name": name, "default_limit": limit}));
                told(StatusCode::OK, &json!({"registered_limits": registered}))
            }
            "/v3/limits?service_id=glance" => {
                let own = |limit: &&Value| limit.pointer("/project_id").and_then(Value::as_str) == project;
                let limits: Vec<_> = self.limits.iter().filter(own).collect();
                told(StatusCode::OK, &json!({"limits": limits}))
            }
            _ => told(StatusCode::NOT_FOUND, &json!({"error": {"code": 404}})),
        }
    }

    /// What a token is told of itself, with the catalogue.
    fn tell_its_bearer(&self, token: &str) -> Response<Body> {
        let Some(said) = self.tokens.get(token).filter(|_| !self.expired.contains(token)) else {
            return told(StatusCode::UNAUTHORIZED, &json!({"error": {"code": 401}}));
        };
        let mut said = said.clone();
        if let Some(said) = said.as_object_mut() {
            said.insert("catalog".to_owned(), self.catalogue.clone().into());
        }
        told(StatusCode::OK, &json!({ "token": said }))
    }

    fn authenticate(&mut self, body: &[u8]) -> Response<Body> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let password = body.pointer("/auth/identity/password/user/password") == Some(&json!("hush"));
        let secret = body.pointer("/auth/identity/application_credential/secret") == Some(&json!("hush"));
        if self.password_refused || !(password || secret) {
            return told(StatusCode::UNAUTHORIZED, &json!({"error": {"code": 401}}));
        }
        let token = format!("own {}", self.own.len());
        let said = json!({"token": {"user": {"id": "glint"}, "expires_at": EXPIRES_AT}});
        let mut answer = told(StatusCode::CREATED, &said);
        if let Ok(value) = token.parse() {
            answer.headers_mut().insert("x-subject-token", value);
        }
        self.own.push(token);
        answer
    }
}

fn told(status: StatusCode, body: &Value) -> Response<Body> {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer
}
