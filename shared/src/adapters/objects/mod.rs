//! What stores that are asked over HTTP share: how a read goes on when it breaks, how requests are sent again, how one that failed is told of, and how a
//! part is held to what its leave says on its way through.

#[cfg(any(feature = "azblob", feature = "swift"))]
pub(super) mod asking;
#[cfg(any(feature = "azblob", feature = "swift"))]
mod checked;
pub(super) mod failure;
mod reading;

#[cfg(any(feature = "azblob", feature = "swift"))]
pub(super) use checked::{Fault, checked};
pub(super) use reading::{Pieces, read};
