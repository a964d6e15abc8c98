//! How long to wait before something is tried again.

use std::time::Duration;

use http::{HeaderMap, header};

/// How often and how patiently something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// How often at most.
    pub(crate) tries: u32,
    /// The first pause; each is twice the one before.
    pub(crate) first: Duration,
}

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(30);

impl Patience {
    /// The pause after so many tries that failed, or what the service asks for when that is longer; `None` after the last.
    pub(crate) fn pause(self, failed: u32, hint: Option<Duration>) -> Option<Duration> {
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST);
        (failed < self.tries).then(|| doubled.max(hint.unwrap_or_default().min(LONGEST)))
    }
}

/// What an answer asks its client to wait (`Retry-After`, in seconds).
pub(crate) fn hint(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience { tries: 4, first: Duration::from_secs(8) };
        let pauses = (1..=4).map(|failed| patience.pause(failed, None).map(|pause| pause.as_secs()));
        assert_eq!(pauses.collect::<Vec<_>>(), [Some(8), Some(16), Some(30), None]);
        let asked =
            |seconds| patience.pause(1, Some(Duration::from_secs(seconds))).map(|pause| pause.as_secs());
        assert_eq!((asked(2), asked(20), asked(3600)), (Some(8), Some(20), Some(30)));
    }
}
