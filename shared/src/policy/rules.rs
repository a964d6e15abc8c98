//! The rules in force: the defaults, or those that a file says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, MAX_DEPTH, Question};
use super::document::{self, Entry};
use super::names::{BASES, UNSERVED};
use super::{Operation, Target};
use crate::identity::Caller;

/// A set of rules, one for each operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Nothing when all are as they are by default: then the compiler made them.
    written: Option<Written>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    named: BTreeMap<String, Named>,
    /// Names that are neither Glance's nor in any other rule, with their lines.
    unused: Vec<(String, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    check: Check,
    text: String,
    line: Option<usize>,
}

/// What is wrong with a policy, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct RulesError {
    line: usize,
    why: String,
}

impl RulesError {
    pub(super) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl Rules {
    /// Reads what a policy file says otherwise than the defaults: a map of names to rules in the language of `oslo.policy`, as
    /// YAML or JSON.
    ///
    /// # Errors
    /// The first rule that cannot be read, names a rule that is not there, or, by others, itself.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let entries = document::entries(text)?;
        if entries.is_empty() {
            return Ok(Self::default());
        }
        let mut named: BTreeMap<String, Named> = defaults().collect();
        for Entry { name, text, line } in entries {
            let check = Check::parse(&text).map_err(|why| RulesError::new(line, of_rule(&name, &why)))?;
            named.insert(name, Named { check, text, line: Some(line) });
        }
        let mut followed = BTreeSet::new();
        for (name, rule) in &named {
            let line = rule.line.unwrap_or(1);
            // What guards nothing here may name what is Glance's default there.
            let absent = |other: &&str| {
                let unserved = UNSERVED.contains(other) && UNSERVED.contains(&name.as_str());
                !named.contains_key(*other) && !unserved
            };
            if let Some(absent) = rule.check.named().into_iter().find(absent) {
                let why = of_rule(name, &format!("there is no rule '{absent}'"));
                return Err(RulesError::new(line, why));
            }
            follow(&named, name, &mut Vec::new(), &mut followed)
                .map_err(|why| RulesError::new(line, of_rule(name, &why)))?;
        }
        let used = |name: &str| named.values().any(|rule| rule.check.named().contains(&name));
        let unused = named.iter().filter(|(name, _)| !is_known(name) && !used(name));
        let unused = unused.map(|(name, rule)| (name.clone(), rule.line.unwrap_or(1))).collect();
        Ok(Self { written: Some(Written { named, unused }) })
    }

    /// Refuses a rule that nothing asks for, unless it is one of those `asked` by name elsewhere.
    ///
    /// # Errors
    /// The first of them, with the name that was meant if there is one.
    pub fn check_used(&self, asked: &[String]) -> Result<(), RulesError> {
        let unused = self.written.iter().flat_map(|written| &written.unused);
        match unused.into_iter().find(|(name, _)| !asked.contains(name)) {
            None => Ok(()),
            Some((name, line)) => {
                let meant = known().find(|known| crate::text::near(known, name));
                let hint = meant.map(|meant| format!(": did you mean '{meant}'?")).unwrap_or_default();
                let why = format!("'{name}' is neither an operation nor named by another rule{hint}");
                Err(RulesError::new(*line, why))
            }
        }
    }

    /// Whether there is a rule of a name.
    pub fn has(&self, name: &str) -> bool {
        match &self.written {
            Some(written) => written.named.contains_key(name),
            None => BASES.iter().any(|(base, _)| *base == name) || operation(name).is_some(),
        }
    }

    /// Whether the rule of an operation lets the caller through.
    pub(super) fn allows(&self, operation: Operation, caller: &Caller, target: Target<'_>) -> bool {
        match &self.written {
            None => operation.rule().allows(caller, target),
            Some(written) => written.allows(operation.name(), caller, target),
        }
    }

    /// Whether a rule lets the caller through who asks for nothing in particular. One that is not there lets nobody.
    pub(super) fn allows_by_name(&self, name: &str, caller: &Caller) -> bool {
        match (&self.written, name) {
            (Some(written), _) => written.allows(name, caller, Target::nothing()),
            (None, "context_is_admin") => caller.has_role("admin"),
            (None, "service_api") => caller.has_role("admin") || caller.has_role("service"),
            (None, "default") => true,
            (None, _) => {
                operation(name).is_some_and(|operation| operation.rule().allows(caller, Target::nothing()))
            }
        }
    }

    /// Whether the caller is an administrator.
    pub(super) fn is_admin(&self, caller: &Caller) -> bool {
        self.allows_by_name("context_is_admin", caller)
    }

    /// The text of a rule, and whether a file says it.
    pub fn text(&self, name: &str) -> Option<(&str, bool)> {
        if let Some(Written { named, .. }) = &self.written {
            return named.get(name).map(|rule| (rule.text.as_str(), rule.line.is_some()));
        }
        let base = BASES.iter().find(|(base, _)| *base == name).map(|(_, text)| *text);
        base.or_else(|| operation(name).map(Operation::default_rule)).map(|text| (text, false))
    }

    /// Names that a file has beside operations and bases, in order.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        let named = self.written.iter().flat_map(|written| written.named.keys());
        let is_base = |name: &str| BASES.iter().any(|(base, _)| *base == name);
        named.map(String::as_str).filter(move |name| operation(name).is_none() && !is_base(name))
    }
}

impl Written {
    fn allows(&self, name: &str, caller: &Caller, target: Target<'_>) -> bool {
        let rule = |name: &str| Some(&self.named.get(name)?.check);
        rule(name).is_some_and(|check| check.holds(&Question { caller, target, rule: &rule }))
    }
}

/// The rules by default, as texts: for those that a file leaves alone.
fn defaults() -> impl Iterator<Item = (String, Named)> {
    let operations = Operation::ALL.iter().map(|operation| (operation.name(), operation.default_rule()));
    // A default that could not be read would be one that lets nobody through; the tests hold each to its compiled form.
    let check = |text: &str| Check::parse(text).unwrap_or(Check::Never);
    BASES.into_iter().chain(operations).map(move |(name, text)| {
        (name.to_owned(), Named { check: check(text), text: text.to_owned(), line: None })
    })
}

/// Follows the rules that a rule names.
fn follow<'a>(
    named: &'a BTreeMap<String, Named>,
    name: &'a str,
    path: &mut Vec<&'a str>,
    followed: &mut BTreeSet<&'a str>,
) -> Result<(), String> {
    if path.contains(&name) {
        return Err(format!("it names itself, by {} → {name}", path.join(" → ")));
    }
    if path.len() > MAX_DEPTH {
        return Err(format!("rules may name rules {MAX_DEPTH} deep"));
    }
    if !followed.contains(name) {
        path.push(name);
        let next = named.get(name).map_or_else(Vec::new, |rule| rule.check.named());
        next.into_iter().try_for_each(|next| follow(named, next, path, followed))?;
        path.pop();
        followed.insert(name);
    }
    Ok(())
}

fn of_rule(name: &str, why: &str) -> String {
    format!("rule '{name}': {why}")
}

fn operation(name: &str) -> Option<Operation> {
    Operation::ALL.iter().copied().find(|operation| operation.name() == name)
}

/// The names Glance has.
fn known() -> impl Iterator<Item = &'static str> {
    let operations = Operation::ALL.iter().map(|operation| operation.name());
    operations.chain(BASES.iter().map(|(name, _)| *name)).chain(UNSERVED.iter().copied())
}

fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}
