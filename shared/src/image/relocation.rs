//! Changes to where an image's data is, as JSON patches tell them (`/locations`): each comes alone.

use serde_json::Value;

use super::PatchForm;
use crate::error::{Error, Result};

/// What a patch does to an image's locations.
#[derive(Clone, Debug, PartialEq)]
pub enum Relocation {
    /// One more, at the end or at an index.
    Add(Option<usize>, Value),
    /// These and no others.
    Replace(Vec<Value>),
    /// Without the one at an index, or the last.
    Remove(Option<usize>),
}

impl Relocation {
    /// Reads a patch; nothing when it does not speak of locations.
    ///
    /// # Errors
    /// `Invalid` when it speaks of anything else too, or of what no list of locations has; `Forbidden` for a list without any.
    pub fn read(form: PatchForm, body: &Value) -> Result<Option<Self>> {
        let Some(elements) = body.as_array() else { return Ok(None) };
        let read = elements.iter().filter_map(|element| change(form, element));
        let mut changes = read.filter_map(|(op, path, value)| Some((op, at(path)?, value)));
        let Some((op, index, value)) = changes.next() else { return Ok(None) };
        if elements.len() > 1 {
            return Err(invalid("must be the only change of a patch"));
        }
        let value = || value.cloned().ok_or_else(|| invalid("must come with a value"));
        Ok(Some(match (op, index) {
            ("add", index) if !index.is_empty() => Self::Add(position(index)?, value()?),
            ("remove", index) if !index.is_empty() => Self::Remove(position(index)?),
            ("replace", "") => match value()? {
                Value::Array(list) if list.is_empty() => {
                    return Err(Error::Forbidden("Cannot set locations to empty list.".to_owned()));
                }
                Value::Array(list) => Self::Replace(list),
                _ => return Err(invalid("must be a list")),
            },
            _ => return Err(invalid("are added and removed at an index or '-', and replaced as a whole")),
        }))
    }
}

fn change(form: PatchForm, element: &Value) -> Option<(&str, &str, Option<&Value>)> {
    let value = element.get("value");
    match form {
        PatchForm::V21 => Some((element.get("op")?.as_str()?, element.get("path")?.as_str()?, value)),
        PatchForm::V20 => {
            let mut ops = ["add", "replace", "remove"].into_iter();
            ops.find_map(|op| Some((op, element.get(op)?.as_str()?, value)))
        }
    }
}

/// What is named behind `/locations`, `""` for all of them; nothing for another path.
fn at(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?.trim_start_matches('/');
    let (name, index) = path.split_once('/').unwrap_or((path, ""));
    (name == "locations").then_some(index)
}

fn position(text: &str) -> Result<Option<usize>> {
    match text {
        "-" => Ok(None),
        text if text.bytes().all(|digit| digit.is_ascii_digit()) => {
            text.parse().map(Some).map_err(|_| invalid("have no such index"))
        }
        _ => Err(invalid("have an index, or '-' for the last")),
    }
}

fn invalid(why: &str) -> Error {
    Error::Invalid(format!("locations: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Option<Relocation>> {
        Relocation::read(PatchForm::V21, body)
    }

    #[test]
    fn a_patch_speaks_of_locations_or_of_anything_else() {
        let one = json!({"url": "https://images.example/a", "metadata": {}});
        for (op, path, expected) in [
            ("add", "/locations/-", Some(Relocation::Add(None, one.clone()))),
            ("add", "/locations/0", Some(Relocation::Add(Some(0), one.clone()))),
            ("remove", "/locations/1", Some(Relocation::Remove(Some(1)))),
            ("add", "/name", None),
            ("add", "/location", None),
        ] {
            let body = json!([{"op": op, "path": path, "value": one}]);
            assert_eq!(read(&body).unwrap(), expected, "{op} {path}");
        }
        let all = json!([{"replace": "/locations", "value": [one]}]);
        assert_eq!(
            Relocation::read(PatchForm::V20, &all).unwrap(),
            Some(Relocation::Replace(vec![one.clone()]))
        );
        assert_eq!(read(&json!([])).unwrap(), None);
        assert_eq!(read(&json!({})).unwrap(), None);
    }

    #[test]
    fn what_no_list_of_locations_has_is_refused() {
        for (op, path, value) in [
            ("add", "/locations", json!([])),
            ("add", "/locations/x", json!({})),
            ("add", "/locations/99999999999999999999999", json!({})),
            ("replace", "/locations/0", json!({})),
            ("replace", "/locations", json!({})),
            ("remove", "/locations", json!({})),
        ] {
            let error = read(&json!([{"op": op, "path": path, "value": value}])).unwrap_err();
            assert!(matches!(error, Error::Invalid(_)), "{op} {path}: {error}");
        }
        let two = json!([{"op": "remove", "path": "/locations/0"}, {"op": "remove", "path": "/x"}]);
        assert!(matches!(read(&two), Err(Error::Invalid(_))));
        let none = json!([{"op": "replace", "path": "/locations", "value": []}]);
        assert!(matches!(read(&none), Err(Error::Forbidden(_))));
    }
}
