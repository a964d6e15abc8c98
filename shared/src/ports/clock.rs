//! Time and identifiers, which tests own.

use std::fmt::Debug;

use crate::id::{ImageId, RequestId, TaskId, Ulid};
use crate::time::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers that nobody has used and nobody can guess.
pub trait Ids: Debug + Send + Sync {
    /// A new image id: a random UUID (version 4).
    fn image_id(&self) -> ImageId;

    /// A new task id: a random UUID (version 4).
    fn task_id(&self) -> TaskId;

    /// A new request id.
    fn request_id(&self) -> RequestId;

    /// A new id that sorts by the time it was made at.
    fn ulid(&self, now: Timestamp) -> Ulid;
}
