//! What every command that reads the configuration is told of it.

use std::path::PathBuf;

use clap::Args;
use shared::config::{Config, ConfigError, Sources};

/// Settings come from the configuration file, then `GLINT_*` variables, then flags; the later wins. `glint settings`
/// lists them all.
#[derive(Debug, Args)]
pub(crate) struct Told {
    #[arg(long, value_name = "FILE", help = "TOML file with settings [default: the one GLINT_CONFIG names]")]
    config: Option<PathBuf>,
    /// Any setting, as in --set table.adapter=memory
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl Told {
    /// The configuration, with settings that have flags of their own, and the file of the environment.
    pub(crate) fn configuration(
        self,
        own: impl IntoIterator<Item = (&'static str, Option<String>)>,
        file: Option<PathBuf>,
    ) -> Result<Config, ConfigError> {
        let mut sources = Sources::default();
        if let Some(path) = self.config.or(file) {
            sources = sources.with_file(&path)?;
        }
        sources = sources.with_environment()?;
        let own = own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        for (key, value) in self.set.into_iter().chain(own) {
            sources = sources.with_flag(key, value);
        }
        Config::load(&sources)
    }
}

pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_has_a_key_and_a_value() {
        assert_eq!(assignment("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(assignment("a="), Ok(("a".to_owned(), String::new())));
        assert!(assignment("a").is_err() && assignment("=b").is_err());
    }
}
