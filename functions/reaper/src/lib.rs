//! Runs the reaper when a schedule fires or jobs come in. What it was does not matter: the due rows say what there is to do.

mod metrics;

use std::io::Write;
use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde::de::IgnoredAny;
use shared::app::App;
use shared::operations::{Reaped, Reaper, last_begin};
use shared::ports::Clock;

/// What one run did, for whoever invoked it and for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How long the oldest due row had been due when the run began; 0 when none was.
    pub oldest_seconds: u64,
    /// Uploads whose writer had died.
    pub expired: usize,
    /// Upload sessions whose images became active.
    pub completed: usize,
    /// Objects removed.
    pub removed: usize,
    /// Due rows that could not be done with.
    pub failed: usize,
}

impl From<Reaped> for Report {
    fn from(Reaped { oldest, expired, completed, removed, failed }: Reaped) -> Self {
        Self { oldest_seconds: oldest.as_secs(), expired, completed, removed, failed }
    }
}

/// Does everything that is due. A second run finds nothing to do.
///
/// # Errors
/// When due rows cannot be read.
pub async fn handle(reaper: &Reaper) -> shared::Result<Report> {
    Ok(reaper.run().await?.into())
}

/// Whatever invokes the function, and for how long.
pub type Event = LambdaEvent<IgnoredAny>;

/// The reaper as the cloud invokes it.
#[derive(Debug)]
pub struct Function {
    reaper: Reaper,
    clock: Arc<dyn Clock>,
    stage: String,
}

impl Function {
    /// A function of the deployment `stage`.
    pub fn new(reaper: Reaper, clock: Arc<dyn Clock>, stage: impl Into<String>) -> Self {
        Self { reaper, clock, stage: stage.into() }
    }

    /// The function as configured, over a reaper.
    pub fn of(app: &App, reaper: Reaper) -> Self {
        Self::new(reaper, Arc::clone(&app.clock), app.config.stage.clone())
    }

    /// Answers one event, whatever it is: a schedule's, or a batch of jobs, all of which one run does. Writes one line
    /// of metrics, unless no due row could be read.
    ///
    /// Nothing is begun in the last tenth of the invocation's time, which is for what was begun: the next run goes on.
    ///
    /// # Errors
    /// When due rows cannot be read: the platform then delivers the event, or all jobs of the batch, again.
    pub async fn invoke(&self, event: Event, metrics: &mut (impl Write + Send)) -> shared::Result<Report> {
        let run = self.reaper.run_until(last_begin(event.context.deadline, self.clock.now())).await;
        let reaped = run.as_ref().map_or_else(|interrupted| interrupted.reaped, |reaped| Some(*reaped));
        if let Some(reaped) = reaped {
            let line = metrics::line(&reaped.into(), &self.stage, self.clock.now());
            if let Err(error) = metrics.write_all(line.as_bytes()).and_then(|()| metrics.flush()) {
                tracing::warn!(%error, "the run's metrics are lost");
            }
        }
        Ok(run?.into())
    }
}
