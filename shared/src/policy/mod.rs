//! Who may do what: Glance's default rules as one table.
//!
//! An image that the caller may not see is answered as absent; one that is seen but may not be changed, as forbidden.
//! Every rule is for tokens of a project: those of the system or of a domain are refused before it is asked.

mod check;
mod document;
mod names;
mod operation;
mod protection;
mod rule;
mod rules;
mod target;

use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::identity::{Caller, Scope};
use crate::image::{Image, PropertyAction, Visibility, protected};

pub use operation::Operation;
pub use protection::{ProtectionFormat, Protections};
pub use rules::{Rules, RulesError};
pub use target::Target;

/// The rules in force. Clones are one policy: what one is given, all of them have.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Arc<RwLock<Arc<Rules>>>,
    protections: Option<Arc<(Protections, ProtectionFormat)>>,
}

impl Policy {
    /// A policy of these rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules: Arc::new(RwLock::new(Arc::new(rules))), protections: None }
    }

    /// The same policy, with custom properties protected.
    #[must_use]
    pub fn protecting(self, protections: Protections, format: ProtectionFormat) -> Self {
        Self { protections: Some(Arc::new((protections, format))), ..self }
    }

    /// Puts other rules in force. A request that is under way may be judged by both.
    pub fn replace(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the rule of an operation lets the caller through.
    pub fn allows(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> bool {
        in_scope(caller) && self.rules().allows(operation, caller, target)
    }

    /// Whether the caller is an administrator: one whom `context_is_admin` lets through.
    pub fn is_admin(&self, caller: &Caller) -> bool {
        in_scope(caller) && self.rules().is_admin(caller)
    }

    /// Whether the caller may do this to the custom property of a name.
    pub fn may(&self, caller: &Caller, action: PropertyAction, name: &str) -> bool {
        self.protections.as_deref().is_none_or(|(protections, format)| {
            protections.allow(*format, &self.rules(), caller, action, name)
        })
    }

    /// The image as the caller may see it: without the custom properties they may not read.
    pub fn readable(&self, caller: &Caller, mut image: Image) -> Image {
        if self.protections.is_some() {
            image.properties.retain(|name, _| self.may(caller, PropertyAction::Read, name));
        }
        image
    }

    /// Lets the caller register an image with its custom properties.
    ///
    /// # Errors
    /// `Forbidden`, naming the first that they may not create.
    pub fn check_properties(&self, caller: &Caller, image: &Image) -> Result<()> {
        match image.properties.keys().find(|name| !self.may(caller, PropertyAction::Create, name)) {
            None => Ok(()),
            Some(name) => Err(protected(name)),
        }
    }

    /// Whether the caller may see an image at all, whatever rules say of it.
    pub fn sees(&self, caller: &Caller, target: Target<'_>) -> bool {
        let Some(image) = target.existing() else { return true };
        image.owner.is_none()
            || matches!(image.visibility, Visibility::Public | Visibility::Community)
            || owns(caller, image)
            || (image.visibility == Visibility::Shared && target.shared_with(caller))
            || self.is_admin(caller)
    }

    /// Lets the caller through, or says why not. An image has to be live, too, and the caller has to see it.
    ///
    /// # Errors
    /// `Forbidden` when the rule refuses, or the token is not a project's; `NotFound` instead when the caller may not know
    /// that the image is there.
    pub fn check(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> Result<()> {
        self.check_scope(caller)?;
        let hidden = |image: &Image| !image.status.is_live() || !self.sees(caller, target);
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
