//! What Keystone is shown for a token (Identity API v3, "Authentication and token management").

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::account::Account;
use crate::Failure;

/// How calls are made in somebody's name.
#[derive(Clone, PartialEq)]
pub(super) enum Credentials {
    /// In nobody's.
    None,
    /// By a token as it is.
    Token(String),
    /// By a token that Keystone gives.
    Keystone {
        /// With its version.
        url: String,
        /// The body of `POST /v3/auth/tokens`.
        body: Value,
    },
}

impl Credentials {
    /// What an account comes to.
    pub(super) fn of(account: &Account) -> Result<Self, Failure> {
        let get = |name: &str| account.auth.get(name);
        let needed = |name: &str, why: &str| {
            let missing = || {
                Failure::Usage(format!(
                    "auth.{name} is missing, which {why} needs (OS_{})",
                    name.to_uppercase()
                ))
            };
            get(name).cloned().ok_or_else(missing)
        };
        let kind = match account.auth_type.as_deref() {
            Some(kind) => kind,
            None if account.is_nobody() => "none",
            None if get("application_credential_secret").is_some() => "v3applicationcredential",
            None if get("token").is_some() && get("auth_url").is_none() => "admin_token",
            None if get("token").is_some() && get("password").is_none() => "token",
            None => "password",
        };
        let identity = match kind {
            "none" | "noauth" => return Ok(Self::None),
            "admin_token" => return Ok(Self::Token(needed("token", kind)?)),
            "token" | "v3token" => json!({"methods": ["token"], "token": {"id": needed("token", kind)?}}),
            "password" | "v3password" => {
                let mut user = user(&account.auth, kind)?;
                user.insert("password".to_owned(), needed("password", kind)?.into());
                json!({"methods": ["password"], "password": {"user": user}})
            }
            "v3applicationcredential" => {
                let mut credential = BTreeMap::new();
                credential.insert("secret", Value::from(needed("application_credential_secret", kind)?));
                if let Some(id) = get("application_credential_id") {
                    credential.insert("id", id.as_str().into());
                } else {
                    credential.insert("name", needed("application_credential_name", kind)?.into());
                    credential.insert("user", json!(user(&account.auth, kind)?));
                }
                json!({"methods": ["application_credential"], "application_credential": credential})
            }
            other => {
                let known = "password, token, v3applicationcredential, admin_token, none";
                return Err(Failure::Usage(format!(
                    "auth_type '{other}' is not offered; there are: {known}"
                )));
            }
        };
        let url = needed("auth_url", kind)?;
        let url = url.trim_end_matches('/');
        let url = if url.ends_with("/v3") {
            url.to_owned()
        } else {
            format!("{}/v3", url.trim_end_matches("/v2.0"))
        };
        let mut auth = json!({"identity": identity});
        // An application credential knows its project.
        if kind != "v3applicationcredential"
            && let (Some(scope), Some(auth)) = (scope(&account.auth), auth.as_object_mut())
        {
            auth.insert("scope".to_owned(), scope);
        }
        Ok(Self::Keystone { url, body: json!({"auth": auth}) })
    }
}

type Auth = BTreeMap<String, String>;

fn domain(auth: &Auth, of: &str) -> Value {
    let told =
        |name: &str| auth.get(&format!("{of}_{name}")).or_else(|| auth.get(&format!("default_{name}")));
    match (told("domain_id"), told("domain_name")) {
        (Some(id), _) => json!({"id": id}),
        (None, Some(name)) => json!({"name": name}),
        // What Keystone calls the domain that it begins with.
        (None, None) => json!({"id": "default"}),
    }
}

fn user(auth: &Auth, kind: &str) -> Result<serde_json::Map<String, Value>, Failure> {
    let user = match (auth.get("user_id"), auth.get("username")) {
        (Some(id), _) => json!({"id": id}),
        (None, Some(name)) => json!({"name": name, "domain": domain(auth, "user")}),
        (None, None) => {
            let text = format!("auth.username is missing, which {kind} needs (OS_USERNAME)");
            return Err(Failure::Usage(text));
        }
    };
    Ok(user.as_object().cloned().unwrap_or_default())
}

