//! What clients note with a location: a JSON object that means nothing here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The most bytes a note may have, as JSON.
const MAX_NOTE_BYTES: usize = 4096;

/// The member that the service writes, whatever a client says.
const STORE: &str = "store";

/// The `metadata` of a location, without the store, which is the service's to tell. Records have it as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Note(Map<String, Value>);

impl Note {
    /// Reads `metadata`. What it says of the store is passed over.
    ///
    /// # Errors
    /// `Invalid` when it is too long.
    pub fn read(mut said: Map<String, Value>) -> Result<Self> {
        said.remove(STORE);
        let note = Self(said);
        let bytes = String::from(note.clone()).len();
        if bytes > MAX_NOTE_BYTES {
            let text = format!("metadata: may have at most {MAX_NOTE_BYTES} bytes of JSON, not {bytes}");
            return Err(Error::Invalid(text));
        }
        Ok(note)
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was noted.
    pub fn into_members(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        Value::Object(note.0).to_string()
    }
}

impl TryFrom<String> for Note {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(said: Value) -> Result<Note> {
        let Value::Object(said) = said else { panic!("{said}") };
        Note::read(said)
    }

    #[test]
    fn a_note_is_kept_as_it_was_said_but_for_the_store() {
        let said = json!({"foo": "bar", "n": [1, 2.5, null], "store": "elsewhere"});
        let note = read(said).unwrap();
        assert_eq!(Value::Object(note.clone().into_members()), json!({"foo": "bar", "n": [1, 2.5, null]}));
        let kept = serde_json::to_value(&note).unwrap();
        assert!(kept.is_string(), "{kept}");
        assert_eq!(serde_json::from_value::<Note>(kept).unwrap(), note);
    }

    #[test]
    fn a_note_is_short() {
        let letters = |count| json!({"a": "x".repeat(count)});
        assert!(read(letters(MAX_NOTE_BYTES - 8)).is_ok());
        let error = read(letters(MAX_NOTE_BYTES - 7)).unwrap_err();
        assert_eq!(error.to_string(), "metadata: may have at most 4096 bytes of JSON, not 4097");
    }
}
