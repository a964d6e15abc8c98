//! Tokens of tests, and who believes them. The authorizer of `tests/cloud` is built from this file too.

use async_trait::async_trait;
use shared::identity::Caller;
use shared::ports::{Identity, IdentityError};

/// Believes every token that is one: `project:role,role`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenSays;

#[async_trait]
impl Identity for TokenSays {
    async fn identify(&self, token: Option<&str>) -> Result<Caller, IdentityError> {
        token.and_then(caller).ok_or(IdentityError::Unauthenticated)
    }
}

/// Who a token stands for. Nothing before the colon is no project; the user is the token itself.
pub fn caller(token: &str) -> Option<Caller> {
    let (project, roles) = token.split_once(':')?;
    Some(Caller::new(project.parse().ok(), Some(token.to_owned()), roles.split(',')))
}
