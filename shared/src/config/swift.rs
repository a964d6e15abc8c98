//! How Swift is asked: by whom, and where its tokens come from.

use super::{CredentialsConfig, Secret};

/// What a store in Swift is told, beside what all stores in a container are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwiftConfig {
    /// URL of who gives tokens.
    pub auth_url: Option<String>,
    /// How they are asked for.
    pub auth_version: AuthVersion,
    /// By whose credentials.
    pub credentials: CredentialsConfig,
    /// Which of an endpoint's URLs is asked.
    pub interface: Interface,
    /// Whether manifests can name manifests.
    pub nested_manifests: bool,
    /// What URLs that read objects are signed by.
    pub temp_url_key: Option<Secret>,
}

/// How tokens are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthVersion {
    /// Of Keystone.
    V3,
    /// Of Swift itself: tempauth, Ceph.
    V1,
}

/// Which of an endpoint's URLs in Keystone's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// For everybody.
    Public,
    /// For other services.
    Internal,
    /// For administrators.
    Admin,
}

impl Interface {
    /// As the catalogue has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

impl Default for SwiftConfig {
    fn default() -> Self {
        Self {
            auth_url: None,
            auth_version: AuthVersion::V3,
            credentials: CredentialsConfig::default(),
            interface: Interface::Public,
            nested_manifests: true,
            temp_url_key: None,
        }
    }
}

impl SwiftConfig {
    /// What does not fit the rest: the key of the store to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let user = self.credentials.username.is_some() && self.credentials.password.is_some();
        let application = self.credentials.application_credential_id.is_some()
            && self.credentials.application_credential_secret.is_some();
        let is_v1 = self.auth_version == AuthVersion::V1;
        if self.auth_url.is_none() {
            return Some(("auth_url", "must say who gives tokens when the store's adapter is swift"));
        }
        if is_v1 && !user {
            return Some(("username", "must be set together with password when auth_version is 1"));
        }
        let by_password = user && self.credentials.project_name.is_some();
        if !is_v1 && !application && !by_password {
            let why = "must be set together with its secret, or else username, password and project_name";
            return Some(("application_credential_id", why));
        }
        None
    }
}
