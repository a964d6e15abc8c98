//! Callers by role. In tests a token says who it is: `project:role,role`.

use async_trait::async_trait;
use shared::identity::Caller;
use shared::ports::{Identity, IdentityError};

/// The token of an administrator of another project than the images'.
pub const ADMIN: &str = "ops:admin,member,reader";
/// The token of a member of the project that owns the images.
pub const MEMBER: &str = "p1:member,reader";
/// The token of a reader of that project.
pub const READER: &str = "p1:reader";
/// The token of a member of a project that owns nothing.
pub const STRANGER: &str = "p2:member,reader";

/// Believes every token.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenSays;

#[async_trait]
impl Identity for TokenSays {
    async fn identify(&self, token: Option<&str>) -> Result<Caller, IdentityError> {
        token.and_then(caller).ok_or(IdentityError::Unauthenticated)
    }
}

/// Who a token stands for.
pub fn caller(token: &str) -> Option<Caller> {
    let (project, roles) = token.split_once(':')?;
    Some(Caller::new(project.parse().ok(), None, roles.split(',')))
}

/// The administrator.
#[expect(clippy::unwrap_used, reason = "the token is a constant of this file")]
pub fn admin() -> Caller {
    caller(ADMIN).unwrap()
}
