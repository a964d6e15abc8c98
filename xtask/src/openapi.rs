//! Keeps the description of the API as a file, which `discovery` serves without knowing what the others do.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::Failure;

/// Writes `docs/openapi.json`. What it says comes from the routes, so a second run changes nothing.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let told = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "tests", "--example", "openapi"])
        .current_dir(&root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure(format!("cannot run cargo: {error}")))?;
    if !told.status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let file = root.join("docs/openapi.json");
    let written = std::fs::write(&file, told.stdout);
    written.map_err(|error| Failure(format!("cannot write {}: {error}", file.display())))?;
    Ok(ExitCode::SUCCESS)
}
