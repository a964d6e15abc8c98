//! Imports: data that the service fetches itself, from what was staged, from a URL or from another store, into one store or
//! several. How an import goes is `docs/adr/0022`; what its record says is [`crate::image::Course`].
//!
//! [`Imports`] takes requests; [`Importer`] does the work, one object at a time, wherever jobs come in.

#[cfg(feature = "plugins")]
mod abroad;
mod begin;
#[cfg(feature = "plugins")]
mod fill;
#[cfg(feature = "plugins")]
mod lease;
#[cfg(feature = "plugins")]
mod record;
mod session;
#[cfg(feature = "plugins")]
mod settings;
#[cfg(feature = "plugins")]
mod source;
#[cfg(feature = "plugins")]
mod step;
#[cfg(feature = "plugins")]
mod trouble;
#[cfg(feature = "plugins")]
mod worker;

pub use begin::{ImportCall, ImportSettings, Imports};
#[cfg(feature = "plugins")]
pub use settings::{AbroadPorts, ImporterPorts, ImporterSettings};
#[cfg(feature = "plugins")]
pub use worker::Importer;
