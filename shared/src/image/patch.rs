//! Changes to an image's record: the two JSON patch forms of the Image API, read and applied.

use serde_json::{Map, Value};

use super::attributes::{Kind, NewImage, kind, read_only, reserved};
use super::property::protected;
use super::status::Status;
use super::{Image, PropertyAction};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::time::Timestamp;

/// The two media types of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchForm {
    /// `application/openstack-images-v2.0-json-patch`: `{"add": "/name", "value": …}`.
    V20,
    /// `application/openstack-images-v2.1-json-patch`: `{"op": "add", "path": "/name", "value": …}`.
    V21,
}

impl PatchForm {
    /// Both media types, as `Accept-Patch` lists them.
    pub const ACCEPTED: &'static str =
        "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";

    /// Reads the media type of a request; parameters (`; charset=…`) do not count.
    ///
    /// # Errors
    /// `MediaType`, naming both.
    pub fn from_media_type(text: Option<&str>) -> Result<Self> {
        match text.map(|text| text.split(';').next().unwrap_or(text).trim()) {
            Some("application/openstack-images-v2.0-json-patch") => Ok(Self::V20),
            Some("application/openstack-images-v2.1-json-patch") => Ok(Self::V21),
            other => Err(Error::MediaType {
                message: format!(
                    "the media type {} is not one of {}",
                    other.unwrap_or("(none)"),
                    Self::ACCEPTED
                ),
                accept_patch: Some(Self::ACCEPTED),
            }),
        }
    }
}

/// What one element of a patch does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Sets an attribute or property.
    Add(Value),
    /// Sets one that is there.
    Replace(Value),
    /// Takes a property away.
    Remove,
}

/// A whole patch: all of it is applied, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    form: PatchForm,
    changes: Vec<(Op, String)>,
}

impl Patch {
    /// Reads a patch: an array of changes.
    ///
    /// # Errors
    /// `Invalid` for a malformed document, operation, path or value; `Forbidden` for an attribute that is not the client's. Each
    /// change is checked whatever image it is for, as Glance does: before anybody knows whether the image is there.
    pub fn parse(form: PatchForm, body: Value) -> Result<Self> {
        let Value::Array(elements) = body else {
            return Err(Error::Invalid("the request body must be a JSON array of changes".to_owned()));
        };
        let changes = elements.into_iter().map(|element| match (form, element) {
            (PatchForm::V20, Value::Object(element)) => change_v20(element),
            (PatchForm::V21, Value::Object(element)) => change_v21(element),
            _ => Err(Error::Invalid("each change must be a JSON object".to_owned())),
        });
        let mut any =
            NewImage::default().into_image(ImageId::from_random(0), None, Timestamp::from_microseconds(0))?;
        let changes = changes.map(|change| {
            let (op, name) = change?;
            check(&mut any, &op, &name)?;
            Ok((op, name))
        });
        Ok(Self { form, changes: changes.collect::<Result<_>>()? })
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The texts it sets, with the names of what they are set on.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changes.iter().filter_map(|(op, name)| match op {
            Op::Add(Value::String(text)) | Op::Replace(Value::String(text)) => {
                Some((name.as_str(), text.as_str()))
            }
            Op::Add(_) | Op::Replace(_) | Op::Remove => None,
        })
    }

    /// The image with every change made, in order, by somebody who may do to custom properties what `may` says. One that they
    /// may not read is absent for them, and stays as it is.
    ///
    /// # Errors
    /// `Invalid` for a value that does not fit, `Forbidden` for an attribute that cannot be changed (now, or by them),
    /// `Conflict` for a property that should be there and is not, or the reverse.
    pub fn apply(&self, image: &Image, may: impl Fn(PropertyAction, &str) -> bool) -> Result<Image> {
        let mut patched = image.clone();
        for (op, name) in &self.changes {
            match kind(name) {
                Kind::Custom => self.change_custom(&mut patched, op, name, &may)?,
                // The others were refused when the patch was read.
                Kind::Base | Kind::Id | Kind::Digest | Kind::ReadOnly | Kind::Reserved => {
                    self.change_base(&mut patched, op, name)?;
                }
            }
        }
        Ok(patched)
    }

    fn change_base(&self, image: &mut Image, op: &Op, name: &str) -> Result<()> {
        let value = match op {
            Op::Remove => return Err(Error::Forbidden(format!("Property {name} may not be removed."))),
            Op::Add(_) if self.form == PatchForm::V20 => return Err(present(name)),
            Op::Add(value) | Op::Replace(value) => value,
        };
        if matches!(name, "disk_format" | "container_format") && image.status != Status::Queued {
            let status = image.status.name();
            return Err(Error::Forbidden(format!(
                "Attribute {name} can be replaced only for a queued image; this one is {status}."
            )));
        }
        image.set(name, value.clone())
    }

