//! Who may do what: where rules come from.

use super::content::{Content, FileOf, Said, TextOf, said};
use crate::policy::{Policy, ProtectionFormat, Protections, Rules};

/// Who may do what, where it differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// A file of rules.
    pub file: Option<FileOf<Rules>>,
    /// The rules themselves.
    pub rules: Option<TextOf<Rules>>,
    /// A file of property protections.
    pub property_protections_file: Option<FileOf<Protections>>,
    /// The protections themselves.
    pub property_protections: Option<TextOf<Protections>>,
    /// What protections name.
    pub property_protections_format: ProtectionFormat,
}

impl Content for Rules {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl Content for Protections {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

impl PolicyConfig {
    /// The policy of a process.
    pub fn policy(&self) -> Policy {
        let policy = Policy::new(self.rules().cloned().unwrap_or_default());
        match self.protections() {
            Some(said) => policy.protecting(said.content.clone(), self.property_protections_format),
            None => policy,
        }
    }

    /// The rules that differ from the defaults, if any do.
    pub fn rules(&self) -> Option<&Rules> {
        self.said().map(|said| said.content)
    }

    /// Refuses rules that nothing asks for, and some that protections ask for and that are not there.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn check(&self, rules: &Rules) -> Result<(), String> {
        let format = self.property_protections_format;
        let protections = self.protections().map(|said| said.content);
        let asked = protections.map_or_else(Vec::new, |protections| protections.rules(format));
        rules.check_used(&asked).map_err(|error| error.to_string())?;
        let Some(protections) = protections else { return Ok(()) };
        protections.check(format, rules).map_err(|error| format!("for the property protections, {error}"))
    }

    fn said(&self) -> Option<Said<'_, Rules>> {
        said(("policy.file", self.file.as_ref()), ("policy.rules", self.rules.as_ref()))
    }

    fn protections(&self) -> Option<Said<'_, Protections>> {
        said(
            ("policy.property_protections_file", self.property_protections_file.as_ref()),
            ("policy.property_protections", self.property_protections.as_ref()),
        )
    }

    /// What does not fit the rest: the key to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        let twice = |key, other| Some((key, format!("must not be set beside {other}")));
        if self.file.is_some() && self.rules.is_some() {
            return twice("policy.rules", "policy.file");
        }
        if self.property_protections_file.is_some() && self.property_protections.is_some() {
            return twice("policy.property_protections", "policy.property_protections_file");
        }
        let (rules, protections) = (self.said(), self.protections());
        let asked = protections
            .as_ref()
            .map_or_else(Vec::new, |said| said.content.rules(self.property_protections_format));
        let unused = rules.as_ref().and_then(|said| Some(said.fault(said.content.check_used(&asked).err()?)));
        unused.or_else(|| {
            let (said, defaults) = (protections.as_ref()?, Rules::default());
            let rules = rules.as_ref().map_or(&defaults, |said| said.content);
            Some(said.fault(said.content.check(self.property_protections_format, rules).err()?))
        })
    }
}
