//! Object keys.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{ImageId, InvalidId, Ulid};

/// An object's key in its store: `<image id>/<ulid>`. Made once for each attempt to write an image, never reused, so
/// an object never changes and a late writer cannot overwrite another's bytes.
///
/// An object that others have written and registered lies under another name. Its key has that name beside, and is otherwise as
/// any: rows, logs and URLs of this service know it without the name, which may hold a signed query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct ObjectKey {
    image: ImageId,
    blob: Ulid,
    name: Option<Name>,
}

impl ObjectKey {
    /// The key of one attempt to write one image.
    pub fn new(image: ImageId, blob: Ulid) -> Self {
        Self { image, blob, name: None }
    }

    /// The same, of an object that lies where its store calls it so: of a bucket, the whole key; of an `http` store, the whole URL.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(Name(name.into())), ..self }
    }

    /// The image whose bytes lie there.
    pub fn image(&self) -> &ImageId {
        &self.image
    }

    /// The attempt.
    pub fn blob(&self) -> &Ulid {
        &self.blob
    }

    /// Where the object lies, if it was registered: an adapter that has objects of others goes by this, and all others by the
    /// key alone, under which they have nothing.
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &*name.0)
    }
}

/// Without the name.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.image, self.blob)
    }
}

/// What others call an object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Name(Arc<str>);

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A key as records have it: behind a blank follows the name, if there is one.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Kept(String);

impl TryFrom<Kept> for ObjectKey {
    type Error = InvalidObjectKey;

    fn try_from(Kept(text): Kept) -> Result<Self, InvalidObjectKey> {
        match text.split_once(' ') {
            Some((key, name)) => Ok(Self::try_from(key.to_owned())?.named(name)),
            None => text.try_into(),
        }
    }
}

impl From<ObjectKey> for Kept {
    fn from(key: ObjectKey) -> Self {
        Self(match key.name() {
            Some(name) => format!("{key} {name}"),
            None => key.to_string(),
        })
    }
}

/// Reads a key of ours: no text that came from elsewhere has a name in it.
impl TryFrom<String> for ObjectKey {
    type Error = InvalidObjectKey;

    fn try_from(text: String) -> Result<Self, InvalidObjectKey> {
        let (image, blob) = text.split_once('/').ok_or(InvalidObjectKey::Form)?;
        Ok(Self::new(image.parse()?, blob.parse()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_the_name_and_nothing_else_tells_it() {
        let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
        for key in [key.clone(), key.clone().named("https://images.example/a b?secret=1")] {
            let kept = serde_json::to_string(&key).unwrap();
            let read: ObjectKey = serde_json::from_str(&kept).unwrap();
            assert_eq!((read.name(), &read), (key.name(), &key));
            assert_eq!(kept.contains("secret"), key.name().is_some());
            assert!(!format!("{key} {key:?}").contains("secret"));
        }
        let from_elsewhere = format!("{key} https://images.example/a");
        assert!(ObjectKey::try_from(from_elsewhere).is_err());
    }
}
