//! The sessions by which objects are filled.

use std::time::Duration;

use crate::image::{Course, Image};
use crate::store::{Expected, Filling, PartLayout, Phase, Session};
use crate::time::Timestamp;

/// A session by which an object is filled, that anybody may begin with at once.
pub(super) fn session(
    image: &Image,
    course: &Course,
    (verifier, token): (Option<String>, Option<String>),
    now: Timestamp,
    life: Duration,
) -> Session {
    let known = match &course.found {
        Some(found) => Some(&found.digests),
        None => image.digests.as_ref(),
    };
    let is_copy = known.is_some();
    let expected = known
        .map(|digests| Expected { md5: Some(digests.md5.clone()), sha512: Some(digests.sha512.clone()) });
    Session {
        phase: Phase::Filling,
        // Cut by the worker, who knows the source and the store.
        layout: PartLayout { size: 0, part_bytes: 1 },
        checksum: None,
        expected: expected.unwrap_or_default(),
        // Said by the worker, who knows what the data is made into.
        declared: None,
        // What a copy is of was verified.
        verifier: verifier.filter(|_| !is_copy),
        upload: None,
        due: now,
        ends: Some(now.plus(life)),
        hashed: None,
        // A copy is of what is there.
        filling: Filling { token: token.filter(|_| !is_copy), ..Filling::default() },
    }
}
