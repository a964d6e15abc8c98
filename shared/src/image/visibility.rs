//! Who may see an image.

use serde::{Deserialize, Serialize};

/// Who may see an image (API reference, "Image visibility").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody, and it is in everybody's list.
    Public,
    /// Everybody who knows the id; others' lists leave it out.
    Community,
    /// Its owner and its members: the default.
    #[default]
    Shared,
    /// Its owner.
    Private,
}

impl Visibility {
    /// Every visibility.
    pub const ALL: [Self; 4] = [Self::Community, Self::Public, Self::Private, Self::Shared];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Community => "community",
            Self::Shared => "shared",
            Self::Private => "private",
        }
    }

    /// Reads the API's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.name() == text)
    }
}
