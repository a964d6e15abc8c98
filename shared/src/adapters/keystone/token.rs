//! What Keystone says of a token (Identity API v3, "Validate and show information for token").

use serde::Deserialize;

use crate::identity::{Caller, Scope};
use crate::time::Timestamp;

/// A token that Keystone knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validated {
    pub(super) caller: Caller,
    /// Roles as they are, in lower case.
    pub(super) roles: Vec<String>,
    pub(super) expires_at: Timestamp,
    /// Good for some calls only, which this service cannot tell from others.
    pub(super) is_restricted: bool,
}

#[derive(Deserialize)]
struct Body {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    expires_at: String,
    user: Named,
    #[serde(default)]
    roles: Vec<Role>,
    project: Option<Named>,
    domain: Option<serde_json::Value>,
    system: Option<serde_json::Value>,
    application_credential: Option<ApplicationCredential>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

#[derive(Deserialize)]
struct ApplicationCredential {
    access_rules: Option<serde_json::Value>,
}

/// Reads the body; the error says what is wrong with it and quotes nothing of it.
pub(super) fn parse(body: &[u8]) -> Result<Validated, String> {
    let Body { token } =
        serde_json::from_slice(body).map_err(|error| format!("it is no token: {}", place(&error)))?;
    let expires_at = Timestamp::parse(&token.expires_at).ok_or("expires_at is no time")?;
    let scope = match (token.project, token.domain, token.system) {
        (Some(project), _, _) => Scope::Project(project.id.parse().map_err(|_| "the project's id is no id")?),
        (None, Some(_), _) => Scope::Domain,
        (None, None, Some(_)) => Scope::System,
        (None, None, None) => Scope::Unscoped,
    };
    let roles: Vec<_> = token.roles.into_iter().map(|role| role.name.to_lowercase()).collect();
    let caller = Caller::new(None, Some(token.user.id), &roles).scoped(scope);
    let is_restricted =
        token.application_credential.is_some_and(|credential| credential.access_rules.is_some());
    Ok(Validated { caller, roles, expires_at, is_restricted })
}

/// Where JSON goes wrong, without what is there.
fn place(error: &serde_json::Error) -> String {
    format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(change: &Value) -> Result<Validated, String> {
        let mut token = json!({
            "methods": ["password"],
            "expires_at": "2026-10-01T09:00:00.000000Z",
            "user": {"id": "u1", "name": "ann", "domain": {"id": "default"}},
            "roles": [{"id": "r1", "name": "Member"}, {"id": "r2", "name": "reader"}],
        });
        token.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        parse(json!({"token": token}).to_string().as_bytes())
    }

    #[test]
    fn a_token_tells_user_roles_and_what_it_is_good_for() {
        let project = json!({"project": {"id": "p1", "name": "demo", "domain": {"id": "default"}}});
        let validated = parsed(&project).unwrap();
        let expected = Caller::new("p1".parse().ok(), Some("u1".to_owned()), ["member", "reader"]);
        assert_eq!(validated.caller, expected);
        assert_eq!(validated.expires_at, Timestamp::parse("2026-10-01T09:00:00Z").unwrap());
        for (said, scope) in [
            (json!({"domain": {"id": "default"}}), Scope::Domain),
            (json!({"system": {"all": true}}), Scope::System),
            (json!({}), Scope::Unscoped),
        ] {
            let caller = parsed(&said).unwrap().caller;
            assert_eq!((caller.scope(), caller.project()), (&scope, None));
        }
    }

    #[test]
    fn a_token_of_an_application_credential_says_whether_it_is_restricted() {
        for (credential, expected) in [
            (json!({"id": "c"}), false),
            (json!({"access_rules": null}), false),
            (json!({"access_rules": []}), true),
        ] {
            let validated = parsed(&json!({"application_credential": credential})).unwrap();
            assert_eq!(validated.is_restricted, expected, "{credential}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_without_its_text() {
        for change in [
            json!({"expires_at": "secret"}),
            json!({"user": {}}),
            json!({"roles": [{"id": "secret"}]}),
            json!({"project": {"id": ""}}),
            json!({"project": "secret"}),
        ] {
            let why = parsed(&change).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
        for body in ["", "null", "{}", "<html>", "{\"token\": 1}"] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
