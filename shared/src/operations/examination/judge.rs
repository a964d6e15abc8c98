//! Whether an image may have the bytes of an object: everything that may refuse them stands here. The object is whole and never
//! changes, so ranges of it can be read as often as there are runs.

use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::stretches::serves_no_ranges;
use crate::error::{Error, Result};
use crate::format::{Content, Inspector, Ranged, Refusal, Rules, Verdict};
use crate::image::{Digests, DiskFormat};
use crate::ports::{Store, StoreError};
use crate::signature::{self, Verify};
use crate::store::{Expected, ObjectKey, Session};

/// Looks into bytes before they are hashed, for whether an image may have them that declares a format; nothing is looked at for one that
/// declares none. What is taken in spite of something is logged. Cost: at most six reads of a mebibyte or less, or one of all there is where
/// that cannot be asked from a byte on.
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
    let mut streamed = None;
    while let Some(range) = inspection.wants() {
        let from = range.start;
        let stream = match store.read(key, range).await {
            Ok(stream) => stream,
            Err(StoreError::Failed(cause)) if from > 0 && serves_no_ranges(Some(&*cause)) => {
                // A format that tells itself at its end alone is harmless, and was not declared.
                let is_plain = inspection.so_far().is_some_and(|content| content.formats.is_empty());
                if !is_plain || declared == DiskFormat::Vhd {
                    streamed = Some(stream_by(store, key, size).await?);
                }
                break;
            }
            Err(error) => return Err(error),
        };
        let pieces: Vec<_> = stream.try_collect().await?;
        inspection.see(&pieces.concat());
    }
    let judged = rules.judge(declared, &streamed.unwrap_or_else(|| inspection.finish()));
    for refusal in judged.iter().flat_map(|verdict| &verdict.overlooked) {
        tracing::warn!(image = %key.image(), %refusal, "data was taken although");
    }
    Ok(judged)
}

/// Looks at all of an object as it goes by, where it cannot be asked from a byte on.
async fn stream_by(store: &dyn Store, key: &ObjectKey, size: u64) -> Result<Content, StoreError> {
    let (mut stream, mut inspector) = (store.read(key, 0..size).await?, Inspector::default());
    while let Some(piece) = stream.try_next().await? {
        inspector.update(&piece);
    }
    Ok(inspector.finish())
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
