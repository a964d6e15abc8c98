//! Bytes on their way into a store: cut into parts, hashed and written side by side, never held whole.

mod digest;
mod fetching;
mod given;
mod intake;
mod plan;
#[cfg(any(test, feature = "contract"))]
pub mod properties;
#[cfg(feature = "plugins")]
pub mod remake;
mod resume;
mod watch;

pub use fetching::{Patience, fetch_patiently};
pub use intake::{Body, Intake, Received};
pub use plan::layout;
pub use resume::Hashing;
pub use watch::Watch;
