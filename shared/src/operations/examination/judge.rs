//! Whether an image may have the bytes of an object: everything that may refuse them stands here. The object is whole and never
//! changes, so ranges of it can be read as often as there are runs.

use std::sync::Arc;

use futures_util::TryStreamExt as _;

use crate::error::{Error, Result};
use crate::format::{Ranged, Refusal, Rules, Verdict};
use crate::image::{Digests, DiskFormat};
use crate::ports::{Store, StoreError};
use crate::signature::{self, Verify};
use crate::store::{Expected, ObjectKey, Session};

/// Looks into bytes before they are hashed, for whether an image may have them that declares a format; nothing is looked at for one that
/// declares none. What is taken in spite of something is logged. Cost: at most six reads of a mebibyte or less.
///
/// # Errors
/// As the store; within, why the image cannot have them.
pub(in crate::operations) async fn inspect(
    rules: &Rules,
    store: &dyn Store,
    key: &ObjectKey,
    declared: Option<DiskFormat>,
    size: u64,
) -> Result<Result<Verdict, Refusal>, StoreError> {
    let Some(declared) = declared else { return Ok(Ok(Verdict::default())) };
    let mut inspection = Ranged::new(size);
    while let Some(range) = inspection.wants() {
        let pieces: Vec<_> = store.read(key, range).await?.try_collect().await?;
        inspection.see(&pieces.concat());
    }
    let judged = rules.judge(declared, &inspection.finish());
    for refusal in judged.iter().flat_map(|verdict| &verdict.overlooked) {
        tracing::warn!(image = %key.image(), %refusal, "data was taken although");
    }
    Ok(judged)
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
