//! Object keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, InvalidId, Ulid};

/// An object's key in its store: `<image id>/<ulid>`. Made once for each attempt to write an image, never reused, so
/// an object never changes and a late writer cannot overwrite another's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey {
    image: ImageId,
    blob: Ulid,
}

impl ObjectKey {
    /// The key of one attempt to write one image.
    pub fn new(image: ImageId, blob: Ulid) -> Self {
        Self { image, blob }
    }

    /// The image whose bytes lie there.
    pub fn image(&self) -> &ImageId {
        &self.image
    }

    /// The attempt.
    pub fn blob(&self) -> &Ulid {
        &self.blob
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.image, self.blob)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidObjectKey;

    fn try_from(text: String) -> Result<Self, InvalidObjectKey> {
        let (image, blob) = text.split_once('/').ok_or(InvalidObjectKey::Form)?;
        Ok(Self { image: image.parse()?, blob: blob.parse()? })
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.to_string()
    }
}

/// Why a text is no object key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectKey {
    /// There is no `/` in it.
    #[error("an object key must be '<image id>/<ulid>'")]
    Form,
    /// One half of it is malformed.
    #[error(transparent)]
    Half(#[from] InvalidId),
}
