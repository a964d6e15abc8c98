//! Tasks that are due: one that has ended is forgotten, one that nothing was heard of is given up.

use futures_util::StreamExt;

use super::{CONCURRENCY, Reaped, Reaper, STEP, ready};
use crate::catalog::{ChangeError, DueTask};
use crate::error::Result;
use crate::time::Timestamp;

/// What the message of a task says that nothing was heard of.
const SILENT: &str = "The task was given up: nothing was heard of it until its time was over.";

impl Reaper {
    /// Does what is due to tasks now, and begins nothing more from `until` on. Cost: one query for each 100 due rows; for
    /// each row one read and one write.
    ///
    /// # Errors
    /// When due rows cannot be read. One that cannot be done with is logged, counted and left.
    pub(super) async fn sweep_tasks(&self, until: Option<Timestamp>, reaped: &mut Reaped) -> Result<()> {
        let by = self.clock.now();
        let in_time = || until.is_none_or(|until| self.clock.now() < until);
        let mut after = None;
        while in_time() {
            let due = self.catalog.due_tasks(by, after.as_ref(), STEP).await?;
            let Some(last) = due.last().cloned() else { return Ok(()) };
            let mut done = futures_util::stream::iter(due)
                .take_while(|_| ready(in_time()))
                .map(|due| self.settle_task(due))
                .buffer_unordered(CONCURRENCY);
            while let Some(failed) = done.next().await {
                reaped.failed += usize::from(failed);
            }
            after = Some(last);
        }
        Ok(())
    }

    /// Whether it failed.
    async fn settle_task(&self, due: DueTask) -> bool {
        match self.step_task(&due).await {
            // Whoever changed the task meanwhile has made it due anew.
            Ok(()) | Err(ChangeError::Lost) => false,
            Err(ChangeError::Table(error)) => {
                let cause = std::error::Error::source(&error);
                tracing::warn!(task = %due.id, %error, cause = ?cause, "what is due to a task could not be done");
                true
            }
        }
    }

    async fn step_task(&self, due: &DueTask) -> Result<(), ChangeError> {
        let found = self.catalog.task(&due.id).await?;
        let Some(stored) = found.filter(|stored| stored.task.due_at == due.at) else {
            return self.catalog.settle_task(due).await;
        };
        let now = self.clock.now();
        if stored.task.is_expired(now) {
            return self.catalog.forget_task(&stored).await;
        }
        let life = stored.task.due_at.since(stored.task.updated_at);
        let failed = stored.task.failed(SILENT, now, now.plus(life)).map_err(ChangeError::from)?;
        self.catalog.replace_task(&stored, &failed).await.map(drop)
    }
}
