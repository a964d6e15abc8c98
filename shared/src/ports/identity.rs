//! Who is calling.

use std::fmt;

use async_trait::async_trait;

use super::Cause;
use crate::identity::Caller;

/// Turns what a request brings along into who sent it.
#[async_trait]
pub trait Identity: fmt::Debug + Send + Sync {
    /// Tells who calls.
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError>;

    /// URL of who gives tokens, for a 401 to name; nothing when there is nobody to name.
    fn authenticate_at(&self) -> Option<&str> {
        None
    }
}

/// The tokens of a request. `Debug` shows whether they are there, and never what they are.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens<'a> {
    /// `X-Auth-Token`: whose request it is.
    pub user: Option<&'a str>,
    /// `X-Service-Token`: the service that sends it on the user's behalf.
    pub service: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    /// Header of the user's token.
    pub const USER_HEADER: &'static str = "x-auth-token";
    /// Header of the service's token.
    pub const SERVICE_HEADER: &'static str = "x-service-token";

    /// The tokens of a request, from its headers by name. An empty one is none.
    ///
    /// # Errors
    /// [`IdentityError::Unauthenticated`] when one is no text, and so cannot be valid.
    pub fn of(header: impl Fn(&'static str) -> Option<&'a [u8]>) -> Result<Self, IdentityError> {
        let text = |name| {
            let bytes = header(name).filter(|bytes| !bytes.is_empty());
            let text = bytes.map(str::from_utf8).transpose();
            text.map_err(|_| IdentityError::Unauthenticated)
        };
        Ok(Self { user: text(Self::USER_HEADER)?, service: text(Self::SERVICE_HEADER)? })
    }

    /// The token of a user who calls without a service between.
    pub fn user(token: &'a str) -> Self {
        Self { user: Some(token), service: None }
    }
}

impl fmt::Debug for Tokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |token: Option<&str>| token.map(|_| "…");
        f.debug_struct("Tokens")
            .field("user", &shown(self.user))
            .field("service", &shown(self.service))
            .finish()
    }
}

/// Why nobody could be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No token, or one that is not valid; or a service's token that is not valid.
    #[error("the request you have made requires authentication")]
    Unauthenticated,
    /// The identity service cannot be asked now.
    #[error("the identity service is unavailable")]
    Unavailable(#[source] Cause),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_token_none_or_not_one() {
        let of = |value: Option<&'static [u8]>| {
            Tokens::of(|name| value.filter(|_| name == Tokens::SERVICE_HEADER))
        };
        for (value, service) in [(None, None), (Some(&b""[..]), None), (Some(b"t"), Some("t"))] {
            assert_eq!(of(value).unwrap(), Tokens { user: None, service });
        }
        assert!(of(Some(b"\xff")).is_err());
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", Tokens { user: Some("secret"), service: None });
        assert_eq!(shown, "Tokens { user: Some(\"…\"), service: None }");
    }
}
