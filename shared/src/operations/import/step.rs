//! What becomes of an image when its import has come a step further. Pure.

use crate::error::Result;
use crate::image::{Course, Ending, Found, Image, ImportSource, Location, Status};
use crate::import::Plugins;
use crate::operations::attempt::requeued;
use crate::time::Timestamp;

/// The image once its import has come so far.
///
/// # Errors
/// `Conflict` when its status does not allow it.
pub(super) fn image_at(image: &Image, course: Course, plugins: &Plugins, now: Timestamp) -> Result<Image> {
    let (ending, is_copy) = (course.ending(), course.source == ImportSource::CopyImage);
    let (found, remote) = (course.found.clone(), course.remote.clone());
    let (taken, over): (Vec<Location>, bool) = match &ending {
        Ending::Done(there) => (there.clone(), true),
        Ending::Open if course.all_must_succeed => (Vec::new(), false),
        Ending::Open => (course.there().cloned().collect(), false),
        Ending::Failed(_) => (Vec::new(), true),
    };
    // What is in one store is copied from there.
    let staged = image.staged.clone().filter(|_| !over && course.first_there().is_none());
    let course = Course { remote: course.remote.filter(|_| !over), ..course };
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
            after = plugins.remade(remote.iter().fold(after, |after, remote| remote.taken_over(after)));
            after.status = image.status.advance_to(Status::Active)?;
            (after.virtual_size, after.digests, after.reserved) = (virtual_size, Some(digests), 0);
        }
    }
    Ok(after)
}
