//! What a rule is asked about.

use std::borrow::Cow;

use crate::id::ProjectId;
use crate::identity::Caller;
use crate::image::{ContainerFormat, DiskFormat, Image, Visibility};

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
        match self.of_image() {
            Some(image) => Some(image.visibility),
            None => None,
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

    /// What a rule's `%(name)s` stands for.
    pub(super) fn attribute(self, name: &str, caller: &'a Caller) -> Attribute<'a> {
        match (self.what, name) {
            (What::Image(_) | What::NewImage(_), "owner" | "project_id") => {
                Attribute::of(self.of_image().and_then(|image| image.owner.as_ref()).map(ProjectId::as_str))
            }
            (What::Own, "owner" | "project_id") => Attribute::of(caller.project().map(ProjectId::as_str)),
            (What::NewImage(image), "visibility") => Attribute::word(image.visibility.name()),
            (_, "member" | "member_id") => {
                let member = caller.project().filter(|_| self.shared_with(caller));
                Attribute::of(member.map(ProjectId::as_str))
            }
            (What::Image(image), _) => Attribute::of_image(image, name),
            (What::NewImage(_) | What::Own | What::Nothing, _) => Attribute::Unknown,
        }
    }

    /// Whether an attribute of this name is the caller's project, which may be none.
    pub(super) fn is_callers_project(self, name: &str) -> bool {
        matches!(self.what, What::Own) && matches!(name, "owner" | "project_id")
    }

    const fn of_image(self) -> Option<&'a Image> {
        match self.what {
            What::Image(image) | What::NewImage(image) => Some(image),
            What::Own | What::Nothing => None,
        }
    }

    /// Whether it is shared with the caller's project.
    pub(super) fn shared_with(self, caller: &Caller) -> bool {
        self.is_member && caller.project().is_some()
    }
}

/// An attribute of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribute<'a> {
    /// The target has no such attribute.
    Unknown,
    /// It has no value.
    Null,
    /// Its value, as Python writes one.
    Text(Cow<'a, str>),
}

impl<'a> Attribute<'a> {
    fn of(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::word)
    }

    const fn word(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn number(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Null, |number| Self::Text(Cow::Owned(number.into().to_string())))
    }

    const fn flag(flag: bool) -> Self {
        Self::word(if flag { "True" } else { "False" })
    }

    fn of_image(image: &'a Image, name: &str) -> Self {
        let digests = image.digests.as_ref();
        match name {
            "id" | "image_id" => Self::word(image.id.as_str()),
            "name" => Self::of(image.name.as_deref()),
            "status" => Self::word(image.status.name()),
            "visibility" => Self::word(image.visibility.name()),
            "protected" => Self::flag(image.protected),
            "os_hidden" => Self::flag(image.os_hidden),
            "disk_format" => Self::of(image.disk_format.map(DiskFormat::name)),
            "container_format" => Self::of(image.container_format.map(ContainerFormat::name)),
            "min_disk" => Self::number(Some(image.min_disk)),
            "min_ram" => Self::number(Some(image.min_ram)),
            "size" => Self::number(image.size),
            "virtual_size" => Self::number(image.virtual_size),
            "checksum" => Self::of(digests.map(|digests| digests.md5.as_str())),
            "os_hash_value" => Self::of(image.secure_hash().map(|(_, value)| value)),
            _ => image.properties.get(name).map_or(Self::Unknown, |value| Self::word(value)),
        }
    }
}

pub(super) fn owned(owner: Option<&ProjectId>, caller: &Caller) -> bool {
    owner.is_some() && owner == caller.project()
}
