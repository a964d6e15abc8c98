//! Waiting before trying again what the SDK does not: conflicts with other writers, and reads left half done.

use std::time::Duration;

/// The most times a read that is left half done is tried: some seconds of waiting in all.
pub(super) const READ_TRIES: u32 = 10;

/// The most times a write is tried: some 13 seconds of waiting in all, within what an API gateway waits for an answer. Writes
/// for one project meet at its counters: this is how long the last of some hundred that came at once waits.
pub(super) const WRITE_TRIES: u32 = 30;

/// A conflict lasts as long as the other write does, about 10 ms.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Waits before a try, counted from 1 for the first one after a failure: anything up to twice as long each time, so
/// that writers that met once do not meet again.
pub(super) async fn pause(again: u32) {
    let most = FIRST.saturating_mul(1 << again.saturating_sub(1).min(16)).min(LONGEST);
    tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
}
