//! Callers by role. In tests a token says who it is: `project:role,role`.

use shared::identity::Caller;

pub use crate::token::{TokenSays, caller};

/// The token of an administrator of another project than the images'.
pub const ADMIN: &str = "ops:admin,member,reader";
/// The token of a member of the project that owns the images.
pub const MEMBER: &str = "p1:member,reader";
/// The token of a reader of that project.
pub const READER: &str = "p1:reader";
/// The token of a member of a project that owns nothing.
pub const STRANGER: &str = "p2:member,reader";

/// The administrator.
#[expect(clippy::unwrap_used, reason = "the token is a constant of this file")]
pub fn admin() -> Caller {
    caller(ADMIN).unwrap()
}
