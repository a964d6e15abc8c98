//! `glint`: the one program operators and users run.

mod cloud;
mod http;
mod patience;
mod policy;
mod progress;
mod pull;
mod push;
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
    /// Push a file to a cloud as an image: its parts side by side, and on from where it stopped.
    Push(Box<push::Push>),
    /// Pull an image from a cloud into a file, and on from where it stopped.
    Pull(Box<pull::Pull>),
    /// Count what a project uses, and set its counters to that.
    Recount(recount::Recount),
    /// List every setting, with its variable and its default.
    Settings,
    /// Print the rules in force as a policy file, each with the calls it guards.
    Policy(told::Told),
}

/// Why the program ends without having done what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failure {
    /// What it was told cannot be used.
    Usage(String),
    /// What it was told to do did not work.
    Run(String),
    /// It was told to stop.
    Interrupted(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Run(text) | Self::Interrupted(text) => f.write_str(text),
        }
    }
}

impl Failure {
    fn usage(error: impl fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// With everything the error knows of its causes.
    fn run(error: &dyn std::error::Error) -> Self {
        Self::Run(http::causes(error))
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Push(push) => push.run(),
        Command::Pull(pull) => pull.run(),
        Command::Recount(recount) => recount.run(),
        Command::Settings => say(&settings::list()),
        Command::Policy(told) => policy::print(told),
    };
    let (text, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Run(text)) => (text, 1),
        // As shells have it of a program that SIGINT ended.
        Err(Failure::Interrupted(text)) => (text, 130),
    };
    tell(&text);
    ExitCode::from(code)
}

/// Writes a line to standard error.
fn tell(text: &str) {
    // Nobody is left to tell when it is closed.
    let _ = writeln!(io::stderr(), "glint: {text}");
}

/// Does something until it is done or this process is told to stop. What has not ended by then is left alone.
fn run_until_signal<T>(
    work: impl Future<Output = Result<T, Failure>>,
    stopped: impl FnOnce() -> String,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::run(&error))?;
    let done = runtime.block_on(async {
        let mut signals = gateway::Signals::catch().map_err(|error| Failure::run(&error))?;
        tokio::select! {
            done = work => done,
            () = signals.next() => Err(Failure::Interrupted(stopped())),
        }
    });
    // Threads that read a file would be waited for.
    runtime.shutdown_background();
    done
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@+%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
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
    fn a_word_is_quoted_where_a_shell_would_read_another() {
        for (word, quoted_word) in
            [("a/b.qcow2", "a/b.qcow2"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")]
        {
            assert_eq!(quoted(word), quoted_word);
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
