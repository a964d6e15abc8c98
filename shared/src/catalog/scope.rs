//! The sets of images that lists are read from.

use crate::id::ProjectId;
use crate::image::{Image, Visibility};

/// A set of images that is kept in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every image.
    All,
    /// Public images.
    Public,
    /// Community images.
    Community,
    /// One project's images.
    Owner(ProjectId),
}

impl Scope {
    /// The scopes an image is in. A deleted image is in none.
    pub(super) fn of(image: &Image) -> Vec<Self> {
        if !image.status.is_live() {
            return Vec::new();
        }
        let by_visibility = match image.visibility {
            Visibility::Public => Some(Self::Public),
            Visibility::Community => Some(Self::Community),
            Visibility::Shared | Visibility::Private => None,
        };
        [Some(Self::All), image.owner.clone().map(Self::Owner), by_visibility].into_iter().flatten().collect()
    }
}
