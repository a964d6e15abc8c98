//! What a request to open an upload session, or to sign its parts, says.

use serde_json::{Map, Value};

use super::{Checksum, ChecksumKind, Expected, PartLayout};
use crate::error::{Error, Result};

/// The most parts that are told of, or signed, at a time.
pub const MOST_AT_A_TIME: u32 = 1000;

/// A request to open a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRequest {
    /// How many bytes will come.
    pub size: u64,
    /// What they hash to, if the client knows.
    pub expected: Expected,
    /// Whether every part comes with a checksum, and how that is made.
    pub checksum: Option<ChecksumKind>,
}

impl SessionRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// `Invalid`, naming the member and what it must be.
    pub fn read(body: &Value) -> Result<Self> {
        let members = object(body, "The request body")?;
        known(members, &["size", "md5", "sha512", "checksum"], "")?;
        let size = members.get("size").and_then(Value::as_u64);
        let size =
            size.ok_or_else(|| invalid("size: must be given, as a whole number of bytes, 0 or more"))?;
        let expected = Expected { md5: digest(members, "md5", 32)?, sha512: digest(members, "sha512", 128)? };
        let checksum =
            match members.get("checksum") {
                None | Some(Value::Null) => None,
                Some(named) => {
                    let kind = named.as_str().and_then(ChecksumKind::parse);
                    Some(kind.ok_or_else(|| {
                        invalid(&format!("checksum: must be one of {}, not {named}", kinds()))
                    })?)
                }
            };
        Ok(Self { size, expected, checksum })
    }
}

/// Reads which parts are to be signed, each with its checksum.
///
/// # Errors
/// `Invalid`, naming the member and what it must be.
pub fn read_parts(body: &Value, layout: PartLayout, kind: ChecksumKind) -> Result<Vec<(u32, Checksum)>> {
    let members = object(body, "The request body")?;
    known(members, &["parts"], "")?;
    let parts = members
        .get("parts")
        .and_then(Value::as_array)
        .filter(|parts| (1..=MOST_AT_A_TIME as usize).contains(&parts.len()));
    let parts =
        parts.ok_or_else(|| invalid(&format!("parts: must be a list of 1 to {MOST_AT_A_TIME} parts")))?;
    let read = |(at, part): (usize, &Value)| {
        let at = format!("parts[{at}]");
        let part = object(part, &at)?;
        known(part, &["number", kind.name()], &format!("{at}."))?;
        let number = part.get("number").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| layout.range(*number).is_some());
        let number =
            number.ok_or_else(|| invalid(&format!("{at}.number: must be 1 to {}", layout.count())))?;
        let sum = part.get(kind.name()).and_then(Value::as_str).and_then(|text| Checksum::parse(kind, text));
        let (name, bytes) = (kind.name(), kind.bytes());
        let sum =
            sum.ok_or_else(|| invalid(&format!("{at}.{name}: must be the base 64 of {bytes} bytes")))?;
        Ok((number, sum))
    };
    parts.iter().enumerate().map(read).collect()
}

fn kinds() -> String {
    ChecksumKind::ALL.map(ChecksumKind::name).join(", ")
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| invalid(&format!("{what} must be a JSON object.")))
}

fn known(members: &Map<String, Value>, names: &[&str], of: &str) -> Result<()> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(invalid(&format!("{of}{name}: is not known here; there are {}", names.join(", ")))),
        None => Ok(()),
    }
}

/// A digest in hexadecimal, in either case.
fn digest(members: &Map<String, Value>, name: &str, digits: usize) -> Result<Option<String>> {
    let told = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(told) => told.as_str().unwrap_or_default(),
    };
    if told.len() == digits && told.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(Some(told.to_ascii_lowercase()));
    }
    Err(invalid(&format!("{name}: must be {digits} hexadecimal digits")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(read: Result<impl std::fmt::Debug>) -> String {
        match read {
            Err(Error::Invalid(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_session_needs_a_size_and_takes_digests() {
        let md5 = "D41D8CD98F00B204E9800998ECF8427E";
        let read =
            SessionRequest::read(&json!({"size": 0, "md5": md5, "sha512": null, "checksum": "sha256"}))
                .unwrap();
        let expected = Expected { md5: Some(md5.to_lowercase()), sha512: None };
        assert_eq!(read, SessionRequest { size: 0, expected, checksum: Some(ChecksumKind::Sha256) });
        for (body, says) in [
            (json!([]), "The request body must be a JSON object."),
            (json!({}), "size: must be given, as a whole number of bytes, 0 or more"),
            (json!({"size": -1}), "size: must be given, as a whole number of bytes, 0 or more"),
            (json!({"size": "7"}), "size: must be given, as a whole number of bytes, 0 or more"),
            (json!({"size": 1, "md5": "d4"}), "md5: must be 32 hexadecimal digits"),
            (json!({"size": 1, "sha512": 5}), "sha512: must be 128 hexadecimal digits"),
            (
                json!({"size": 1, "checksum": "crc32"}),
                "checksum: must be one of crc64nvme, sha256, not \"crc32\"",
            ),
            (
                json!({"size": 1, "sha1": ""}),
                "sha1: is not known here; there are size, md5, sha512, checksum",
            ),
        ] {
            assert_eq!(refusal(SessionRequest::read(&body)), says);
        }
    }

    #[test]
    fn a_part_to_be_signed_is_named_with_its_checksum() {
        let (layout, kind) = (PartLayout { size: 100, part_bytes: 64 }, ChecksumKind::Crc64Nvme);
        let read = read_parts(&json!({"parts": [{"number": 2, "crc64nvme": "rosUhgp5mIg="}]}), layout, kind)
            .unwrap();
        assert_eq!(read, [(2, Checksum::parse(kind, "rosUhgp5mIg=").unwrap())]);
        for (body, says) in [
            (json!({"parts": []}), "parts: must be a list of 1 to 1000 parts"),
            (json!({"parts": [7]}), "parts[0] must be a JSON object."),
            (
                json!({"parts": [{"number": 3, "crc64nvme": "rosUhgp5mIg="}]}),
                "parts[0].number: must be 1 to 2",
            ),
            (json!({"parts": [{"number": 1}]}), "parts[0].crc64nvme: must be the base 64 of 8 bytes"),
            (
                json!({"parts": [{"number": 1, "sha256": ""}]}),
                "parts[0].sha256: is not known here; there are number, crc64nvme",
            ),
        ] {
            assert_eq!(refusal(read_parts(&body, layout, kind)), says);
        }
    }
}
