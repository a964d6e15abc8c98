//! Where the process's own words go: to standard error, in colours for people, as JSON for programs.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts the log. Call it once, before anything is logged.
///
/// # Errors
/// When the filter cannot be read, or there is a log already; the text says which.
pub fn start(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("setting 'log': {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_span_list(false).try_init()
    };
    started.map_err(|error| error.to_string())
}
