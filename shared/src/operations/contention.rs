//! Changing what others change too: in turn within this process, and again, after a while, when another process came first.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::contended;
use crate::catalog::{Catalog, Turn};
use crate::error::Result;
use crate::id::ImageId;

/// How long an operation tries: an API gateway waits 30 seconds for an answer.
const LONGEST: Duration = Duration::from_secs(20);

/// How often an operation starts again at most, whatever the time.
const MOST: u32 = 400;

/// The first pause is about what another's read and write take.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Pauses grow no further: who has waited long is not to wait longer than who came just now.
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// One operation's tries at changing an image.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    catalog: &'a Catalog,
    image: &'a ImageId,
    deadline: Instant,
    made: u32,
    turn: Option<Turn>,
}

impl<'a> Tries<'a> {
    pub(super) fn new(catalog: &'a Catalog, image: &'a ImageId) -> Self {
        Self { catalog, image, deadline: Instant::now() + LONGEST, made: 0, turn: None }
    }

    /// Takes the turn to change the image, and keeps it. `true` when others had it first: then the image has to be read again.
    /// To be asked once it is known that the caller may change the image, so that nobody else holds up who may.
    ///
    /// # Errors
    /// `Stale` when the turn does not come.
    pub(super) async fn queue(&mut self) -> Result<bool> {
        if self.turn.is_some() {
            return Ok(false);
        }
        let turn = self.catalog.turn(self.image, self.deadline).await.ok_or_else(|| contended(self.image))?;
        let waited = turn.waited;
        self.turn = Some(turn);
        Ok(waited)
    }

    /// Waits a while after a change that another process's came before of: any time up to a bound that grows, so that those
    /// who met do not meet again.
    ///
    /// # Errors
    /// `Stale` when it was tried long enough.
    pub(super) async fn again(&mut self) -> Result<()> {
        self.made += 1;
        if self.made >= MOST || Instant::now() >= self.deadline {
            return Err(contended(self.image));
        }
        let most = FIRST_PAUSE.saturating_mul(1 << (self.made - 1).min(5)).min(LONGEST_PAUSE);
        // When it tries again decides no outcome but this one's time, so that chance need not be a port's.
        sleep(most.mul_f64(fastrand::f64())).await;
        Ok(())
    }
}
