//! By which credentials Keystone is asked: for itself, and for the tokens of Swift.

use super::Secret;

/// An application credential, or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsConfig {
    /// Id of an application credential.
    pub application_credential_id: Option<String>,
    /// Its secret.
    pub application_credential_secret: Option<Secret>,
    /// A user, when there is no application credential; of Swift's own tokens, with its account.
    pub username: Option<String>,
    /// The user's password; of Swift's own tokens, the key.
    pub password: Option<Secret>,
    /// Name of the user's domain.
    pub user_domain_name: String,
    /// The user's project.
    pub project_name: Option<String>,
    /// Name of the project's domain.
    pub project_domain_name: String,
}

impl Default for CredentialsConfig {
    fn default() -> Self {
        Self {
            application_credential_id: None,
            application_credential_secret: None,
            username: None,
            password: None,
            user_domain_name: "Default".to_owned(),
            project_name: None,
            project_domain_name: "Default".to_owned(),
        }
    }
}
