//! How Keystone is asked: where, by which credentials, and how long its answers are believed.

use std::fmt;
use std::path::PathBuf;

use super::{CredentialsConfig, IdentityMode};

/// How Keystone is asked in mode `keystone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeystoneConfig {
    /// URL of Keystone.
    pub auth_url: Option<String>,
    /// URL of Keystone as clients reach it.
    pub www_authenticate_uri: Option<String>,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// By whose credentials.
    pub credentials: CredentialsConfig,
    /// How long a validated token is believed.
    pub cache_seconds: u64,
    /// How long an answer may take.
    pub timeout_seconds: u64,
    /// Roles of services for whom an expired token is accepted, separated by commas.
    pub service_roles: String,
    /// The image endpoint whose limits count.
    pub endpoint_id: Option<String>,
}

/// A text that is used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for who is to be told it and nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Default for KeystoneConfig {
    fn default() -> Self {
        Self {
            auth_url: None,
            www_authenticate_uri: None,
            ca_file: None,
            credentials: CredentialsConfig::default(),
            cache_seconds: 60,
            timeout_seconds: 5,
            service_roles: "service".to_owned(),
            endpoint_id: None,
        }
    }
}

impl KeystoneConfig {
    /// URL of Keystone that a 401 names.
    pub fn uri(&self) -> Option<String> {
        self.www_authenticate_uri.clone().or_else(|| self.auth_url.clone())
    }

    /// What does not fit the rest: the key to change, and why.
    pub(super) fn fault(&self, mode: IdentityMode) -> Option<(&'static str, String)> {
        let id = (
            "identity.keystone.application_credential_id",
            self.credentials.application_credential_id.is_some(),
        );
        let secret = (
            "identity.keystone.application_credential_secret",
            self.credentials.application_credential_secret.is_some(),
        );
        let user = ("identity.keystone.username", self.credentials.username.is_some());
        let password = ("identity.keystone.password", self.credentials.password.is_some());
        let project = ("identity.keystone.project_name", self.credentials.project_name.is_some());
        let (by_credential, by_user) = (id.1 || secret.1, user.1 || password.1 || project.1);
        let told = |key, why: &str| Some((key, why.to_owned()));
        if by_credential && by_user {
            let key = [user, password, project].into_iter().find(|(_, given)| *given)?.0;
            return told(
                key,
                "must not be set beside identity.keystone.application_credential_id: Glint is one of the two",
            );
        }
        for part in [id, secret].into_iter().filter(|_| by_credential) {
            if !part.1 {
                return told(part.0, "must be set: an application credential has an id and a secret");
            }
        }
        for part in [user, password, project].into_iter().filter(|_| by_user) {
            if !part.1 {
                return told(part.0, "must be set: a user has a name, a password and a project");
            }
        }
        if mode == IdentityMode::Keystone && self.auth_url.is_none() {
            return told(
                "identity.keystone.auth_url",
                "must be the URL of Keystone when identity.mode is keystone",
            );
        }
        if mode == IdentityMode::Keystone && !by_credential && !by_user {
            let why = "must be set, with its secret, when identity.mode is keystone; or else identity.keystone.username";
            return told(id.0, why);
        }
        None
    }
}
