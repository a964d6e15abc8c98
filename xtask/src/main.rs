//! Chores that need more than one command, as `cargo xtask CHORE`.
//!
//! `cargo xtask cloud up | down | test [SUITE...]`: the emulated cloud of `tests/cloud`.
//! `cargo xtask openapi`: writes `docs/openapi.json`, the description of the API, from the code.

mod cloud;
mod openapi;

use std::fmt;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask cloud up | down | test [SUITE...]\n       cargo xtask openapi";

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
        Some((chore, [])) if chore == "openapi" => openapi::run(),
        _ => Err(Failure(USAGE.to_owned())),
    }
}
