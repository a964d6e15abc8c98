//! Property protections: who may create, read, update and delete which custom properties.

use regex_lite::Regex;

use super::{Rules, RulesError};
use crate::identity::Caller;
use crate::image::PropertyAction;

/// Which callers have which rights on custom properties: sections, of which the first whose expression is found in a property's
/// name decides. A property of no section is nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protections {
    sections: Vec<Section>,
}

/// What a section's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtectionFormat {
    /// Roles, one of which suffices.
    #[default]
    Roles,
    /// One rule of the policy each.
    Policies,
}

#[derive(Clone, Debug)]
struct Section {
    expression: Regex,
    /// In the order of [`PropertyAction::ALL`].
    rights: [Right; 4],
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.expression.as_str() == other.expression.as_str() && self.rights == other.rights
    }
}

impl Eq for Section {}

/// Who has a right: the words of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Right {
    words: Vec<String>,
    line: usize,
}

impl Protections {
    /// Reads a file of protections: sections as INI files have them, named by regular expressions, each with `create`, `read`,
    /// `update` and `delete`. Sections for `os_glance`'s own properties are passed over.
    ///
    /// # Errors
    /// The line of what is malformed or missing.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let mut sections: Vec<Section> = Vec::new();
        for Lines { name, number, values } in lines(text)? {
            let section = section(&name, number, values)?;
            if sections.iter().any(|other| other.expression.as_str() == name) {
                return Err(RulesError::new(number, format!("section [{name}] stands here twice")));
            }
            sections.push(section);
        }
        sections.retain(|section| !section.expression.as_str().starts_with("os_glance"));
        Ok(Self { sections })
    }

    /// Checks the values as what they are.
    ///
    /// # Errors
    /// The line of a value that is none of its format, or of a rule that is not there.
    pub fn check(&self, format: ProtectionFormat, rules: &Rules) -> Result<(), RulesError> {
        for right in self.rights() {
            let fault = match (format, right.words.as_slice()) {
                _ if right.has("@") && right.has("!") => Some("'@' and '!' exclude each other".to_owned()),
                (ProtectionFormat::Roles, _) | (ProtectionFormat::Policies, []) => None,
                (ProtectionFormat::Policies, [name]) if matches!(name.as_str(), "@" | "!") => None,
                (ProtectionFormat::Policies, [name]) if rules.has(name) => None,
                (ProtectionFormat::Policies, [name]) => Some(format!("there is no rule '{name}'")),
                (ProtectionFormat::Policies, _) => Some("a value is one rule of the policy".to_owned()),
            };
            if let Some(fault) = fault {
                return Err(RulesError::new(right.line, fault));
            }
        }
        Ok(())
    }

    /// The rules that values name.
    pub fn rules(&self, format: ProtectionFormat) -> Vec<String> {
        match format {
            ProtectionFormat::Roles => Vec::new(),
            ProtectionFormat::Policies => self.rights().flat_map(|right| right.words.clone()).collect(),
        }
    }

    fn rights(&self) -> impl Iterator<Item = &Right> {
        self.sections.iter().flat_map(|section| &section.rights)
    }

    /// Whether the caller has a right on a property.
    pub(super) fn allow(
        &self,
        format: ProtectionFormat,
        rules: &Rules,
        caller: &Caller,
        action: PropertyAction,
        name: &str,
    ) -> bool {
        // What the service keeps beside an image has rules of its own.
        if name.starts_with("os_glance") {
            return true;
        }
        let section = self.sections.iter().find(|section| section.expression.is_match(name));
        let Some(right) = section.and_then(|section| section.rights.get(action as usize)) else {
            return false;
        };
        match format {
            _ if right.has("@") => true,
            _ if right.has("!") => false,
            ProtectionFormat::Roles => {
                right.words.iter().any(|role| caller.has_role(role) || caller.has_service_role(role))
            }
            ProtectionFormat::Policies => right.words.iter().any(|name| rules.allows_by_name(name, caller)),
        }
    }
}

impl Right {
    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }
}

fn section(name: &str, number: usize, values: Vec<Value>) -> Result<Section, RulesError> {
    if name == "DEFAULT" {
        return Err(RulesError::new(
            number,
            "sections inherit nothing: write each in full, and none as DEFAULT",
        ));
    }
    let expression = Regex::new(name).map_err(|error| {
        RulesError::new(number, format!("section [{name}] is no regular expression: {error}"))
    })?;
    let mut rights: [Option<Right>; 4] = [const { None }; 4];
    for Value { key, text, line } in values {
        let action = PropertyAction::ALL.iter().position(|action| action.name() == key);
        let place = action.and_then(|at| rights.get_mut(at)).ok_or_else(|| {
            let why = format!("section [{name}] has create, read, update and delete, and not '{key}'");
            RulesError::new(line, why)
        })?;
        let words = text.split(',').map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty());
        if place.replace(Right { words: words.collect(), line }).is_some() {
            return Err(RulesError::new(line, format!("section [{name}] has '{key}' already")));
        }
    }
    if let Some(missing) = PropertyAction::ALL.iter().zip(&rights).find(|(_, right)| right.is_none()) {
        let why = format!(
            "section [{name}] must have create, read, update and delete: '{}' is missing",
            missing.0.name()
        );
        return Err(RulesError::new(number, why));
    }
    let rights = rights.map(|right| right.unwrap_or(Right { words: Vec::new(), line: number }));
    Ok(Section { expression, rights })
}

/// A section as it is written.
struct Lines {
    name: String,
    number: usize,
    values: Vec<Value>,
}

struct Value {
    key: String,
    text: String,
    line: usize,
}

/// The lines that say something, as Python's `configparser` reads them.
fn lines(text: &str) -> Result<Vec<Lines>, RulesError> {
    let mut sections: Vec<Lines> = Vec::new();
    // How far in the last value began: a line that is further in would go on with it.
    let mut value_at: Option<usize> = None;
    for (at, raw) in text.lines().enumerate() {
        let (number, line) = (at + 1, raw.trim());
        let indent = raw.len() - raw.trim_start().len();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if value_at.is_some_and(|value_at| indent > value_at) {
            return Err(RulesError::new(
                number,
                "a value is one line, and this one goes on with the one before",
            ));
        }
        let header = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(name, _)| name);
        match (header, line.split_once(['=', ':']), sections.last_mut()) {
            (Some(name), _, _) if !name.is_empty() => {
                sections.push(Lines { name: name.to_owned(), number, values: Vec::new() });
                value_at = None;
            }
            (None, Some(_), None) => {
                return Err(RulesError::new(number, "a section's [name] must come first"));
            }
            (None, Some((key, value)), Some(section)) => {
                let (key, text) = (key.trim().to_lowercase(), value.trim().to_owned());
                section.values.push(Value { key, text, line: number });
                value_at = Some(indent);
            }
            _ => return Err(RulesError::new(number, "must be a section's [name], or key = value")),
        }
    }
    Ok(sections)
}
