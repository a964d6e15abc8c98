//! Whether an image may have the bytes of an object: everything that may refuse them stands here. The object is whole and never
//! changes, so ranges of it can be read as often as there are runs.

use std::sync::Arc;

use futures_util::TryStreamExt as _;

use crate::error::{Error, Result};
use crate::format::{Ranged, Rules, Verdict};
use crate::image::Digests;
use crate::ports::Store;
use crate::signature::{self, Verify};
use crate::store::{Expected, ObjectKey, Session};

/// What a session's bytes are looked into for, before they are hashed. Cost: at most six reads of a mebibyte or less.
///
/// # Errors
/// `Content` when the image cannot have them; `Unavailable`, `Internal` for a fault of the store.
pub(super) async fn inspect(
    rules: &Rules,
    store: &dyn Store,
    key: &ObjectKey,
    session: &Session,
) -> Result<Verdict> {
    let Some(declared) = session.declared else { return Ok(Verdict::default()) };
    let mut inspection = Ranged::new(session.layout.size);
    while let Some(range) = inspection.wants() {
        let pieces: Vec<_> = store.read(key, range).await?.try_collect().await?;
        inspection.see(&pieces.concat());
    }
    Ok(rules.judge(declared, &inspection.finish())?)
}

/// The verifier that a session was opened with.
///
/// # Errors
/// `Internal` when this process cannot make one of it.
pub(super) fn verifier(session: &Session) -> Result<Option<Arc<dyn Verify>>> {
    let resumed = session.verifier.as_deref().map(|saved| {
        let unread = || Error::internal("the verifier of an upload session cannot be read here");
        signature::resume(saved).ok_or_else(unread)
    });
    resumed.transpose()
}

/// Holds digests to what the client said they would be.
///
/// # Errors
/// `Invalid`, naming the digest.
pub(super) fn compare(expected: &Expected, digests: &Digests) -> Result<()> {
    let pairs = [("md5", &expected.md5, &digests.md5), ("sha512", &expected.sha512, &digests.sha512)];
    for (name, expected, found) in pairs {
        if let Some(expected) = expected.as_ref().filter(|expected| *expected != found) {
            let text = format!("{name}: the data hashes to {found}, not to {expected} as announced.");
            return Err(Error::Invalid(text));
        }
    }
    Ok(())
}
