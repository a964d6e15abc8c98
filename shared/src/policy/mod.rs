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
}

/// Who a rule lets through, beside administrators.
enum Rule {
    /// Nobody.
    Nobody,
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
        Operation::PublicizeImage => Rule::Nobody,
    }
}

/// Whether the caller may see the image at all, whatever their roles.
pub fn sees(caller: &Caller, image: &Image) -> bool {
    caller.is_admin()
        || image.owner.is_none()
        || matches!(image.visibility, Visibility::Public | Visibility::Community)
        || owns(caller, image)
}

/// Whether the image belongs to the caller's project.
pub fn owns(caller: &Caller, image: &Image) -> bool {
    image.owner.is_some() && image.owner.as_ref() == caller.project()
}

/// Whether the rule of an operation lets the caller through, on one image.
pub fn allows(operation: Operation, caller: &Caller, image: &Image) -> bool {
    caller.is_admin()
        || match rule(operation) {
            Rule::Nobody => false,
            Rule::Reader => caller.has_role("reader"),
            Rule::ReaderWhoSees => caller.has_role("reader") && sees(caller, image),
            Rule::MemberWhoSees => caller.has_role("member") && sees(caller, image),
            Rule::MemberOfOwner => caller.has_role("member") && owns(caller, image),
        }
}

/// Lets the caller through to a live image, or says why not.
///
/// # Errors
/// `NotFound` when the caller may not see the image, `Forbidden` when the rule refuses.
pub fn check(operation: Operation, caller: &Caller, image: &Image) -> Result<()> {
    if !image.status.is_live() || !sees(caller, image) || !allows(Operation::GetImage, caller, image) {
        return Err(not_found(image.id.as_str()));
    }
    if allows(operation, caller, image) { Ok(()) } else { Err(forbidden()) }
}

/// Lets the caller list images.
///
/// # Errors
/// `Forbidden` without role `reader`.
pub fn check_list(caller: &Caller) -> Result<()> {
    if caller.is_admin() || caller.has_role("reader") { Ok(()) } else { Err(forbidden()) }
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
