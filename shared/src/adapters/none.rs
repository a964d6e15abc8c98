//! Mode `none`: nobody is asked who they are. For one machine and its user.

use std::sync::Arc;

use async_trait::async_trait;

use crate::id::ProjectId;
use crate::identity::Caller;
use crate::ports::{Identity, IdentityError, Limits, LimitsError, ProjectLimits, Tokens};

/// Takes everybody for the administrator of one project.
#[derive(Clone, Debug)]
pub struct NoIdentity {
    caller: Caller,
}

impl NoIdentity {
    /// With the project everybody acts for.
    pub fn new(project: ProjectId) -> Self {
        // The default policy asks for each of the three by name; Keystone would imply the lower two.
        Self { caller: Caller::new(Some(project), Some("admin".to_owned()), ["admin", "member", "reader"]) }
    }
}

/// Takes nobody for anybody: for a host whose gateway has told who calls before a request arrives.
#[derive(Clone, Debug, Default)]
pub struct ToldByGateway {
    /// What a 401 names.
    pub authenticate_at: Option<String>,
}

/// Gives every project the same.
#[derive(Clone, Debug, Default)]
pub struct SameLimits(pub Arc<ProjectLimits>);

#[async_trait]
impl Identity for NoIdentity {
    async fn identify(&self, _tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        Ok(self.caller.clone())
    }
}

#[async_trait]
impl Identity for ToldByGateway {
    async fn identify(&self, _tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        Err(IdentityError::Unauthenticated)
    }

    fn authenticate_at(&self) -> Option<&str> {
        self.authenticate_at.as_deref()
    }
}

#[async_trait]
impl Limits for SameLimits {
    async fn of(&self, _project: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        Ok(Arc::clone(&self.0))
    }
}
