//! Tokens that are kept while work is done in their names, so that nobody reads them who reads the table.

use std::fmt::Debug;

use super::Cause;
use crate::id::ImageId;
use crate::identity::Token;

/// Who seals tokens.
pub trait TokenSeals: Debug + Send + Sync {
    /// Seals a token for the import of an image. A second run gives another text.
    ///
    /// # Errors
    /// When there is no randomness.
    fn seal(&self, token: &Token, image: &ImageId) -> Result<String, Cause>;

    /// The token that was sealed for an image; nothing when it was for another, by another key, or was changed.
    fn open(&self, sealed: &str, image: &ImageId) -> Option<Token>;
}
