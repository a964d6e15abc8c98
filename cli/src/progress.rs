//! How far something is, on a terminal; elsewhere nothing of it is written.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of bytes, with their rate and the time left. Clones are the same bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar(ProgressBar);

const BYTES: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left";

impl Bar {
    /// A bar of so many bytes; one that is never seen when `is_quiet`, or where standard error is no terminal.
    pub(crate) fn new(total: u64, is_quiet: bool) -> Self {
        let bar = if is_quiet { ProgressBar::hidden() } else { ProgressBar::new(total) };
        // A template that cannot be read leaves the plain bar.
        if let Ok(style) = ProgressStyle::with_template(BYTES) {
            bar.set_style(style);
        }
        bar.set_length(total);
        Self(bar)
    }

    /// Begins, with what is there already: its bytes are nobody's speed.
    pub(crate) fn begin(&self, what: &'static str, there: u64) {
        self.0.set_message(what);
        self.0.set_position(there);
        self.0.reset_eta();
        if !self.0.is_hidden() {
            self.0.enable_steady_tick(Duration::from_millis(250));
        }
    }

    /// So many bytes more.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// So many bytes have to come again.
    pub(crate) fn take_back(&self, bytes: u64) {
        self.0.set_position(self.0.position().saturating_sub(bytes));
    }

    /// So many bytes in all.
    pub(crate) fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    /// Leaves nothing on the screen.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
