//! Other regions of the same cloud, as a user's token knows them.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Cause;
use crate::identity::Token;
use crate::time::Timestamp;

/// Who knows the other regions.
#[async_trait]
pub trait Regions: Debug + Send + Sync {
    /// Where the image service of a region is asked in the token's name. Names of regions are the same in large and small letters.
    ///
    /// # Errors
    /// [`RegionsError`], as it stands at each of them.
    async fn images(&self, token: &Token, region: &str, interface: &str) -> Result<Region, RegionsError>;
}

/// An image service elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its URL, without a version.
    pub url: String,
    /// When the token ends.
    pub token_ends: Timestamp,
}

/// Why nobody knows where to ask.
#[derive(Debug, thiserror::Error)]
pub enum RegionsError {
    /// The token is good for nothing any more.
    #[error("the token has expired: Keystone knows it no longer")]
    Expired,
    /// There is no such endpoint in the token's catalogue.
    #[error("there is no such region, or no such endpoint of its image service")]
    NotFound,
    /// Nobody answers; later somebody may.
    #[error("the regions cannot be asked for")]
    Unavailable(#[source] Cause),
}
