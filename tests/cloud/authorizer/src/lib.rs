//! The authorizer, as it is, before another identity: whoever a token of the tests says calls.

#[path = "../../../src/token.rs"]
pub mod token;

use std::sync::Arc;

use authorizer::Authorizer;
use shared::app::{App, StartError};
use shared::config::Config;

/// The authorizer that believes.
///
/// # Errors
/// As [`Authorizer::new`].
pub fn believing(config: Config) -> Result<Authorizer, StartError> {
    let mut app = App::new(config);
    app.identity = Arc::new(token::TokenSays);
    Authorizer::new(&app)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::config::Sources;

    use super::*;

    const EVENT: &str = include_str!("../../../../events/authorizer/get-image.json");

    async fn answered(token: Option<&str>) -> Value {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["requestContext"]["http"]["sourceIp"] = "127.0.0.1".into();
        if let Some(token) = token {
            event["headers"]["x-auth-token"] = token.into();
        }
        let config = Config::load(&Sources::default()).unwrap();
        let answer = believing(config).unwrap().handle(&serde_json::from_value(event).unwrap()).await;
        serde_json::to_value(answer).unwrap()
    }

    #[tokio::test]
    async fn a_token_says_who_calls() {
        for (token, context) in [
            (
                "p1:member,reader",
                json!({"user": "p1:member,reader", "project": "p1", "roles": "member,reader"}),
            ),
            (":admin", json!({"user": ":admin", "roles": "admin"})),
            ("p1:", json!({"user": "p1:", "project": "p1", "roles": ""})),
        ] {
            assert_eq!(
                answered(Some(token)).await,
                json!({"isAuthorized": true, "context": context}),
                "{token}"
            );
        }
    }

    #[tokio::test]
    async fn who_cannot_be_told_passes_as_nobody() {
        for token in [None, Some(""), Some("nonsense")] {
            assert_eq!(answered(token).await, json!({"isAuthorized": true, "context": {}}), "{token:?}");
        }
    }
}
