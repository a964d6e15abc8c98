//! Who may do what: Glance's default rules as one table.
//!
//! An image that the caller may not see is answered as absent; one that is seen but may not be changed, as forbidden.
//! Every rule is for tokens of a project: those of the system or of a domain are refused before it is asked.

mod operation;
mod rule;
mod target;

use crate::error::{Error, Result};
use crate::identity::{Caller, Scope};
use crate::image::{Image, Visibility};

pub use operation::Operation;
pub use target::Target;

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Policy {}

impl Policy {
    /// Whether the rule of an operation lets the caller through.
    pub fn allows(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> bool {
        in_scope(caller) && operation.rule().allows(caller, target)
    }

    /// Lets the caller through, or says why not. An image has to be live, too, and the caller has to see it.
    ///
    /// # Errors
    /// `Forbidden` when the rule refuses, or the token is not a project's; `NotFound` instead when the caller may not know
    /// that the image is there.
    pub fn check(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> Result<()> {
        self.check_scope(caller)?;
        let hidden = |image: &Image| !image.status.is_live() || !sees(caller, target);
        match target.existing() {
            Some(image) if hidden(image) => Err(not_found(image.id.as_str())),
            _ if self.allows(operation, caller, target) => Ok(()),
            Some(image) if !self.allows(Operation::GetImage, caller, target) => {
                Err(not_found(image.id.as_str()))
            }
            _ => Err(forbidden()),
        }
    }

    /// Lets the caller list images.
    ///
    /// # Errors
    /// `Forbidden` without role `reader`, or when the token is not a project's.
    pub fn check_list(&self, caller: &Caller) -> Result<()> {
        self.check(Operation::GetImages, caller, Target::own())
    }

    /// Refuses tokens of the system and of domains: to be asked before anything is read.
    ///
    /// # Errors
    /// `Forbidden`, naming the scope.
    pub fn check_scope(&self, caller: &Caller) -> Result<()> {
        let scope = match caller.scope() {
            Scope::Project(_) | Scope::Unscoped => return Ok(()),
            Scope::Domain => "a domain",
            Scope::System => "the system",
        };
        Err(Error::Forbidden(format!(
            "The token is scoped to {scope}; image operations need one that is scoped to a project."
        )))
    }
}

/// Whether the caller's token is one rules are for. One without any scope has no project, and nothing else either.
fn in_scope(caller: &Caller) -> bool {
    matches!(caller.scope(), Scope::Project(_) | Scope::Unscoped)
}

/// Whether the caller may see the image at all, whatever their roles.
pub fn sees(caller: &Caller, target: Target<'_>) -> bool {
    let Some(image) = target.existing() else { return true };
    caller.is_admin()
        || image.owner.is_none()
        || matches!(image.visibility, Visibility::Public | Visibility::Community)
        || owns(caller, image)
        || (image.visibility == Visibility::Shared && target.shared_with(caller))
}

/// Whether the image belongs to the caller's project.
pub fn owns(caller: &Caller, image: &Image) -> bool {
    target::owned(image.owner.as_ref(), caller)
}

/// The one answer for an image that is absent, deleted or hidden from the caller.
pub fn not_found(id: &str) -> Error {
    Error::NotFound(format!("No image found with ID {id}"))
}

/// The one answer for what a rule refuses.
pub fn forbidden() -> Error {
    Error::Forbidden("You are not authorized to complete this action.".to_owned())
}

#[cfg(test)]
mod tests;
