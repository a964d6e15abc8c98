//! Who carries image data to clients.

use crate::store::TrustedHosts;

/// Who carries image data to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadConfig {
    /// Who sends clients to the store.
    pub redirect: Redirect,
    /// Hosts that clients may be sent to.
    pub trusted_hosts: TrustedHosts,
    /// How long a URL is good that a client is sent to.
    pub url_seconds: u64,
}

/// Who sends clients to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Nobody.
    Never,
    /// Functions, which carry little themselves.
    Functions,
    /// `glint serve` too.
    Always,
}

impl Default for DownloadConfig {
    fn default() -> Self {
        Self { redirect: Redirect::Functions, trusted_hosts: TrustedHosts::default(), url_seconds: 300 }
    }
}
