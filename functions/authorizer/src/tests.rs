use shared::app::App;
use shared::config::{Config, Sources};
use shared::id::ProjectId;
use shared::ports::{LimitsError, ProjectLimits};

use super::*;

/// A captured request, from another address.
fn request(address: &str) -> Request {
    let event = include_str!("../../../events/authorizer/get-image.json");
    let mut request: Request = serde_json::from_str(event).unwrap();
    request.request_context.http.source_ip = Some(address.to_owned());
    request
}

fn authorizer(networks: Option<&str>) -> Authorizer {
    let mut config = Config::load(&Sources::default()).unwrap();
    if let Some(networks) = networks {
        config.identity.none_networks = networks.parse().unwrap();
    }
    Authorizer::new(&App::new(config)).unwrap()
}

async fn answered(networks: Option<&str>, address: &str) -> Value {
    serde_json::to_value(authorizer(networks).handle(&request(address)).await).unwrap()
}

#[tokio::test]
async fn a_caller_from_the_networks_is_the_administrator() {
    let admin = json!({
        "isAuthorized": true,
        "context": {"user": "admin", "project": "admin", "roles": "admin,member,reader"},
    });
    assert_eq!(answered(Some("203.0.113.0/24"), "203.0.113.24").await, admin);
    assert_eq!(answered(None, "127.0.0.1").await, admin);
}

#[tokio::test]
async fn nobody_else_passes() {
    let turned_away = json!({"isAuthorized": false, "context": {}});
    for (networks, address) in [
        (None, "203.0.113.24"),
        (Some(""), "127.0.0.1"),
        (Some("203.0.113.0/24"), "203.0.114.1"),
        (Some("0.0.0.0/0"), ""),
        (Some("0.0.0.0/0"), "unknown"),
    ] {
        assert_eq!(answered(networks, address).await, turned_away, "{networks:?} {address}");
    }
}

/// Answers as the identity service would.
#[derive(Debug)]
struct Says(fn() -> IdentityError);

#[async_trait::async_trait]
impl Identity for Says {
    async fn identify(&self, _tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn a_token_that_says_nothing_passes_without_an_identity() {
    let authorizer =
        Authorizer { identity: Arc::new(Says(|| IdentityError::Unauthenticated)), ..authorizer(None) };
    let answer = authorizer.handle(&request("127.0.0.1")).await;
    assert_eq!((answer.is_authorized, answer.context), (true, json!({})));
}

#[tokio::test]
async fn an_identity_service_that_is_down_opens_no_door() {
    let down = || IdentityError::Unavailable("refused".into());
    let authorizer = Authorizer { identity: Arc::new(Says(down)), ..authorizer(None) };
    let answer = authorizer.handle(&request("127.0.0.1")).await;
    assert_eq!((answer.is_authorized, answer.context), (true, json!({"unavailable": "true"})));
}

/// Whoever has a token calls, for one project.
#[derive(Debug)]
struct Member;

#[async_trait::async_trait]
impl Identity for Member {
    async fn identify(&self, _tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        Ok(Caller::new("p1".parse().ok(), Some("u".to_owned()), ["member"]))
    }
}

/// Tells limits, or cannot.
#[derive(Debug)]
struct Tells(bool);

#[async_trait::async_trait]
impl Limits for Tells {
    async fn of(&self, project: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        assert_eq!(project.as_str(), "p1");
        let limits = [("image_count_total".to_owned(), 2), ("image_size_total".to_owned(), -1)];
        if self.0 { Ok(Arc::new(ProjectLimits::new(limits))) } else { Err(LimitsError("refused".into())) }
    }
}

/// The limits in the context of a request, by its method and path.
async fn limits_with(tells: bool, method: Method, path: &str) -> Option<Value> {
    let limits: Arc<dyn Limits> = Arc::new(Tells(tells));
    let authorizer = Authorizer { identity: Arc::new(Member), limits: Some(limits), ..authorizer(None) };
    let mut request = request("127.0.0.1");
    request.request_context.http.method = method;
    request.request_context.http.path = Some(path.to_owned());
    let answer = authorizer.handle(&request).await;
    assert!(answer.is_authorized);
    assert_eq!(answer.context["project"], "p1");
    answer.context.get("limits").cloned()
}

#[tokio::test]
async fn limits_come_with_callers_who_may_need_them() {
    let told = Some(json!("image_count_total=2,image_size_total=-1"));
    for (method, path, expected) in [
        (Method::POST, "/v2/images", &told),
        (Method::PUT, "/v2/images/a/file", &told),
        (Method::GET, "/v2/info/usage", &told),
        (Method::GET, "/v2/images", &None),
        (Method::DELETE, "/v2/images/a", &None),
    ] {
        assert_eq!(limits_with(true, method.clone(), path).await, *expected, "{method} {path}");
    }
}

#[tokio::test]
async fn limits_that_cannot_be_told_are_not_told() {
    assert_eq!(limits_with(false, Method::POST, "/v2/images").await, None);
}