    fn change_custom(
        &self,
        image: &mut Image,
        op: &Op,
        name: &str,
        may: &impl Fn(PropertyAction, &str) -> bool,
    ) -> Result<()> {
        let there = image.properties.contains_key(name);
        let exists = there && may(PropertyAction::Read, name);
        let action = match op {
            Op::Add(_) if exists && self.form == PatchForm::V20 => return Err(present(name)),
            Op::Replace(_) | Op::Remove if !exists => {
                return Err(Error::Conflict(format!("Property {name} does not exist.")));
            }
            Op::Add(_) | Op::Replace(_) if exists => PropertyAction::Update,
            Op::Add(_) | Op::Replace(_) => PropertyAction::Create,
            Op::Remove => PropertyAction::Delete,
        };
        if (there && !exists) || !may(action, name) {
            return Err(protected(name));
        }
        match op {
            Op::Add(value) | Op::Replace(value) => image.set(name, value.clone()),
            Op::Remove => {
                image.properties.remove(name);
                Ok(())
            }
        }
    }
}

/// Refuses what no image takes.
fn check(any: &mut Image, op: &Op, name: &str) -> Result<()> {
    match (kind(name), op) {
        (Kind::Id | Kind::Digest | Kind::ReadOnly, _) => Err(read_only(name)),
        (Kind::Reserved, _) => Err(reserved(name)),
        (Kind::Base | Kind::Custom, Op::Remove) => Ok(()),
        (Kind::Base | Kind::Custom, Op::Add(value) | Op::Replace(value)) => any.set(name, value.clone()),
    }
}

fn present(name: &str) -> Error {
    Error::Conflict(format!("Property {name} already present."))
}

fn change_v21(mut element: Map<String, Value>) -> Result<(Op, String)> {
    let Some(Value::String(op)) = element.remove("op") else {
        return Err(Error::Invalid("each change must have 'op': add, replace or remove".to_owned()));
    };
    let path = element.remove("path");
    change(&op, path, element.remove("value"))
}

fn change_v20(mut element: Map<String, Value>) -> Result<(Op, String)> {
    let mut named = ["add", "replace", "remove"].into_iter().filter(|op| element.contains_key(*op));
    let (Some(op), None) = (named.next(), named.next()) else {
        return Err(Error::Invalid(
            "each change must have exactly one of 'add', 'replace' and 'remove'".to_owned(),
        ));
    };
    let path = element.remove(op);
    change(op, path, element.remove("value"))
}

fn change(op: &str, path: Option<Value>, value: Option<Value>) -> Result<(Op, String)> {
    let Some(Value::String(path)) = path else {
        return Err(Error::Invalid(format!("the path of '{op}' must be a string")));
    };
    let name = attribute(&path)?;
    match (op, value) {
        ("add", Some(value)) => Ok((Op::Add(value), name)),
        ("replace", Some(value)) => Ok((Op::Replace(value), name)),
        ("remove", _) => Ok((Op::Remove, name)),
        ("add" | "replace", None) => Err(Error::Invalid(format!("'{op}' of {path} must have a 'value'"))),
        _ => Err(Error::Invalid(format!("the operation '{op}' is not one of add, replace, remove"))),
    }
}

/// Reads a path: one JSON pointer segment. Leading slashes beyond the first do not count, as in Glance.
fn attribute(path: &str) -> Result<String> {
    let malformed = |why: &str| Err(Error::Invalid(format!("the path '{path}' is malformed: {why}")));
    if !path.starts_with('/') {
        return malformed("it must start with '/'");
    }
    let mut segments = path.trim_start_matches('/').split('/');
    let name = segments.next().unwrap_or_default();
    match (name, segments.next()) {
        (_, None) => {}
        ("locations", Some(_)) => return Err(reserved("locations")),
        (_, Some(_)) => return malformed("it must name one attribute"),
    }
    let mut parts = name.split('~');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (letter, rest) = match (part.strip_prefix('0'), part.strip_prefix('1')) {
            (Some(rest), _) => ('~', rest),
            (_, Some(rest)) => ('/', rest),
            _ => return malformed("'~' must be followed by 0 or 1"),
        };
        decoded.push(letter);
        decoded.push_str(rest);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests;
