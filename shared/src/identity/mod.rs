//! Who is calling, once their token was validated.

mod context;

use std::collections::BTreeSet;

use crate::id::ProjectId;

/// Who calls. Operations take one first, so a call that nobody authenticated does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    project: Option<ProjectId>,
    user: Option<String>,
    roles: BTreeSet<String>,
}

impl Caller {
    /// A caller as the identity service describes one. Roles are compared in lower case.
    pub fn new(
        project: Option<ProjectId>,
        user: Option<String>,
        roles: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let roles = roles.into_iter().map(|role| role.as_ref().to_lowercase()).collect();
        Self { project, user, roles }
    }

    /// The project the caller acts for.
    pub fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    /// The user, for logs and events.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether the caller has a role, named in lower case.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// Whether the caller is an administrator of the cloud.
    pub fn is_admin(&self) -> bool {
        self.has_role("admin")
    }
}
