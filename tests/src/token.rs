//! Tokens of tests, and who believes them. The authorizer of `tests/cloud` is built from this file too.

use async_trait::async_trait;
use shared::identity::{Caller, Scope};
use shared::ports::{Identity, IdentityError, Tokens};

/// Believes every token that is one: `project:role,role`. A service's token is one too, and adds its roles.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenSays;

#[async_trait]
impl Identity for TokenSays {
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        let user = tokens.user.and_then(caller).ok_or(IdentityError::Unauthenticated)?;
        let Some(service) = tokens.service else { return Ok(user) };
        let (_, roles) = service.split_once(':').ok_or(IdentityError::Unauthenticated)?;
        Ok(user.through_service(roles.split(',')))
    }
}

/// Who a token stands for. Nothing before the colon is no project, `<system>` and `<domain>` are scopes of their own; the user is
/// the token itself.
pub fn caller(token: &str) -> Option<Caller> {
    let (project, roles) = token.split_once(':')?;
    let caller = |project| Caller::new(project, Some(token.to_owned()), roles.split(','));
    Some(match project {
        "<system>" => caller(None).scoped(Scope::System),
        "<domain>" => caller(None).scoped(Scope::Domain),
        _ => caller(project.parse().ok()),
    })
}
