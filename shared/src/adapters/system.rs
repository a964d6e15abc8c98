//! The machine's clock and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::id::{ImageId, RequestId, TaskId, Ulid};
use crate::ports::{Clock, Ids};
use crate::time::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_microseconds(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Identifiers from the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

/// 128 unguessable bits: an image id is what a community image is found by.
fn random() -> u128 {
    let mut bytes = [0; 16];
    // The kernel's generator fails only before it was seeded, early at boot; an id must never be guessable then.
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    u128::from_ne_bytes(bytes)
}

impl Ids for RandomIds {
    fn image_id(&self) -> ImageId {
        ImageId::from_random(random())
    }

    fn task_id(&self) -> TaskId {
        TaskId::from_random(random())
    }

    fn request_id(&self) -> RequestId {
        RequestId::from_random(random())
    }

    fn ulid(&self, now: Timestamp) -> Ulid {
        Ulid::from_parts(now.milliseconds(), random())
    }
}
