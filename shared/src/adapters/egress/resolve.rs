//! Looking names up.

use std::fmt::Debug;
use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Who knows the addresses of names.
#[async_trait]
pub trait Resolve: Debug + Send + Sync {
    /// All addresses of a name, the best first.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError>;
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The name has none.
    #[error("no such name")]
    NotFound,
    /// Nobody can be asked now.
    #[error("names cannot be looked up")]
    Unavailable(#[source] io::Error),
}

/// The machine's own way.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        match tokio::net::lookup_host((host, 0)).await {
            Ok(found) => Ok(found.map(|address| address.ip()).collect()),
            Err(error) if is_passing(&error) => Err(ResolveError::Unavailable(error)),
            Err(_) => Err(ResolveError::NotFound),
        }
    }
}

/// The library tells its reasons as texts alone: `EAI_AGAIN` of glibc and of musl.
fn is_passing(error: &io::Error) -> bool {
    let text = error.to_string();
    text.contains("Temporary failure") || text.contains("Try again")
}
