use shared::app::App;
use shared::config::{Config, Sources};

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
    Authorizer::new(&App::new(config))
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
