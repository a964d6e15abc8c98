//! Where an image's bytes lie: objects, their keys, and the way in and out.

mod key;

pub use key::ObjectKey;
