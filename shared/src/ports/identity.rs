//! Who is calling.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Cause;
use crate::identity::Caller;

/// Turns a token into who holds it.
#[async_trait]
pub trait Identity: Debug + Send + Sync {
    /// Tells who calls. `token` is the request's `X-Auth-Token`, when it has one.
    async fn identify(&self, token: Option<&str>) -> Result<Caller, IdentityError>;
}

/// Why nobody could be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No token, or one that is not valid.
    #[error("the request you have made requires authentication")]
    Unauthenticated,
    /// The identity service cannot be asked now.
    #[error("the identity service is unavailable")]
    Unavailable(#[source] Cause),
}
