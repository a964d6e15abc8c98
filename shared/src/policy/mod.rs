//! Who may do what: Glance's default rules as one table.
//!
//! An image that the caller may not see is answered as absent; one that is seen but may not be changed, as forbidden.

use crate::error::{Error, Result};
use crate::identity::Caller;
use crate::image::{Image, Visibility};

/// What a caller wants to do. The names are those of Glance's policy rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `add_image`
    AddImage,
    /// `get_images`
    GetImages,
    /// `get_image`
    GetImage,
    /// `download_image`
    DownloadImage,
    /// `modify_image`
    ModifyImage,
    /// `delete_image`
    DeleteImage,
    /// `upload_image`
    UploadImage,
    /// `publicize_image`
    PublicizeImage,
    /// `communitize_image`
    CommunitizeImage,
    /// `tasks_api_access`
    TasksApiAccess,
    /// `stores_info_detail`
    StoresInfoDetail,
}

/// Who a rule lets through, beside administrators.
enum Rule {
    /// Nobody.
    Nobody,
    /// Role `service`.
    Service,
    /// Role `reader`, in any project.
    Reader,
    /// Role `reader`, of those who see the image.
    ReaderWhoSees,
    /// Role `member`, of those who see the image.
    MemberWhoSees,
    /// Role `member`, in the owner's project.
    MemberOfOwner,
}

const fn rule(operation: Operation) -> Rule {
    match operation {
        Operation::GetImages => Rule::Reader,
        Operation::GetImage => Rule::ReaderWhoSees,
        Operation::DownloadImage => Rule::MemberWhoSees,
        Operation::AddImage
        | Operation::ModifyImage
        | Operation::DeleteImage
        | Operation::UploadImage
        | Operation::CommunitizeImage => Rule::MemberOfOwner,
        Operation::PublicizeImage | Operation::TasksApiAccess => Rule::Nobody,
        Operation::StoresInfoDetail => Rule::Service,
    }
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    image: &'a Image,
    is_member: bool,
}

impl<'a> Target<'a> {
    /// An image, as who is no member of it meets it.
    pub const fn image(image: &'a Image) -> Self {
        Self { image, is_member: false }
    }

    /// The same image, shared with the caller's project or not.
    #[must_use]
    pub const fn shared(self, is_member: bool) -> Self {
        Self { is_member, ..self }
    }
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Policy {}

impl Policy {
    /// Whether the rule of an operation lets the caller through.
    pub fn allows(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> bool {
        caller.is_admin()
            || match rule(operation) {
                Rule::Nobody => false,
                Rule::Service => caller.has_role("service"),
                Rule::Reader => caller.has_role("reader"),
                Rule::ReaderWhoSees => caller.has_role("reader") && sees(caller, target),
                Rule::MemberWhoSees => caller.has_role("member") && sees(caller, target),
                Rule::MemberOfOwner => caller.has_role("member") && owns(caller, target.image),
            }
    }

    /// Lets the caller through to a live image, or says why not.
    ///
    /// # Errors
    /// `NotFound` when the caller may not see the image, `Forbidden` when the rule refuses.
    pub fn check(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> Result<()> {
        let image = target.image;
        if !image.status.is_live()
            || !sees(caller, target)
            || !self.allows(Operation::GetImage, caller, target)
        {
            return Err(not_found(image.id.as_str()));
        }
        if self.allows(operation, caller, target) { Ok(()) } else { Err(forbidden()) }
    }

    /// Lets the caller through to what has no image as its target.
    ///
    /// # Errors
    /// `Forbidden` when the rule refuses.
    pub fn check_access(&self, operation: Operation, caller: &Caller) -> Result<()> {
        let allowed = caller.is_admin()
            || match rule(operation) {
                Rule::Service => caller.has_role("service"),
                Rule::Reader => caller.has_role("reader"),
                Rule::Nobody | Rule::ReaderWhoSees | Rule::MemberWhoSees | Rule::MemberOfOwner => false,
            };
        if allowed { Ok(()) } else { Err(forbidden()) }
    }

    /// Lets the caller list images.
    ///
    /// # Errors
    /// `Forbidden` without role `reader`.
    pub fn check_list(&self, caller: &Caller) -> Result<()> {
        if caller.is_admin() || caller.has_role("reader") { Ok(()) } else { Err(forbidden()) }
    }
}

/// Whether the caller may see the image at all, whatever their roles.
pub fn sees(caller: &Caller, target: Target<'_>) -> bool {
    let image = target.image;
    caller.is_admin()
        || image.owner.is_none()
        || matches!(image.visibility, Visibility::Public | Visibility::Community)
        || owns(caller, image)
        || (image.visibility == Visibility::Shared && target.is_member)
}

/// Whether the image belongs to the caller's project.
pub fn owns(caller: &Caller, image: &Image) -> bool {
    image.owner.is_some() && image.owner.as_ref() == caller.project()
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
