//! Glint's domain crate. Read it from the top: what an image is, how it is kept, what that needs, who answers it.
//!
//! Data flows one way: event → function → domain → ports → adapters. See `ARCHITECTURE.md` for the map and its invariants.

#[macro_use]
mod words;

#[cfg(feature = "app")]
pub mod app;
#[cfg(feature = "app")]
pub mod config;
pub mod error;
pub mod hexadecimal;
pub mod id;
#[cfg(feature = "app")]
pub mod log;
pub mod networks;
mod text;
pub mod time;

#[cfg(feature = "convert")]
pub mod convert;
#[cfg(feature = "decompress")]
pub mod decompress;
pub mod egress;
pub mod format;
pub mod identity;
pub mod image;
pub mod import;
pub mod policy;
pub mod signature;
pub mod store;
pub mod task;
pub mod usage;

pub mod catalog;
pub mod operations;
pub mod transfer;

pub mod ports;

pub mod adapters;

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lambda")]
pub mod lambda;

#[cfg(feature = "contract")]
pub mod contract;

pub use error::{Error, Result};
