//! What can be done to a custom property.

use crate::error::Error;

/// What can be done to a custom property, for protections tell these apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyAction {
    /// Giving an image one it does not have.
    Create,
    /// Seeing it.
    Read,
    /// Giving it another value.
    Update,
    /// Taking it away.
    Delete,
}

impl PropertyAction {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    /// As files of protections say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The answer to who does what protections keep for others.
pub(crate) fn protected(name: &str) -> Error {
    Error::Forbidden(format!("Property '{name}' is protected."))
}
