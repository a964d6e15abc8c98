//! Who is calling, once their token was validated.

mod context;
mod token;

use std::collections::{BTreeMap, BTreeSet};

pub use context::UNAVAILABLE;
pub use token::Token;

use crate::id::ProjectId;

/// Who calls. Operations take one first, so a call that nobody authenticated does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    scope: Scope,
    user: Option<String>,
    roles: BTreeSet<String>,
    service_roles: BTreeSet<String>,
    limits: Option<BTreeMap<String, i64>>,
}

/// What a token is good for (Identity API v3, "Token scope").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One project.
    Project(ProjectId),
    /// A domain, and no project in it.
    Domain,
    /// The deployment as a whole.
    System,
    /// Nothing yet.
    Unscoped,
}

impl Caller {
    /// A caller as the identity service describes one. Roles are compared in lower case.
    pub fn new(
        project: Option<ProjectId>,
        user: Option<String>,
        roles: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let scope = project.map_or(Scope::Unscoped, Scope::Project);
        Self { scope, user, roles: lower(roles), service_roles: BTreeSet::new(), limits: None }
    }

    /// The same caller, by a token of another scope.
    #[must_use]
    pub fn scoped(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The same caller, on whose behalf a service calls that has these roles (`X-Service-Token`).
    #[must_use]
    pub fn through_service(self, roles: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { service_roles: lower(roles), ..self }
    }

    /// The same caller, with the limits of the caller's project, by resource and in its unit: told by who could ask for them.
    #[must_use]
    pub fn limited(self, limits: BTreeMap<String, i64>) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// What the caller's project may have of each resource, where that was told with the caller; a negative limit is none.
    pub fn limits(&self) -> Option<&BTreeMap<String, i64>> {
        self.limits.as_ref()
    }

    /// What the caller's token is good for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The project the caller acts for.
    pub fn project(&self) -> Option<&ProjectId> {
        match &self.scope {
            Scope::Project(project) => Some(project),
            Scope::Domain | Scope::System | Scope::Unscoped => None,
        }
    }

    /// The user, for logs and events.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether the caller has a role, named in lower case.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// Whether the service that calls on the caller's behalf has a role, named in lower case.
    pub fn has_service_role(&self, role: &str) -> bool {
        self.service_roles.contains(role)
    }
}

fn lower(roles: impl IntoIterator<Item = impl AsRef<str>>) -> BTreeSet<String> {
    roles.into_iter().map(|role| role.as_ref().to_lowercase()).collect()
}
