//! What a rule is asked about.

use crate::id::ProjectId;
use crate::identity::Caller;
use crate::image::{Image, Visibility};

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    what: What<'a>,
    is_member: bool,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Image(&'a Image),
    NewImage(&'a Image),
    Own,
    Nothing,
}

impl<'a> Target<'a> {
    /// An image, as who is no member of it meets it.
    pub const fn image(image: &'a Image) -> Self {
        Self { what: What::Image(image), is_member: false }
    }

    /// An image that is to be registered. Rules know its owner and its visibility, and no more.
    pub const fn new_image(image: &'a Image) -> Self {
        Self { what: What::NewImage(image), is_member: false }
    }

    /// What the caller's own project has: the target of lists, of tasks and of stores.
    pub const fn own() -> Self {
        Self { what: What::Own, is_member: false }
    }

    /// Nothing: for rules that speak of roles alone.
    pub const fn nothing() -> Self {
        Self { what: What::Nothing, is_member: false }
    }

    /// The same image, shared with the caller's project or not.
    #[must_use]
    pub const fn shared(self, is_member: bool) -> Self {
        Self { is_member, ..self }
    }

    /// The image that is there already.
    pub(super) const fn existing(self) -> Option<&'a Image> {
        match self.what {
            What::Image(image) => Some(image),
            What::NewImage(_) | What::Own | What::Nothing => None,
        }
    }

    pub(super) const fn visibility(self) -> Option<Visibility> {
        match self.what {
            What::Image(image) | What::NewImage(image) => Some(image.visibility),
            What::Own | What::Nothing => None,
        }
    }

    /// Whether it belongs to the caller's project. What is nobody's is not the caller's who has no project either.
    pub(super) fn owned_by(self, caller: &Caller) -> bool {
        match self.what {
            What::Image(image) | What::NewImage(image) => owned(image.owner.as_ref(), caller),
            What::Own => true,
            What::Nothing => false,
        }
    }

    /// Whether it is shared with the caller's project.
    pub(super) fn shared_with(self, caller: &Caller) -> bool {
        self.is_member && caller.project().is_some()
    }
}

pub(super) fn owned(owner: Option<&ProjectId>, caller: &Caller) -> bool {
    owner.is_some() && owner == caller.project()
}
