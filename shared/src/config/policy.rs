//! Who may do what: where rules come from.

use std::path::{Path, PathBuf};

use crate::policy::{Policy, Rules};

/// Who may do what, where it differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// A file of rules.
    pub file: Option<PolicyFile>,
    /// The rules themselves.
    pub rules: Option<PolicyText>,
}

/// A file of rules, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says.
    pub rules: Rules,
}

/// Rules in a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// As they were written.
    pub text: String,
    /// What they say.
    pub rules: Rules,
}

impl PolicyFile {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// Why it cannot be read; or its line, and what is wrong there.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = text_of(path)?;
        let rules = Rules::parse(&text).map_err(|error| format!("{}, {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), rules })
    }
}

impl PolicyText {
    /// Reads rules.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn read(text: &str) -> Result<Self, String> {
        let rules = Rules::parse(text).map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), rules })
    }
}

impl PolicyConfig {
    /// The policy of a process.
    pub fn policy(&self) -> Policy {
        Policy::new(self.rules().cloned().unwrap_or_default())
    }

    /// Refuses rules that nothing asks for.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn check_used(&self, rules: &Rules) -> Result<(), String> {
        rules.check_used(&[]).map_err(|error| error.to_string())
    }

    /// The rules that differ from the defaults, if any do.
    pub fn rules(&self) -> Option<&Rules> {
        let file = self.file.as_ref().map(|file| &file.rules);
        file.or_else(|| self.rules.as_ref().map(|text| &text.rules))
    }

    /// What does not fit the rest: the key to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        match (&self.file, &self.rules) {
            (Some(_), Some(_)) => {
                Some(("policy.rules", "must not be set beside policy.file: rules have one source".to_owned()))
            }
            (Some(file), None) => {
                let unused = self.check_used(&file.rules).err()?;
                Some(("policy.file", format!("{}, {unused}", file.path.display())))
            }
            (None, Some(text)) => Some(("policy.rules", self.check_used(&text.rules).err()?)),
            (None, None) => None,
        }
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
