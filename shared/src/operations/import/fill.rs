//! Bringing an object its bytes, part by part, from the first that has not arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use tokio::task::JoinSet;

use super::source::Source;
use super::trouble::Trouble;
use crate::error::{Cause, Error};
use crate::operations::examination::all_parts;
use crate::ports::{Clock, Part, Store, StoreError};
use crate::store::{ObjectKey, PartLayout};
use crate::time::Timestamp;
use crate::transfer::{Body, Intake};

/// An object that is begun in its store.
pub(super) struct Begun<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) key: &'a ObjectKey,
    pub(super) upload: &'a str,
    pub(super) layout: PartLayout,
}

impl Begun<'_> {
    /// Brings what has not arrived, and begins nothing more from `until` on; whether everything is there. While one part is written the
    /// next is read: a worker who dies has brought one for nothing.
    ///
    /// # Errors
    /// What is wrong with the source or the store.
    pub(super) async fn fill(
        &self,
        source: &mut Source,
        progress: &AtomicU64,
        clock: &dyn Clock,
        until: Option<Timestamp>,
    ) -> Result<bool, Trouble> {
        let arrived = all_parts(&**self.store, self.key, self.upload).await?;
        let mut missing: Vec<u32> = (1..=self.layout.count()).collect();
        let mut bytes = 0;
        for part in arrived {
            let len = self.layout.range(part.number).map(|range| range.end - range.start);
            if len == Some(part.len) {
                bytes += part.len;
                missing.retain(|number| *number != part.number);
            }
        }
        progress.store(bytes, Ordering::Relaxed);
        let mut writing: JoinSet<Result<u64, StoreError>> = JoinSet::new();
        let mut is_over = true;
        for number in missing {
            if until.is_some_and(|until| clock.now() >= until) {
                is_over = false;
                break;
            }
            let Some(range) = self.layout.range(number) else { break };
            let taken = source.take(range.start, range.end - range.start).await?;
            written(&mut writing, progress).await?;
            let part = Part { number, offset: range.start, bytes: taken };
            let (store, key, upload) = (Arc::clone(self.store), self.key.clone(), self.upload.to_owned());
            writing.spawn(async move {
                let len = part.bytes.len();
                store.bring_part(&key, &upload, part).await.map(|()| len)
            });
        }
        written(&mut writing, progress).await?;
        Ok(is_over)
    }
}

/// Waits for the part that is being written.
async fn written(
    writing: &mut JoinSet<Result<u64, StoreError>>,
    progress: &AtomicU64,
) -> Result<(), Trouble> {
    while let Some(done) = writing.join_next().await {
        let len = done.map_err(|stopped| Trouble::Store(StoreError::Failed(stopped.into())))??;
        progress.fetch_add(len, Ordering::Relaxed);
    }
    Ok(())
}

/// Brings an object what comes of a source that does not say how long it is; how many bytes those are.
///
/// # Errors
/// What is wrong with the source or the store.
pub(super) async fn stream(
    intake: &Intake,
    store: &dyn Store,
    key: &ObjectKey,
    source: Source,
    progress: Arc<AtomicU64>,
) -> Result<u64, Trouble> {
    let stream = source.into_stream().await?;
    // What the source said goes past the intake, which knows of clients alone.
    let (told, mut said) = tokio::sync::mpsc::unbounded_channel();
    let mut body: Body = Box::pin(stream.map(move |came| {
        came.inspect(|bytes| _ = progress.fetch_add(bytes.len() as u64, Ordering::Relaxed)).map_err(
            |trouble| {
                let _ = told.send(trouble);
                Cause::from("the source broke")
            },
        )
    }));
    match intake.keep(store, key, &mut body, None).await {
        Ok(size) => Ok(size),
        Err(Error::ClientGone { .. }) => Err(said
            .try_recv()
            .unwrap_or_else(|_| Trouble::Source("the source sent nothing for too long".to_owned()))),
        Err(error) => Err(Trouble::Other(error)),
    }
}
