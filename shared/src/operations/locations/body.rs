//! What a request says of data that others have written.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::image::{GivenHash, HashAlgorithm};

/// Data to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLocation {
    /// Where it is.
    pub url: String,
    /// What it hashes to, as somebody says.
    pub given: Option<GivenHash>,
}

impl NewLocation {
    /// Reads a body: `url` and, if they are given, `os_hash_algo` and `os_hash_value` in `validation_data`. Other members are
    /// passed over.
    ///
    /// # Errors
    /// `Invalid`, naming the member and what it must be.
    pub fn parse(body: Value) -> Result<Self> {
        let Value::Object(mut body) = body else {
            return Err(Error::Invalid("the request body must be a JSON object".to_owned()));
        };
        let Some(Value::String(url)) = body.remove("url") else {
            return Err(Error::Invalid("url: must be given, as a text".to_owned()));
        };
        let given = match body.remove("validation_data") {
            None => None,
            Some(Value::Object(said)) => given(&said)?,
            Some(_) => return Err(Error::Invalid("validation_data: must be an object".to_owned())),
        };
        Ok(Self { url, given })
    }
}

fn given(said: &Map<String, Value>) -> Result<Option<GivenHash>> {
    let invalid = |text: String| Error::Invalid(format!("validation_data.{text}"));
    if let Some(unknown) =
        said.keys().find(|name| !["os_hash_algo", "os_hash_value"].contains(&name.as_str()))
    {
        return Err(invalid(format!("{unknown}: is not known; there are os_hash_algo and os_hash_value")));
    }
    let (algorithm, value) = match (said.get("os_hash_algo"), said.get("os_hash_value")) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(invalid("os_hash_value: must be given with os_hash_algo".to_owned())),
        (None, Some(_)) => return Err(invalid("os_hash_algo: must be given with os_hash_value".to_owned())),
        (Some(algorithm), Some(value)) => (algorithm, value),
    };
    let known = algorithm.as_str().and_then(HashAlgorithm::parse);
    let algorithm = known.ok_or_else(|| {
        let names = HashAlgorithm::ALL.map(HashAlgorithm::name).join(", ");
        invalid(format!("os_hash_algo: must be one of {names}, not {algorithm}"))
    })?;
    let value = value.as_str().ok_or_else(|| invalid("os_hash_value: must be a text".to_owned()))?;
    let given = GivenHash::read(algorithm, value).map_err(|why| invalid(format!("os_hash_value: {why}")))?;
    Ok(Some(given))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_location_is_a_url_and_perhaps_a_hash() {
        let url = "https://images.example/a";
        let plain = NewLocation { url: url.to_owned(), given: None };
        for body in [json!({"url": url}), json!({"url": url, "validation_data": {}, "metadata": {}})] {
            assert_eq!(NewLocation::parse(body).unwrap(), plain);
        }
        let value = "AB".repeat(16);
        let hash = json!({"os_hash_algo": "md5", "os_hash_value": value});
        let parsed = NewLocation::parse(json!({"url": url, "validation_data": hash})).unwrap();
        assert_eq!(parsed.given.unwrap().value, value.to_lowercase());
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
                "validation_data.checksum: is not known; there are os_hash_algo and os_hash_value",
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
            assert_eq!(NewLocation::parse(body.clone()).unwrap_err().to_string(), fault, "{body}");
        }
    }
}
