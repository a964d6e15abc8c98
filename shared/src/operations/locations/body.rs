//! What a request says of data that others have written.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::hexadecimal;
use crate::image::{GivenHash, HashAlgorithm, Image, Note};

/// Data to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLocation {
    /// Where it is.
    pub url: String,
    /// What it hashes to, as somebody says.
    pub said: Said,
    /// What was noted with it, if anything was.
    pub note: Option<Note>,
    /// Whether it was named by a patch.
    pub is_patch: bool,
}

/// What somebody says that data hashes to, word by word (`validation_data`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    checksum: Option<String>,
    algorithm: Option<String>,
    value: Option<String>,
}

/// The members of `validation_data`. The first is none of a `POST`.
const MEMBERS: [&str; 3] = ["checksum", "os_hash_algo", "os_hash_value"];

impl NewLocation {
    /// Reads the body of a `POST`: `url` and, if they are given, `os_hash_algo` and `os_hash_value` in `validation_data`. Other members
    /// are passed over.
    ///
    /// # Errors
    /// `Invalid`, naming the member and what it must be.
    pub fn parse(body: Value) -> Result<Self> {
        let (url, said, _) = members(body, MEMBERS.get(1..).unwrap_or_default())?;
        Ok(Self { url, said, note: None, is_patch: false })
    }

    /// Reads a location of a patch: the same, and `checksum` in `validation_data`, and `metadata`. What it says of hashes is not judged yet.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_patch(body: Value) -> Result<Self> {
        let (url, said, mut rest) = members(body, &MEMBERS)?;
        let note = match rest.remove("metadata") {
            None => None,
            Some(Value::Object(note)) => Some(Note::read(note)?),
            Some(_) => return Err(Error::Invalid("metadata: must be an object".to_owned())),
        };
        Ok(Self { url, said, note, is_patch: true })
    }
}

impl Said {
    /// The hash, if one was said.
    ///
    /// # Errors
    /// `Invalid`, naming the member and what it must be.
    pub fn given(&self) -> Result<Option<GivenHash>> {
        let (algorithm, value) = match (&self.algorithm, &self.value) {
            (None, None) if self.checksum.is_none() => return Ok(None),
            (Some(algorithm), Some(value)) => (algorithm, value),
            (None, Some(_)) => return Err(invalid("os_hash_algo: must be given with os_hash_value")),
            (Some(_), None) => return Err(invalid("os_hash_value: must be given with os_hash_algo")),
            (None, None) => return Err(invalid("os_hash_algo: must be given with checksum")),
        };
        let known = HashAlgorithm::parse(algorithm).ok_or_else(|| {
            let names = HashAlgorithm::ALL.map(HashAlgorithm::name).join(", ");
            invalid(&format!("os_hash_algo: must be one of {names}, not \"{algorithm}\""))
        })?;
        let given = GivenHash::read(known, value).map_err(|why| invalid(&format!("os_hash_value: {why}")))?;
        let md5 = self.checksum.as_ref().map(|checksum| {
            let digest =
                hexadecimal::decode(checksum).filter(|digest| digest.len() == HashAlgorithm::Md5.bytes());
            digest.ok_or_else(|| invalid("checksum: must be 32 hexadecimal digits, as md5 has"))
        });
        Ok(Some(GivenHash { md5: md5.transpose()?.map(|digest| hexadecimal::encode(&digest)), ..given }))
    }

