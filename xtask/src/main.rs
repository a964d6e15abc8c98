//! Chores that need more than one command, as `cargo xtask CHORE`.
//!
//! `cargo xtask cloud up | down | test [SUITE...]`: the emulated cloud of `tests/cloud`.

mod cloud;

use std::fmt;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask cloud up | down | test [SUITE...]";

/// Why a chore was not done, as a person reads it.
struct Failure(String);

impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn main() -> Result<ExitCode, Failure> {
    let told: Vec<String> = std::env::args().skip(1).collect();
    match told.split_first() {
        Some((chore, told)) if chore == "cloud" && !told.is_empty() => cloud::run(told),
        _ => Err(Failure(USAGE.to_owned())),
    }
}
