//! `glint`: the one program operators and users run.

mod policy;
mod recount;
mod serve;
mod settings;
mod told;

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "glint", version, about = ABOUT, long_about = None, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "The OpenStack Image service in one program";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve images: API, schedules and all, in this process.
    Serve(serve::Serve),
    /// Count what a project uses, and set its counters to that.
    Recount(recount::Recount),
    /// List every setting, with its variable and its default.
    Settings,
    /// Print the rules in force as a policy file, each with the calls it guards.
    Policy(told::Told),
}

/// Why the program ends without having done what was asked.
#[derive(Debug)]
enum Failure {
    /// What it was told cannot be used.
    Usage(String),
    /// What it was told to do did not work.
    Run(String),
}

impl Failure {
    fn usage(error: impl fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// With everything the error knows of its causes.
    fn run(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            // Some errors repeat their cause in their own text.
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = cause.source();
        }
        Self::Run(text)
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Recount(recount) => recount.run(),
        Command::Settings => say(&settings::list()),
        Command::Policy(told) => policy::print(told),
    };
    let (text, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Run(text)) => (text, 1),
    };
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "glint: {text}");
    ExitCode::from(code)
}

/// Writes to standard output.
fn say(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever listened has heard enough: `glint settings | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::run(&error)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
