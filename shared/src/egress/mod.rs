//! The gate for what goes out on a user's behalf: which URLs and which addresses data is fetched from. Pure.
//!
//! A URL is judged when it is named, when it is fetched, and each redirect as if it had been named
//! ([`Rules::check`], [`Rules::follow`]); then every address that its host has ([`Rules::reach`]).

mod address;
mod checked;
mod host;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
mod refusal;
mod rules;

pub use address::AddressClass;
pub use checked::{CheckedUrl, MAX_URL_BYTES, Scheme};
pub use host::HostName;
pub use refusal::Refusal;
pub use rules::{Choice, Rules};

#[cfg(test)]
mod tests;
