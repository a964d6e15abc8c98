//! Waiting before trying again what the SDK does not: conflicts with other writers, and reads left half done.

use std::time::Duration;

/// The most times one call is tried: some seconds of waiting in all.
pub(super) const MAX_TRIES: u32 = 10;

/// A conflict lasts as long as the other write does, about 10 ms.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Waits before a try, counted from 1 for the first one after a failure: anything up to twice as long each time, so
/// that writers that met once do not meet again.
pub(super) async fn pause(again: u32) {
    let most = FIRST.saturating_mul(1 << again.saturating_sub(1).min(16)).min(LONGEST);
    tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
}
