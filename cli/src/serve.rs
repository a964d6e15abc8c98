//! `glint serve`: the gateway, told by file, environment and flags.

use std::path::PathBuf;

use clap::Args;
use gateway::{Gateway, Signals};
use shared::config::{Config, ConfigError, Sources};

use crate::told::Told;
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
    #[command(flatten)]
    told: Told,
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
            Box::pin(gateway.run_until_signal(signals)).await;
            Ok(())
        })
    }

    fn configuration(self, file: Option<PathBuf>) -> Result<Config, ConfigError> {
        self.told.configuration([("listen", self.listen), ("data", self.data)], file)
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
            _ => panic!("not what was asked for"),
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
}
