//! What becomes of an image when its import has come a step further. Pure, but for the sessions of what is begun.

use std::time::Duration;

use crate::error::Result;
use crate::image::{Course, Ending, Found, Image, ImportSource, Location, Status};
use crate::operations::attempt::requeued;
use crate::operations::upload::declared;
use crate::store::{Expected, Filling, PartLayout, Phase, Session};
use crate::time::Timestamp;

/// The image once its import has come so far.
///
/// # Errors
/// `Conflict` when its status does not allow it.
pub(super) fn image_at(image: &Image, course: Course, now: Timestamp) -> Result<Image> {
    let (ending, is_copy) = (course.ending(), course.source == ImportSource::CopyImage);
    let found = course.found.clone();
    let (taken, over): (Vec<Location>, bool) = match &ending {
        Ending::Done(there) => (there.clone(), true),
        Ending::Open if course.all_must_succeed => (Vec::new(), false),
        Ending::Open => (course.there().cloned().collect(), false),
        Ending::Failed(_) => (Vec::new(), true),
    };
    // What is in one store is copied from there.
    let staged = image.staged.clone().filter(|_| !over && course.first_there().is_none());
    let mut after = Image { import: Some(course), staged, updated_at: now, ..image.clone() };
    if let Ending::Failed(_) = ending {
        return if is_copy { Ok(after) } else { requeued(&after, now) };
    }
    after.locations.extend(taken.into_iter().filter(|at| !image.locations.contains(at)));
    if let Some(Found { size, virtual_size, digests }) =
        found.filter(|_| !is_copy && image.locations.is_empty())
    {
        after.size = Some(size);
        if !after.locations.is_empty() {
            after.status = image.status.advance_to(Status::Active)?;
            (after.virtual_size, after.digests, after.reserved) = (virtual_size, Some(digests), 0);
        }
    }
    Ok(after)
}

/// A session by which an object is filled, that anybody may begin with at once.
pub(super) fn session(
    image: &Image,
    course: &Course,
    verifier: Option<String>,
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
        // What a copy is of was looked into and verified.
        declared: declared(image).filter(|_| !is_copy),
        verifier: verifier.filter(|_| !is_copy),
        upload: None,
        due: now,
        ends: Some(now.plus(life)),
        hashed: None,
        filling: Filling::default(),
    }
}
