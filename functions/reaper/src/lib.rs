//! Runs the reaper when a schedule fires. What fires it does not matter: the due rows say what there is to do.

use serde::Serialize;
use shared::operations::{Reaped, Reaper};

/// What one run did, for whoever invoked it and for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Uploads whose writer had died.
    pub expired: usize,
    /// Objects removed.
    pub removed: usize,
    /// Due rows left for the next run.
    pub failed: usize,
}

/// Does everything that is due. A second run finds nothing to do.
///
/// # Errors
/// When due rows cannot be read: the platform then retries the invocation.
pub async fn handle(reaper: &Reaper) -> shared::Result<Report> {
    let Reaped { expired, removed, failed } = reaper.run().await?;
    Ok(Report { expired, removed, failed })
}
