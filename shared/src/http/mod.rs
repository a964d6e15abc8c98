//! The front door: what every function does to every request, before its routes see it and after they answered.
//!
//! A function hands its routes, each with its description ([`crate::routes!`]), to [`serve`]. Within them, handlers take the extractors of this module and answer
//! [`ApiError`]; everything else (versions in the path, who calls, request ids, error bodies, the log) happens here once.

mod body;
mod conditions;
mod cors;
mod door;
mod error;
mod extract;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod parameters;
mod payload;
mod routes;
pub mod version;

pub use body::prefers_json;
pub use conditions::knows;
pub use cors::Cors;
pub use door::{CallerUnavailable, Door, serve};
pub use error::ApiError;
pub use extract::{
    BaseUrl, ImagePath, JsonBody, MAX_JSON_BYTES, MemberPath, NoBody, ObjectPath, PartPath, QueryPairs,
    StorePath, TagPath, TaskPath, UploadPath,
};
pub use payload::Payload;
#[cfg(feature = "openapi")]
pub use routes::Described;
pub use routes::Routes;

#[doc(hidden)]
pub use pastey::paste as __paste;
