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
mod session;
#[cfg(feature = "plugins")]
mod source;
#[cfg(feature = "plugins")]
mod step;
#[cfg(feature = "plugins")]
mod worker;

#[cfg(feature = "plugins")]
pub use abroad::AbroadPorts;
pub use begin::{ImportCall, ImportSettings, Imports};
#[cfg(feature = "plugins")]
pub use worker::{Importer, ImporterPorts, ImporterSettings};