fn scope(auth: &Auth) -> Option<Value> {
    if auth.get("system_scope").is_some_and(|scope| scope == "all") {
        return Some(json!({"system": {"all": true}}));
    }
    match (auth.get("project_id"), auth.get("project_name")) {
        (Some(id), _) => return Some(json!({"project": {"id": id}})),
        (None, Some(name)) => {
            return Some(json!({"project": {"name": name, "domain": domain(auth, "project")}}));
        }
        (None, None) => {}
    }
    let domain = auth.get("domain_id").map(|id| json!({"id": id}));
    let domain = domain.or_else(|| auth.get("domain_name").map(|name| json!({"name": name})));
    domain.map(|domain| json!({"domain": domain}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(auth_type: Option<&str>, auth: &[(&str, &str)]) -> Account {
        let auth = auth.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Account { auth, auth_type: auth_type.map(str::to_owned), ..Account::default() }
    }

    fn body(auth_type: Option<&str>, auth: &[(&str, &str)]) -> String {
        let mut auth = auth.to_vec();
        auth.push(("auth_url", "http://k/v3/"));
        match Credentials::of(&account(auth_type, &auth)) {
            Ok(Credentials::Keystone { url, body }) if url == "http://k/v3" => body["auth"].to_string(),
            Err(Failure::Usage(text)) => text,
            _ => panic!("Keystone is not asked"),
        }
    }

    #[test]
    fn keystone_is_shown_what_the_account_has() {
        let ann =
            [("username", "ann"), ("password", "p"), ("project_name", "demo"), ("user_domain_name", "d")];
        assert_eq!(
            body(None, &ann),
            r#"{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"d"},"name":"ann","password":"p"}}},"scope":{"project":{"domain":{"id":"default"},"name":"demo"}}}"#
        );
        assert_eq!(
            body(Some("v3token"), &[("token", "t"), ("project_id", "p1")]),
            r#"{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"project":{"id":"p1"}}}"#
        );
        let secret = ("application_credential_secret", "s");
        assert_eq!(
            body(None, &[secret, ("application_credential_id", "c"), ("project_id", "p1")]),
            r#"{"identity":{"application_credential":{"id":"c","secret":"s"},"methods":["application_credential"]}}"#
        );
        assert_eq!(
            body(None, &[secret, ("application_credential_name", "c"), ("user_id", "u")]),
            r#"{"identity":{"application_credential":{"name":"c","secret":"s","user":{"id":"u"}},"methods":["application_credential"]}}"#
        );
        let system = [("user_id", "u"), ("password", "p"), ("system_scope", "all")];
        assert!(body(None, &system).ends_with(r#""scope":{"system":{"all":true}}}"#));
    }

    #[test]
    fn keystone_is_not_always_asked() {
        assert!(Credentials::of(&Account::default()) == Ok(Credentials::None));
        assert!(Credentials::of(&account(Some("none"), &[("auth_url", "x")])) == Ok(Credentials::None));
        let token = Credentials::Token("t".to_owned());
        assert!(Credentials::of(&account(None, &[("token", "t")])) == Ok(token));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (auth_type, auth, says) in [
            (
                None,
                &[("username", "ann")][..],
                "auth.password is missing, which password needs (OS_PASSWORD)",
            ),
            (None, &[("password", "p")], "auth.username is missing, which password needs (OS_USERNAME)"),
            (
                Some("v3oidcpassword"),
                &[],
                "auth_type 'v3oidcpassword' is not offered; there are: password, token, v3applicationcredential, admin_token, none",
            ),
        ] {
            assert_eq!(body(auth_type, auth), says);
        }
        let Err(Failure::Usage(text)) =
            Credentials::of(&account(None, &[("username", "a"), ("password", "p")]))
        else {
            panic!("it was taken")
        };
        assert_eq!(text, "auth.auth_url is missing, which password needs (OS_AUTH_URL)");
    }
}
