//! Fetching that goes on where it broke: from the last byte that came, as long as the source is the same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout_at};

use crate::ports::{Fetch, FetchError, FetchRequest, FetchStream, Fetched, Span, Validator};

/// As many bytes as show that a source serves again: what broke before them counts no more.
const STRETCH_BYTES: u64 = 16 << 20;

/// Pauses grow no further.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a transfer is gone on with that broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often a source is asked again, when nothing to speak of came in between.
    pub tries: u32,
    /// The first pause at most; each is twice the one before at most.
    pub pause: Duration,
    /// How long all of it may take.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 5, pause: Duration::from_secs(1), whole: Duration::from_hours(24) }
    }
}

/// Opens a source as [`Fetch::open`] does, and answers a stream that asks again, behind the last byte, when one breaks. A source
/// that says nothing to know it again by is asked again only while nothing of it has come.
///
/// # Errors
/// What is wrong when it was tried often enough; the stream's own too, and there `Changed` when the source is another by now, and
/// `NoRanges` when it cannot be asked from a byte on.
pub async fn fetch_patiently(
    fetch: Arc<dyn Fetch>,
    request: FetchRequest,
    patience: Patience,
) -> Result<Fetched, FetchError> {
    let mut tries = Tries { made: 0, patience, until: Instant::now() + patience.whole };
    let Fetched { size, takes_ranges, validator, body } = tries.open(fetch.as_ref(), &request).await?;
    let going =
        Going { at: request.from, fetch, request, tries, size, validator: validator.clone(), body, fresh: 0 };
    let body =
        stream::try_unfold(
            going,
            |mut going| async move { Ok(going.next().await?.map(|bytes| (bytes, going))) },
        );
    Ok(Fetched { size, takes_ranges, validator, body: Box::pin(body) })
}

struct Going {
    fetch: Arc<dyn Fetch>,
    request: FetchRequest,
    tries: Tries,
    size: Option<u64>,
    validator: Option<Validator>,
    body: FetchStream,
    at: u64,
    /// Bytes since it broke last.
    fresh: u64,
}

impl Going {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            match timeout_at(self.tries.until, self.body.next()).await {
                Err(_) => return Err(FetchError::TimedOut(Span::Whole)),
                Ok(None) => return Ok(None),
                Ok(Some(Ok(bytes))) => {
                    self.at += bytes.len() as u64;
                    self.fresh += bytes.len() as u64;
                    if self.fresh >= STRETCH_BYTES {
                        self.tries.made = 0;
                    }
                    return Ok(Some(bytes));
                }
                Ok(Some(Err(error))) => self.go_on(error).await?,
            }
        }
    }

    async fn go_on(&mut self, error: FetchError) -> Result<(), FetchError> {
        let is_begun = self.at > self.request.from;
        let is_known = self.validator.is_some() || self.request.is_lasting;
        if error.is_passing() && is_begun && !is_known {
            tracing::info!(%error, at = self.at, "a transfer broke that cannot be gone on with");
            return Err(FetchError::NoRanges);
        }
        self.tries.again(error).await?;
        self.fresh = 0;
        if is_begun {
            self.request.validator.clone_from(&self.validator);
        }
        let request = FetchRequest { from: self.at, ..self.request.clone() };
        let again = self.tries.open(self.fetch.as_ref(), &request).await?;
        let is_other = |before: Option<&Validator>, now: Option<&Validator>| {
            before.zip(now).is_some_and(|(before, now)| before != now)
        };
        if is_other(self.validator.as_ref(), again.validator.as_ref()) || self.size != again.size {
            return Err(FetchError::Changed);
        }
        self.body = again.body;
        Ok(())
    }
}

struct Tries {
    made: u32,
    patience: Patience,
    until: Instant,
}

impl Tries {
    async fn open(&mut self, fetch: &dyn Fetch, request: &FetchRequest) -> Result<Fetched, FetchError> {
        loop {
            match timeout_at(self.until, fetch.open(request.clone())).await {
                Err(_) => return Err(FetchError::TimedOut(Span::Whole)),
                Ok(Ok(fetched)) => return Ok(fetched),
                Ok(Err(error)) => self.again(error).await?,
            }
        }
    }

    /// Waits a while after what may pass.
    async fn again(&mut self, error: FetchError) -> Result<(), FetchError> {
        if !error.is_passing() || self.made >= self.patience.tries {
            return Err(error);
        }
        let most = self.patience.pause.saturating_mul(1 << self.made.min(16)).min(LONGEST_PAUSE);
        self.made += 1;
        // When it asks again decides no outcome but this one's time, so that chance need not be a port's.
        let pause = most.mul_f64(0.5 + fastrand::f64() / 2.0);
        if Instant::now() + pause >= self.until {
            return Err(FetchError::TimedOut(Span::Whole));
        }
        sleep(pause).await;
        Ok(())
    }
}
