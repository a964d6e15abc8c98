//! A policy file as text: a map of names to rules, in YAML or JSON, with the line of each.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::RulesError;

/// The largest policy, in bytes.
const MAX_BYTES: usize = 256 << 10;

/// One rule of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// Reads a file. JSON is YAML too. Nothing in it is no rule.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, RulesError> {
    if text.len() > MAX_BYTES {
        return Err(RulesError::new(1, format!("a policy may have {MAX_BYTES} bytes, not {}", text.len())));
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut place = Place::Start;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| RulesError::new(error.marker().line(), error.info()))?;
        let line = span.start.line();
        place = match (place, event) {
            (place, Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd) => place,
            (Place::Start, Event::DocumentStart(_)) => Place::Root,
            (_, Event::DocumentStart(_)) => {
                return Err(RulesError::new(line, "a policy is one document, and here begins another"));
            }
            (Place::Root, Event::MappingStart(..)) => Place::Name,
            // A file of comments alone.
            (Place::Root, Event::Scalar(value, ScalarStyle::Plain, ..))
                if value.is_empty() || value == "~" =>
            {
                Place::End
            }
            (Place::Name, Event::MappingEnd) => Place::End,
            (Place::Name, Event::Scalar(name, ..)) => {
                if let Some(first) = entries.iter().find(|entry| entry.name == name) {
                    let why = format!("rule '{name}' stands in line {} already", first.line);
                    return Err(RulesError::new(line, why));
                }
                Place::Rule(name.into_owned(), line)
            }
            (Place::Rule(name, line), Event::Scalar(value, style, _, tag)) => {
                if (style == ScalarStyle::Plain && value.is_empty()) || tag.is_some() {
                    let why = format!("rule '{name}' has no text: write \"\" for always, or \"!\" for never");
                    return Err(RulesError::new(line, why));
                }
                entries.push(Entry { name, text: value.into_owned(), line });
                Place::Name
            }
            (Place::Rule(name, line), _) => {
                return Err(RulesError::new(line, format!("rule '{name}' must be a text")));
            }
            (_, _) => return Err(RulesError::new(line, "a policy is a map of names to rules")),
        };
    }
    Ok(entries)
}

enum Place {
    Start,
    Root,
    Name,
    Rule(String, usize),
    End,
}
