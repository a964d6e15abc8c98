//! The emulated cloud: makes the Python environments of `tests/cloud` and starts its commands there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::Failure;

/// Environments, the pins they are made from, and the variable that names the folder of their programs.
const TOOLS: [(&str, &str, &str); 2] = [
    ("lambda", "tests/engines/lambda.txt", "LAMBDA_BIN"),
    ("template", "tests/engines/template.txt", "SAM_BIN"),
];

/// Runs a command of `tests/cloud/cloud.py` and answers how it ended.
pub(crate) fn run(told: &[String]) -> Result<ExitCode, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let python = environment(root, "ministack", "tests/engines/ministack.txt")?.join("python");
    let mut command = Command::new(python);
    command.current_dir(root).arg("tests/cloud/cloud.py").args(told);
    for (name, pins, variable) in TOOLS {
        command.env(variable, environment(root, name, pins)?);
    }
    let status = command.status().map_err(|error| Failure(format!("tests/cloud/cloud.py: {error}")))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Makes a Python environment, or finds it made, and answers the folder of its programs.
fn environment(root: &Path, name: &str, pins: &str) -> Result<PathBuf, Failure> {
    let mut command = Command::new(root.join("tests/clients/venv.sh"));
    let made = command.arg(name).arg(root.join(pins)).stderr(Stdio::inherit()).output();
    let made = made.map_err(|error| Failure(format!("tests/clients/venv.sh: {error}")))?;
    if !made.status.success() {
        return Err(Failure(format!("no Python environment '{name}' could be made from {pins}")));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&made.stdout).trim()))
}
