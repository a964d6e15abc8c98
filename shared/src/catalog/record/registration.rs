//! The shape of a registration, within its blob's item.

use serde::{Deserialize, Serialize};

use super::is_default;
use super::session::HashRecord;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::image::{Digests, GivenHash, Note};
use crate::store::Registration;
use crate::time::Timestamp;

/// A registration as it lies in the table. What is unset is left out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RegistrationRecord {
    task: TaskId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<GivenHash>,
    #[serde(default, skip_serializing_if = "is_default")]
    hashes: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    at_its_word: bool,
    #[serde(default, skip_serializing_if = "Note::is_empty")]
    note: Note,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    due: Timestamp,
    ends: Timestamp,
    #[serde(default, skip_serializing_if = "is_default")]
    tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hashed: Option<HashRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Digests>,
}

impl From<&Registration> for RegistrationRecord {
    fn from(registration: &Registration) -> Self {
        let Registration { task, given, hashes, at_its_word, note, size, due, ends, tries, hashed, found } =
            registration.clone();
        let hashed = hashed.map(HashRecord::from);
        Self { task, given, hashes, at_its_word, note, size, due, ends, tries, hashed, found }
    }
}

impl TryFrom<RegistrationRecord> for Registration {
    type Error = Error;

    fn try_from(record: RegistrationRecord) -> Result<Self> {
        let RegistrationRecord {
            task,
            given,
            hashes,
            at_its_word,
            note,
            size,
            due,
            ends,
            tries,
            hashed,
            found,
        } = record;
        let hashed = hashed.map(TryInto::try_into).transpose().map_err(Error::internal)?;
        Ok(Self { task, given, hashes, at_its_word, note, size, due, ends, tries, hashed, found })
    }
}
