//! The language of policy files, as `oslo.policy` reads it: a rule's text becomes a check, and a check is asked.

use super::target::{Attribute, Target};
use crate::identity::Caller;

/// How deep parentheses, and rules that name rules, may be nested.
pub(super) const MAX_DEPTH: usize = 64;

/// A rule that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Always,
    Never,
    Role(Template),
    Rule(String),
    Caller(Attribution, Template),
    Literal(String, Template),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// What of the caller a rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribution {
    User,
    Project,
    Roles,
    ServiceRoles,
    /// What only tokens of the system or of a domain have: nobody whom a rule is asked about.
    Elsewhere,
}

/// Names of the caller's attributes, those that are deprecated last.
const ATTRIBUTIONS: [(&str, Attribution); 10] = [
    ("user_id", Attribution::User),
    ("project_id", Attribution::Project),
    ("roles", Attribution::Roles),
    ("service_roles", Attribution::ServiceRoles),
    ("system_scope", Attribution::Elsewhere),
    ("domain_id", Attribution::Elsewhere),
    ("user", Attribution::User),
    ("tenant", Attribution::Project),
    ("tenant_id", Attribution::Project),
    ("system", Attribution::Elsewhere),
];

/// A text with `%(name)s` for the target's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Attribute(String),
}

/// Who asks, about what, and where rules by other names are.
pub(super) struct Question<'a> {
    pub(super) caller: &'a Caller,
    pub(super) target: Target<'a>,
    pub(super) rule: &'a dyn Fn(&str) -> Option<&'a Check>,
}

impl Check {
    /// Reads a rule.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut words = words(text);
        if words.is_empty() {
            return Ok(Self::Always);
        }
        words.reverse();
        let check = any(&mut words, 0)?;
        match words.pop() {
            None => Ok(check),
            Some(Word::Close) => Err("a ')' closes nothing".to_owned()),
            Some(word) => Err(format!("'and' or 'or' is missing before {word}")),
        }
    }

    /// Whether the caller is let through.
    pub(super) fn holds(&self, question: &Question<'_>) -> bool {
        let Question { caller, target, rule } = question;
        let filled = |template: &Template| template.fill(caller, *target);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Role(role) => filled(role).is_some_and(|role| caller.has_role(&role.text.to_lowercase())),
            Self::Rule(name) => rule(name).is_some_and(|check| check.holds(question)),
            Self::Caller(Attribution::Project, template) if template.is_callers_project(*target) => true,
            Self::Caller(attribution, template) => filled(template)
                .is_some_and(|wanted| !wanted.has_null && attribution.is(caller, &wanted.text)),
            Self::Literal(text, template) => filled(template).is_some_and(|wanted| *text == wanted.text),
            Self::Not(check) => !check.holds(question),
            Self::All(checks) => checks.iter().all(|check| check.holds(question)),
            Self::Any(checks) => checks.iter().any(|check| check.holds(question)),
        }
    }

    /// The rules it names.
    pub(super) fn named(&self) -> Vec<&str> {
        match self {
            Self::Rule(name) => vec![name],
            Self::Not(check) => check.named(),
            Self::All(checks) | Self::Any(checks) => checks.iter().flat_map(Self::named).collect(),
            Self::Always | Self::Never | Self::Role(_) | Self::Caller(..) | Self::Literal(..) => Vec::new(),
        }
    }
}

impl Attribution {
    fn is(self, caller: &Caller, text: &str) -> bool {
        match self {
            Self::User => caller.user() == Some(text),
            Self::Project => caller.project().is_some_and(|project| project.as_str() == text),
            Self::Roles => caller.has_role(text),
            Self::ServiceRoles => caller.has_service_role(text),
            Self::Elsewhere => false,
        }
    }
}

/// A template with a target's attributes in it.
struct Filled {
    text: String,
    /// Whether one of them has no value, and is written `None` as Python does. It equals nothing of a caller.
    has_null: bool,
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("'{text}': a '%' must begin %(name)s or %%");
        let mut pieces = Vec::new();
        let mut parts = text.split('%');
        let mut plain = parts.next().unwrap_or_default().to_owned();
        while let Some(part) = parts.next() {
            if part.is_empty() {
                plain.push('%');
                plain.push_str(parts.next().ok_or_else(malformed)?);
                continue;
            }
            let named = part.strip_prefix('(').and_then(|part| part.split_once(")s"));
            let (name, rest) = named.filter(|(name, _)| !name.is_empty()).ok_or_else(malformed)?;
            pieces.extend([Piece::Text(std::mem::take(&mut plain)), Piece::Attribute(name.to_owned())]);
            rest.clone_into(&mut plain);
        }
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// `None` when the target has no such attribute: then the check fails.
    fn fill(&self, caller: &Caller, target: Target<'_>) -> Option<Filled> {
        let mut filled = Filled { text: String::new(), has_null: false };
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.text.push_str(text),
                Piece::Attribute(name) => match target.attribute(name, caller) {
                    Attribute::Unknown => return None,
                    Attribute::Null => {
                        filled.has_null = true;
                        filled.text.push_str("None");
                    }
                    Attribute::Text(text) => filled.text.push_str(&text),
                },
            }
        }
        Some(filled)
    }

    /// Whether it is the project of the caller, who may have none: lists are of what is the caller's own.
    fn is_callers_project(&self, target: Target<'_>) -> bool {
        matches!(self.0.as_slice(), [Piece::Attribute(name)] if target.is_callers_project(name))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    And,
    Or,
    Not,
    Check(String),
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "'('",
            Self::Close => "')'",
            Self::And => "'and'",
            Self::Or => "'or'",
            Self::Not => "'not'",
            Self::Check(text) => return write!(f, "'{text}'"),
        })
    }
}

