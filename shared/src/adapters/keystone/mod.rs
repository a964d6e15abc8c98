//! Keystone (Identity API v3): whose a token is, and how much a project may have.
//!
//! Answers are kept for as long as is configured, by the digest of what was asked and never by the token; what many ask at
//! once is asked once. No token, password or secret reaches a log, an error or `Debug`.

mod catalogue;
mod client;
mod credentials;
mod identity;
mod kept;
mod limits;
mod regions;
mod session;
mod token;

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "swift")]
pub(super) use catalogue::endpoint;
#[cfg(feature = "swift")]
pub(super) use client::Client;
pub use client::KeystoneError;
pub use credentials::Credentials;
#[cfg(feature = "swift")]
pub(super) use credentials::Reach;

pub use identity::KeystoneIdentity;
pub use limits::KeystoneLimits;
pub use regions::{KeystoneRegions, RegionsSettings};
#[cfg(feature = "swift")]
pub(super) use session::{AUTH_TOKEN, LOGIN, log_in};

/// How to reach Keystone, and how long to believe it.
#[derive(Clone, Debug)]
pub struct KeystoneSettings {
    /// Its URL, with or without `/v3`.
    pub auth_url: String,
    /// Its URL as clients reach it, when that is another.
    pub www_authenticate_uri: Option<String>,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Who asks.
    pub credentials: Credentials,
    /// How long an answer is believed.
    pub cache: Duration,
    /// How long an answer may take, in all.
    pub timeout: Duration,
    /// Roles one of which a service needs for its user's token to be accepted after it has expired, in lower case.
    pub service_roles: Vec<String>,
}
