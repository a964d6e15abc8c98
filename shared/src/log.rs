//! Where the process's own words go: to standard error, in colours for people, as JSON for programs.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("setting 'log': {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// There is a log already.
    #[error(transparent)]
    Taken(#[from] TryInitError),
}

/// Starts the log. Call it once, before anything is logged.
///
/// `filter` is a level, or levels by target: `info`, `warn,shared=debug`.
///
/// # Errors
/// [`LogError`] when the filter cannot be read, or there is a log already.
pub fn start(filter: &str) -> Result<(), LogError> {
    let log = tracing_subscriber::registry().with(filter.parse::<Targets>()?);
    if std::io::stderr().is_terminal() {
        log.with(layer().with_writer(std::io::stderr).with_target(false)).try_init()?;
    } else {
        let layer = layer().with_writer(std::io::stderr).json().flatten_event(true).with_span_list(false);
        log.with(layer).try_init()?;
    }
    Ok(())
}
