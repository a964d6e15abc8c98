//! The shape of an upload session, within its blob's item.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::error::{Error, Result};
use crate::image::DiskFormat;
use crate::store::{ChecksumKind, Expected, Filling, HashState, PartLayout, Phase, Session};
use crate::time::Timestamp;

/// An upload session as it lies in the table. What is unset is left out; states of hashes are base 64.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    #[serde(default, skip_serializing_if = "is_default")]
    completing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    import: Option<ImportRecord>,
    size: u64,
    part_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<ChecksumKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha512: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared: Option<DiskFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    due: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hashed: Option<HashRecord>,
}

/// What makes it an import's.
#[derive(Debug, Serialize, Deserialize)]
struct ImportRecord {
    #[serde(default, skip_serializing_if = "is_default")]
    streaming: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validator: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    tries: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// How far data is hashed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HashRecord {
    bytes: u64,
    md5: String,
    sha512: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

impl From<HashState> for HashRecord {
    fn from(state: HashState) -> Self {
        Self {
            bytes: state.bytes,
            md5: STANDARD.encode(state.md5),
            sha512: STANDARD.encode(state.sha512),
            signed: state.signed.map(|signed| STANDARD.encode(signed)),
        }
    }
}

impl TryFrom<HashRecord> for HashState {
    type Error = base64::DecodeError;

    fn try_from(record: HashRecord) -> Result<Self, base64::DecodeError> {
        Ok(Self {
            bytes: record.bytes,
            md5: STANDARD.decode(record.md5)?,
            sha512: STANDARD.decode(record.sha512)?,
            signed: record.signed.map(|signed| STANDARD.decode(signed)).transpose()?,
        })
    }
}

impl From<&Session> for SessionRecord {
    fn from(session: &Session) -> Self {
        let session = session.clone();
        let Session {
            phase,
            layout,
            checksum,
            expected,
            declared,
            verifier,
            upload,
            due,
            ends,
            hashed,
            filling,
        } = session;
        let import = phase.is_import().then_some(ImportRecord {
            streaming: phase == Phase::Streaming,
            validator: filling.validator,
            tries: filling.tries,
            bytes: filling.bytes,
            token: filling.token,
        });
        Self {
            completing: matches!(phase, Phase::Completing | Phase::Filled),
            import,
            size: layout.size,
            part_bytes: layout.part_bytes,
            checksum,
            md5: expected.md5,
            sha512: expected.sha512,
            declared,
            verifier,
            upload,
            due,
            ends,
            hashed: hashed.map(HashRecord::from),
        }
    }
}

impl TryFrom<SessionRecord> for Session {
    type Error = Error;

    fn try_from(record: SessionRecord) -> Result<Self> {
        let phase = match (&record.import, record.completing) {
            (None, false) => Phase::Open,
            (None, true) => Phase::Completing,
            (Some(_), true) => Phase::Filled,
            (Some(import), false) if import.streaming => Phase::Streaming,
            (Some(_), false) => Phase::Filling,
        };
        let filling = record.import.map(|import| {
            let ImportRecord { validator, tries, bytes, token, .. } = import;
            Filling { validator, tries, bytes, token }
        });
        Ok(Self {
            phase,
            layout: PartLayout { size: record.size, part_bytes: record.part_bytes },
            checksum: record.checksum,
            expected: Expected { md5: record.md5, sha512: record.sha512 },
            declared: record.declared,
            verifier: record.verifier,
            upload: record.upload,
            due: record.due,
            ends: record.ends,
            hashed: record.hashed.map(TryInto::try_into).transpose().map_err(Error::internal)?,
            filling: filling.unwrap_or_default(),
        })
    }
}
