//! Where settings come from, and the errors that say so.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Config, SETTINGS, Setting};
use crate::text::near;

/// What was said, by whom, not yet understood.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    said: Vec<Said>,
}

#[derive(Clone, Debug)]
struct Said {
    key: String,
    value: String,
    origin: Origin,
}

/// Who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: the default.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Environment(variable) => write!(f, "the variable {variable}"),
            Self::Flag => f.write_str("the command line"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting that does not exist.
    #[error("unknown setting '{key}' in {origin}{}", hint(key))]
    Unknown {
        /// As it was written.
        key: String,
        /// Who wrote it.
        origin: Origin,
    },
    /// A value that cannot be used.
    #[error("setting '{key}', from {origin}: {why}")]
    Bad {
        /// The setting's key.
        key: String,
        /// Who gave the value.
        origin: Origin,
        /// What is wrong with it.
        why: String,
    },
    /// A file that cannot be read.
    #[error("configuration file {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not TOML.
    #[error("configuration file {path}: {source}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
}

impl Sources {
    /// Adds a TOML file over what was said so far.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or holds a list or a date where a value belongs.
    pub fn with_file(self, path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        self.with_toml(path, &text)
    }

    pub(super) fn with_toml(mut self, path: &Path, text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table =
            text.parse().map_err(|source| ConfigError::Malformed { path: path.to_owned(), source })?;
        let origin = Origin::File(path.to_owned());
        for (key, value) in &table {
            self.say_toml(key.clone(), value, &origin)?;
        }
        Ok(self)
    }

    /// Adds a value, or each in a table that settings lie in.
    fn say_toml(&mut self, key: String, value: &toml::Value, origin: &Origin) -> Result<(), ConfigError> {
        let nested =
            key.split('.').count() == 1 || SETTINGS.iter().any(|setting| is_within(setting.key, &key));
        match value {
            // As long as they please: the setting reads them.
            toml::Value::Table(inner) if key == TABLES => {
                let value = serde_json::to_string(inner).map_err(|error| ConfigError::Bad {
                    key: key.clone(),
                    origin: origin.clone(),
                    why: error.to_string(),
                })?;
                self.said.push(Said { key, value, origin: origin.clone() });
                Ok(())
            }
            toml::Value::Table(inner) if nested => inner
                .iter()
                .try_for_each(|(name, value)| self.say_toml(format!("{key}.{name}"), value, origin)),
            value => {
                self.said.push(said_in_toml(key, value, origin)?);
                Ok(())
            }
        }
    }

    /// Adds the process's `GLINT_*` variables over what was said so far. `GLINT_CONFIG` is not one of them: it names
    /// the file ([`Sources::file_from_environment`]).
    ///
    /// # Errors
    /// When a variable has no setting.
    pub fn with_environment(self) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("GLINT_"))?;
            Some((name, value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned())))
        });
        self.with_variables(variables)
    }

    pub(super) fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        for (variable, value) in variables {
            if variable == FILE_VARIABLE {
                continue;
            }
            let setting = SETTINGS.iter().find(|setting| setting.is_variable(&variable));
            let origin = Origin::Environment(variable.clone());
            let Some(setting) = setting else { return Err(ConfigError::Unknown { key: variable, origin }) };
            self.said.push(Said { key: setting.key.to_owned(), value, origin });
        }
        Ok(self)
    }

    /// The file that `GLINT_CONFIG` names.
    pub fn file_from_environment() -> Option<PathBuf> {
        std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Adds one setting from the command line over what was said so far.
    #[must_use]
    pub fn with_flag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.said.push(Said { key: key.into(), value: value.into(), origin: Origin::Flag });
        self
    }

    /// Says everything to `config`, in order; answers who had the last word on each key.
    pub(super) fn apply(&self, config: &mut Config) -> Result<BTreeMap<&'static str, Origin>, ConfigError> {
        let mut origins = BTreeMap::new();
        for Said { key, value, origin } in &self.said {
            let Some(setting) = Setting::of(key) else {
                return Err(ConfigError::Unknown { key: key.clone(), origin: origin.clone() });
            };
            (setting.set)(config, value).map_err(|why| ConfigError::Bad {
                key: key.clone(),
                origin: origin.clone(),
                why,
            })?;
            origins.insert(setting.key, origin.clone());
        }
        Ok(origins)
    }
}

fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// The setting that is a table of tables, whose names are people's.
const TABLES: &str = "stores";

const FILE_VARIABLE: &str = "GLINT_CONFIG";

fn said_in_toml(key: String, value: &toml::Value, origin: &Origin) -> Result<Said, ConfigError> {
    let origin = origin.clone();
    let value = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
            // An unknown key is the better news about a table in a table.
            if Setting::of(&key).is_none() {
                return Err(ConfigError::Unknown { key, origin });
            }
            let why =
                format!("must be a text, a whole number, true or false, not of type {}", value.type_str());
            return Err(ConfigError::Bad { key, origin, why });
        }
    };
    Ok(Said { key, value, origin })
}

/// The setting that was meant, when one ends as the unknown one does.
fn hint(key: &str) -> String {
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let meant = SETTINGS.iter().find(|setting| {
        let variable = setting.variable();
        last(setting.key) == last(key)
            || variable.ends_with(key.trim_start_matches("GLINT"))
            || near(&variable, key)
            || near(setting.key, key)
    });
    match meant {
        Some(setting) if key.starts_with("GLINT_") => format!(": did you mean {}?", setting.variable()),
        Some(setting) => format!(": did you mean '{}'?", setting.key),
        None => String::new(),
    }
}
