//! `glint serve`: the gateway, told by file, environment and flags.

use std::path::PathBuf;

use clap::Args;
use gateway::{Gateway, Signals};
use shared::config::{Config, ConfigError, Sources};

use crate::{Failure, say};

/// Settings come from the configuration file, then `GLINT_*` variables, then flags; the later wins. `glint settings`
/// lists them all.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:9292]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Directory the data lies in [default: ./glint-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    #[arg(long, value_name = "FILE", help = "TOML file with settings [default: the one GLINT_CONFIG names]")]
    config: Option<PathBuf>,
    /// Any setting, as in --set table.adapter=memory
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl Serve {
    /// Serves until a signal to stop.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = self.configuration(Sources::file_from_environment()).map_err(Failure::usage)?;
        shared::log::start(&config.log).map_err(Failure::usage)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_err(|error| Failure::run(&error))?.block_on(async {
            // Before anything is opened, so that a signal never meets half of a start.
            let signals = Signals::catch().map_err(|error| Failure::run(&error))?;
            let gateway = Gateway::open(config).await.map_err(|error| Failure::run(&error))?;
            say(&gateway.banner())?;
            gateway.run_until_signal(signals).await;
            Ok(())
        })
    }

    fn configuration(self, file: Option<PathBuf>) -> Result<Config, ConfigError> {
        load(self.config.or(file), self.set, [("listen", self.listen), ("data", self.data)])
    }
}

/// The configuration by file, environment, settings on the command line, and flags of their own.
pub(crate) fn load(
    file: Option<PathBuf>,
    set: Vec<(String, String)>,
    own: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Result<Config, ConfigError> {
    let mut sources = Sources::default();
    if let Some(path) = file {
        sources = sources.with_file(&path)?;
    }
    sources = sources.with_environment()?;
    let own = own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    for (key, value) in set.into_iter().chain(own) {
        sources = sources.with_flag(key, value);
    }
    Config::load(&sources)
}

pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Arguments, Command};

    fn parsed(arguments: &[&str]) -> Serve {
        let all = ["glint", "serve"].iter().chain(arguments);
        match Arguments::try_parse_from(all).unwrap().command {
            Command::Serve(serve) => serve,
            Command::Recount(_) | Command::Settings => panic!("not what was asked for"),
        }
    }

    #[test]
    fn flags_go_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("glint.toml");
        std::fs::write(&file, "listen = '127.0.0.1:1'\nlog = 'warn'\n").unwrap();
        let arguments =
            ["--listen", "127.0.0.1:2", "--set", "store.id=shelf", "--config", file.to_str().unwrap()];
        let config = parsed(&arguments).configuration(None).unwrap();
        assert_eq!(
            (config.listen.port(), config.log.as_str(), config.store.id.as_str()),
            (2, "warn", "shelf")
        );
    }

    #[test]
    fn the_file_of_the_environment_is_the_second_choice() {
        let absent = PathBuf::from("/nonexistent/glint.toml");
        let error = parsed(&[]).configuration(Some(absent.clone())).unwrap_err();
        assert!(error.to_string().starts_with("configuration file /nonexistent/glint.toml: "), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("glint.toml");
        std::fs::write(&file, "").unwrap();
        assert!(parsed(&["--config", file.to_str().unwrap()]).configuration(Some(absent)).is_ok());
    }

    #[test]
    fn an_assignment_has_a_key_and_a_value() {
        assert_eq!(assignment("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(assignment("a="), Ok(("a".to_owned(), String::new())));
        assert!(assignment("a").is_err() && assignment("=b").is_err());
    }
}
