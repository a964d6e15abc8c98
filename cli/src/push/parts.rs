//! Bringing parts: side by side, each straight to where it goes, and again while it fails in passing.
//!
//! A part is summed, signed with its sum, and sent. The store holds the bytes to the sum, so a part that has arrived is the
//! file's, whoever brought it; and a URL is used as soon as it is made, so it does not grow old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{TryStreamExt as _, stream};
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};
use shared::store::{Checksum, ChecksumKind};

use super::session::{Address, Part};
use super::source::Source;
use crate::Failure;
use crate::cloud::{Api, CloudError};
use crate::http::said;
use crate::patience::hint;
use crate::progress::Bar;

/// What it takes to bring the parts of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bringing<'a> {
    pub(crate) api: &'a Api,
    pub(crate) source: &'a Source,
    pub(crate) address: &'a Address,
    pub(crate) kind: Option<ChecksumKind>,
    pub(crate) bar: &'a Bar,
}

/// Why a part was not taken.
enum Miss {
    /// It may be the next time, after as long as the service asks for.
    Passing(String, Option<Duration>),
    /// It never will.
    Never(Failure),
}

/// For so long a connection may take nothing, and a service that has it all say nothing: a disk may have much to write.
const SILENCE: Duration = Duration::from_mins(2);

impl Bringing<'_> {
    /// Brings parts, so many at once. The first that cannot be brought ends it.
    pub(crate) async fn all(self, parts: Vec<Part>, at_once: usize) -> Result<(), Failure> {
        let parts = stream::iter(parts.into_iter().map(Ok::<_, Failure>));
        parts.try_for_each_concurrent(at_once, |part| Box::pin(self.one(part))).await
    }

    async fn one(self, part: Part) -> Result<(), Failure> {
        let (mut failed, mut sum) = (0, None);
        loop {
            let miss = match self.once(&part, &mut sum).await {
                Ok(()) => return Ok(()),
                Err(Miss::Never(failure)) => return Err(failure),
                Err(Miss::Passing(why, hint)) => (why, hint),
            };
            // The likeliest reason why a sum is not that of the bytes.
            self.source.check()?;
            failed += 1;
            let Some(pause) = self.api.patience().pause(failed, miss.1) else {
                let (number, why) = (part.number, miss.0);
                let text = format!("part {number} was not taken, {failed} times; at last: {why}");
                return Err(Failure::Run(text));
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(self, part: &Part, sum: &mut Option<Checksum>) -> Result<(), Miss> {
        let range = part.offset..part.offset.saturating_add(part.size);
        if let (Some(kind), None) = (self.kind, &sum) {
            *sum = Some(self.source.checksum(range.clone(), kind).await.map_err(Miss::Never)?);
        }
        let signed = self.address.sign(self.api, part.number, sum.as_ref()).await.map_err(unsigned)?;
        let Some(url) = signed.url else {
            // An earlier try did it, and its answer was lost.
            let nothing = || Miss::Passing("the service gives no URL for it".to_owned(), None);
            return if signed.arrived { Ok(()) } else { Err(nothing()) };
        };
        let sent = Arc::new(AtomicU64::new(0));
        let mut request = Request::put(&url).header(CONTENT_LENGTH, part.size);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.source.body(range, Arc::clone(&sent)));
        let request = request.map_err(|error| {
            Miss::Never(Failure::Run(format!("part {}: the service's URL is none: {error}", part.number)))
        })?;
        let mut shown = 0;
        let asking = self.api.outside().ask(request, Duration::MAX);
        let answer = tokio::select! {
            answer = asking => answer.map_err(|broken| Miss::Passing(broken.to_string(), None)),
            () = self.watch(&sent, &mut shown) => Err(Miss::Passing("nothing moved for too long".to_owned(), None)),
        };
        let taken = answer.and_then(|answer| match answer.status {
            status if status.is_success() => Ok(()),
            status => Err(refusal(part.number, status, &said(&answer.body), hint(&answer.headers))),
        });
        match taken {
            Ok(()) => self.bar.add(part.size.saturating_sub(shown)),
            Err(_) => self.bar.take_back(shown),
        }
        if matches!(taken, Err(Miss::Passing(..))) {
            // Should the line have been right and the sum wrong, it is made anew.
            *sum = None;
        }
        taken
    }

    /// Shows what was sent, until nothing more is for a while.
    async fn watch(self, sent: &AtomicU64, shown: &mut u64) {
        const TICK: Duration = Duration::from_millis(200);
        let mut silent = Duration::ZERO;
        while silent < SILENCE {
            tokio::time::sleep(TICK).await;
            let now = sent.load(Ordering::Relaxed);
            silent = if now > *shown { Duration::ZERO } else { silent + TICK };
            self.bar.add(now.saturating_sub(*shown));
            *shown = now;
        }
    }
}

/// What a part's refusal comes to. A URL that has expired is 403, and 400 with S3's temporary credentials: the next is fresh.
fn refusal(number: u32, status: StatusCode, said: &str, hint: Option<Duration>) -> Miss {
    let text = format!("{status}: {said}");
    match status {
        StatusCode::NOT_FOUND => {
            Miss::Never(Failure::Run(format!("part {number}: the upload session has ended: {said}")))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Miss::Never(Failure::Run(format!("part {number}: {text}"))),
        _ => Miss::Passing(text, hint),
    }
}

/// The call was tried again where that makes sense.
fn unsigned(error: CloudError) -> Miss {
    match error.status() {
        Some(StatusCode::CONFLICT | StatusCode::NOT_FOUND) => {
            Miss::Never(Failure::Run(format!("the upload session takes no more parts: {}", error.text())))
        }
        _ => Miss::Never(error.into()),
    }
}