    /// Holds it to what is said of an image already; of one that has data, nothing new is said.
    ///
    /// # Errors
    /// `Conflict`, naming the member.
    pub(super) fn check(&self, image: &Image) -> Result<()> {
        let (algorithm, value) = (image.hash_algorithm(), image.secure_hash().map(|(_, value)| value));
        let pairs = [(&self.checksum, image.checksum()), (&self.algorithm, algorithm), (&self.value, value)];
        for (name, (said, has)) in MEMBERS.into_iter().zip(pairs) {
            match (said, has) {
                (Some(said), Some(has)) if !said.eq_ignore_ascii_case(has) => {
                    return Err(Error::Conflict(format!("{name} is already set with a different value")));
                }
                (Some(_), None) if !image.locations.is_empty() => {
                    let text =
                        format!("New value(s) for {name} may only be provided when image status is 'queued'");
                    return Err(Error::Conflict(text));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn members(body: Value, known: &[&str]) -> Result<(String, Said, Map<String, Value>)> {
    let Value::Object(mut body) = body else {
        return Err(Error::Invalid("the request body must be a JSON object".to_owned()));
    };
    let Some(Value::String(url)) = body.remove("url") else {
        return Err(Error::Invalid("url: must be given, as a text".to_owned()));
    };
    let said = match body.remove("validation_data") {
        None => Said::default(),
        Some(Value::Object(said)) => read(said, known)?,
        Some(_) => return Err(Error::Invalid("validation_data: must be an object".to_owned())),
    };
    Ok((url, said, body))
}

fn read(mut said: Map<String, Value>, known: &[&str]) -> Result<Said> {
    if let Some(unknown) = said.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid(&format!("{unknown}: is not known; there are {}", known.join(", "))));
    }
    let mut text = |name: &str| match said.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(&format!("{name}: must be a text"))),
    };
    let [checksum, algorithm, value] = MEMBERS.map(&mut text);
    Ok(Said { checksum: checksum?, algorithm: algorithm?, value: value? })
}

fn invalid(text: &str) -> Error {
    Error::Invalid(format!("validation_data.{text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_location_is_a_url_and_perhaps_a_hash() {
        let url = "https://images.example/a";
        let plain = NewLocation { url: url.to_owned(), said: Said::default(), note: None, is_patch: false };
        for body in [json!({"url": url}), json!({"url": url, "validation_data": {}, "metadata": {}})] {
            assert_eq!(NewLocation::parse(body).unwrap(), plain);
        }
        let value = "AB".repeat(16);
        let hash = json!({"os_hash_algo": "md5", "os_hash_value": value});
        let parsed = NewLocation::parse(json!({"url": url, "validation_data": hash})).unwrap();
        assert_eq!(parsed.said.given().unwrap().unwrap().value, value.to_lowercase());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |said: Value| json!({"url": "https://images.example/a", "validation_data": said});
        for (body, fault) in [
            (json!([]), "the request body must be a JSON object"),
            (json!({}), "url: must be given, as a text"),
            (json!({"url": ["x"]}), "url: must be given, as a text"),
            (with(json!(null)), "validation_data: must be an object"),
            (
                with(json!({"checksum": "x"})),
                "validation_data.checksum: is not known; there are os_hash_algo, os_hash_value",
            ),
            (
                with(json!({"os_hash_algo": "md5"})),
                "validation_data.os_hash_value: must be given with os_hash_algo",
            ),
            (
                with(json!({"os_hash_value": "00"})),
                "validation_data.os_hash_algo: must be given with os_hash_value",
            ),
            (
                with(json!({"os_hash_algo": "crc32", "os_hash_value": "00"})),
                "validation_data.os_hash_algo: must be one of sha1, sha256, sha512, md5, not \"crc32\"",
            ),
            (
                with(json!({"os_hash_algo": "md5", "os_hash_value": "00"})),
                "validation_data.os_hash_value: must be 32 hexadecimal digits, as md5 has",
            ),
            (
                with(json!({"os_hash_algo": "md5", "os_hash_value": 0})),
                "validation_data.os_hash_value: must be a text",
            ),
        ] {
            let read = NewLocation::parse(body.clone()).and_then(|new| new.said.given());
            assert_eq!(read.unwrap_err().to_string(), fault, "{body}");
        }
    }

    #[test]
    fn a_patch_says_more() {
        let (url, value) = ("https://images.example/a", "ab".repeat(64));
        let hashes = json!({"os_hash_algo": "sha512", "os_hash_value": value, "checksum": "CD".repeat(16)});
        let body = json!({"url": url, "metadata": {"a": 1, "store": "x"}, "validation_data": hashes});
        let new = NewLocation::of_patch(body).unwrap();
        assert_eq!(Value::Object(new.note.unwrap().into_members()), json!({"a": 1}));
        assert_eq!(new.said.given().unwrap().unwrap().md5, Some("cd".repeat(16)));
        for (metadata, said, fault) in [
            (json!([]), json!({}), "metadata: must be an object"),
            (
                json!({}),
                json!({"checksum": "cd"}),
                "validation_data.os_hash_algo: must be given with checksum",
            ),
            (
                json!({}),
                json!({"os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64), "checksum": "cd"}),
                "validation_data.checksum: must be 32 hexadecimal digits, as md5 has",
            ),
        ] {
            let body = json!({"url": url, "metadata": metadata, "validation_data": said});
            let read = NewLocation::of_patch(body.clone()).and_then(|new| new.said.given());
            assert_eq!(read.unwrap_err().to_string(), fault, "{body}");
        }
    }

    #[test]
    fn what_is_said_of_an_image_is_said_once() {
        let said = |algorithm: &str, value: &str, checksum: &str| Said {
            checksum: Some(checksum.to_owned()),
            algorithm: Some(algorithm.to_owned()),
            value: Some(value.to_owned()),
        };
        let mut image = Image::queued(
            crate::id::ImageId::from_random(1),
            None,
            crate::time::Timestamp::from_microseconds(0),
        );
        let (value, checksum) = ("ab".repeat(64), "cd".repeat(16));
        let same = said("sha512", &value, &checksum);
        same.check(&image).unwrap();
        image.locations.push(crate::image::Location {
            store: "web".parse().unwrap(),
            key: crate::store::ObjectKey::new(image.id.clone(), crate::id::Ulid::from_parts(1, 1)),
        });
        assert!(matches!(same.check(&image), Err(Error::Conflict(_))), "nothing is said later");
        Said::default().check(&image).unwrap();
        image.given = same.given().unwrap();
        same.check(&image).unwrap();
        for other in [
            said("sha256", &value, &checksum),
            said("sha512", "x", &checksum),
            said("sha512", &value, &"2".repeat(32)),
        ] {
            assert!(matches!(other.check(&image), Err(Error::Conflict(_))), "{other:?}");
        }
    }
}