/// Words are separated by blanks; parentheses count at their ends alone, for `%(name)s` has its own.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let rest = word.trim_start_matches('(');
        words.extend(std::iter::repeat_n(Word::Open, word.len() - rest.len()));
        let clean = rest.trim_end_matches(')');
        match clean.to_lowercase().as_str() {
            "" => {}
            "and" => words.push(Word::And),
            "or" => words.push(Word::Or),
            "not" => words.push(Word::Not),
            _ => words.push(Word::Check(clean.to_owned())),
        }
        words.extend(std::iter::repeat_n(Word::Close, rest.len() - clean.len()));
    }
    words
}

/// The words that are left, the next one last.
type Words = Vec<Word>;

fn any(words: &mut Words, depth: usize) -> Result<Check, String> {
    let mut checks = vec![all(words, depth)?];
    while words.pop_if(|word| *word == Word::Or).is_some() {
        checks.push(all(words, depth)?);
    }
    Ok(one_or(checks, Check::Any))
}

fn all(words: &mut Words, depth: usize) -> Result<Check, String> {
    let mut checks = vec![one(words, depth)?];
    while words.pop_if(|word| *word == Word::And).is_some() {
        checks.push(one(words, depth)?);
    }
    Ok(one_or(checks, Check::All))
}

fn one_or(mut checks: Vec<Check>, several: impl FnOnce(Vec<Check>) -> Check) -> Check {
    match checks.pop() {
        Some(only) if checks.is_empty() => only,
        Some(last) => {
            checks.push(last);
            several(checks)
        }
        None => Check::Never,
    }
}

fn one(words: &mut Words, depth: usize) -> Result<Check, String> {
    if depth > MAX_DEPTH {
        return Err(format!("parentheses and 'not' may be nested {MAX_DEPTH} deep"));
    }
    match words.pop() {
        Some(Word::Not) => Ok(Check::Not(Box::new(one(words, depth + 1)?))),
        Some(Word::Open) => {
            let check = any(words, depth + 1)?;
            match words.pop() {
                Some(Word::Close) => Ok(check),
                None => Err("a '(' is not closed".to_owned()),
                Some(word) => Err(format!("'and' or 'or' is missing before {word}")),
            }
        }
        Some(Word::Check(text)) => check(&text),
        Some(word) => Err(format!("a check is missing before {word}")),
        None => Err("a check is missing at the end".to_owned()),
    }
}

fn check(text: &str) -> Result<Check, String> {
    match text {
        "@" => return Ok(Check::Always),
        "!" => return Ok(Check::Never),
        _ => {}
    }
    let Some((kind, matched)) = text.split_once(':') else {
        return Err(format!("'{text}' is no check: one is kind:value, such as role:admin, or '@' or '!'"));
    };
    match kind {
        "role" => Ok(Check::Role(Template::parse(matched)?)),
        "rule" if matched.is_empty() => Err(format!("'{text}' names no rule")),
        "rule" => Ok(Check::Rule(matched.to_owned())),
        "http" | "https" => {
            Err(format!("'{text}': no other server is asked; write the rule without http: and https:"))
        }
        _ => match (literal(kind), ATTRIBUTIONS.iter().find(|(name, _)| *name == kind)) {
            (Some(literal), _) => Ok(Check::Literal(literal, Template::parse(matched)?)),
            (None, Some((_, attribution))) => Ok(Check::Caller(*attribution, Template::parse(matched)?)),
            (None, None) => {
                let names: Vec<_> = ATTRIBUTIONS.iter().take(6).map(|(name, _)| *name).collect();
                Err(format!(
                    "'{text}': '{kind}' is nothing a caller is known by; those are {}, and a literal has quotes",
                    names.join(", ")
                ))
            }
        },
    }
}

/// What Python takes for a literal, as Python writes it.
fn literal(kind: &str) -> Option<String> {
    let quoted = ['\'', '"'].into_iter().find_map(|quote| {
        let inner = kind.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains([quote, '\\'])).then_some(inner)
    });
    let plain = matches!(kind, "True" | "False" | "None") || kind == "0" || is_integer(kind);
    quoted.or_else(|| plain.then_some(kind)).map(str::to_owned)
}

fn is_integer(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}
