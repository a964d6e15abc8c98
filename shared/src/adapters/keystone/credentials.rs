//! By what the service itself is known to Keystone.

use std::fmt;

use serde_json::{Value, json};

/// Who asks Keystone. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// An application credential, which knows its user and project.
    Application {
        /// Its id.
        id: String,
        /// Its secret.
        secret: String,
    },
    /// A user in a project.
    Password {
        /// The user's name.
        username: String,
        /// The user's password.
        password: String,
        /// Name of the user's domain.
        user_domain_name: String,
        /// Name of the project.
        project_name: String,
        /// Name of the project's domain.
        project_domain_name: String,
    },
}

/// What the service's own token is to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters) enum Reach {
    /// The user's project: enough to validate tokens.
    Project,
    /// The whole deployment, as Keystone asks of who reads everybody's limits. An application credential cannot have it and
    /// keeps its project.
    System,
}

impl Credentials {
    /// The body of `POST /v3/auth/tokens`.
    pub(super) fn request(&self, reach: Reach) -> Value {
        match self {
            Self::Application { id, secret } => json!({"auth": {"identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret},
            }}}),
            Self::Password { username, password, user_domain_name, project_name, project_domain_name } => {
                let project = json!({"name": project_name, "domain": {"name": project_domain_name}});
                let scope = match reach {
                    Reach::Project => json!({"project": project}),
                    Reach::System => json!({"system": {"all": true}}),
                };
                let user =
                    json!({"name": username, "domain": {"name": user_domain_name}, "password": password});
                json!({"auth": {
                    "identity": {"methods": ["password"], "password": {"user": user}},
                    "scope": scope,
                }})
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application { id, .. } => {
                f.debug_struct("Application").field("id", id).finish_non_exhaustive()
            }
            Self::Password { username, project_name, .. } => f
                .debug_struct("Password")
                .field("username", username)
                .field("project_name", project_name)
                .finish_non_exhaustive(),
        }
    }
}
