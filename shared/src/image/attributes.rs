//! What a request may say of an image: which attributes are its to set, and which values they take.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{ContainerFormat, DiskFormat, Image, Status, Visibility};
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::time::Timestamp;

/// The most characters in a name, a tag, an owner or a property's name.
const MAX_TEXT: usize = 255;

/// How many of a thing one image may have; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Tags.
    pub tags: Option<usize>,
    /// Custom properties.
    pub properties: Option<usize>,
}

impl Default for Quotas {
    /// Glance's defaults.
    fn default() -> Self {
        Self { tags: Some(128), properties: Some(128) }
    }
}

impl Quotas {
    /// Checks an image against the quotas.
    ///
    /// # Errors
    /// `LimitExceeded`, naming the limit.
    pub fn check(&self, image: &Image) -> Result<()> {
        within("tags", image.tags.len(), self.tags)?;
        within("properties", image.properties.len(), self.properties)
    }
}

fn within(what: &str, count: usize, limit: Option<usize>) -> Result<()> {
    match limit {
        Some(limit) if count > limit => {
            Err(Error::LimitExceeded(format!("an image may have at most {limit} {what}, not {count}")))
        }
        _ => Ok(()),
    }
}

/// Whose an attribute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The client's, with a type of its own.
    Base,
    /// The client's when it creates the image, nobody's after.
    Id,
    /// The service's; a create request may repeat it, and it is not looked at (as in Glance).
    Digest,
    /// The service's.
    ReadOnly,
    /// Nobody's: names with a meaning of their own.
    Reserved,
    /// The client's: any other name.
    Custom,
}

pub(super) fn kind(name: &str) -> Kind {
    match name {
        "name" | "visibility" | "protected" | "os_hidden" | "owner" | "disk_format" | "container_format"
        | "min_disk" | "min_ram" | "tags" => Kind::Base,
        "id" => Kind::Id,
        "os_hash_algo" | "os_hash_value" => Kind::Digest,
        "created_at" | "updated_at" | "status" | "checksum" | "size" | "virtual_size" | "direct_url"
        | "self" | "file" | "schema" | "stores" => Kind::ReadOnly,
        "location" | "locations" | "deleted" | "deleted_at" | "extra_properties" | "image_id" | "member" => {
            Kind::Reserved
        }
        _ if name.starts_with("os_glance") => Kind::Reserved,
        _ => Kind::Custom,
    }
}

pub(super) fn read_only(name: &str) -> Error {
    Error::Forbidden(format!("Attribute '{name}' is read-only."))
}

pub(super) fn reserved(name: &str) -> Error {
    Error::Forbidden(format!("Attribute '{name}' is reserved."))
}

/// A request to register an image.
#[derive(Clone, Debug, Default)]
pub struct NewImage {
    /// The id the client chose, if it did.
    pub id: Option<ImageId>,
    attributes: Map<String, Value>,
}

impl NewImage {
    /// Reads the body of a create request: a JSON object.
    ///
    /// # Errors
    /// `Invalid` for a malformed body or id, `Forbidden` for an attribute that is not the client's.
    pub fn parse(body: Value) -> Result<Self> {
        let Value::Object(mut attributes) = body else {
            return Err(Error::Invalid("the request body must be a JSON object".to_owned()));
        };
        // What is not the client's to set is told before what is set wrongly, as Glance does.
        attributes.keys().try_for_each(|name| match kind(name) {
            Kind::ReadOnly => Err(read_only(name)),
            Kind::Reserved => Err(reserved(name)),
            Kind::Base | Kind::Id | Kind::Digest | Kind::Custom => Ok(()),
        })?;
        let id = match attributes.remove("id") {
            None => None,
            Some(Value::String(id)) => {
                Some(id.parse().map_err(|error| Error::Invalid(format!("id: {error}")))?)
            }
            Some(_) => return Err(wrong("id", "a UUID")),
        };
        Ok(Self { id, attributes })
    }

    /// The image as it will be registered: queued, with the attributes given and Glance's defaults for the rest.
    ///
    /// # Errors
    /// `Invalid` for a value that does not fit its attribute.
    pub fn into_image(self, id: ImageId, owner: Option<ProjectId>, now: Timestamp) -> Result<Image> {
        let mut image = Image {
            id,
            name: None,
            status: Status::Queued,
            visibility: Visibility::default(),
            protected: false,
            os_hidden: false,
            owner,
            disk_format: None,
            container_format: None,
            min_disk: 0,
            min_ram: 0,
            size: None,
            virtual_size: None,
            digests: None,
            given: None,
            created_at: now,
            updated_at: now,
            tags: BTreeSet::new(),
            properties: BTreeMap::new(),
            locations: Vec::new(),
            upload: None,
            staged: None,
            import: None,
            reserved: 0,
            refused: None,
            members: 0,
        };
        for (name, value) in self.attributes {
            match kind(&name) {
                Kind::Base | Kind::Custom => image.set(&name, value)?,
                Kind::Id | Kind::Digest | Kind::ReadOnly | Kind::Reserved => {}
            }
        }
        Ok(image)
    }
}

impl Image {
    /// Sets a base attribute or a custom property, once it is known to be the client's to set.
    pub(super) fn set(&mut self, name: &str, value: Value) -> Result<()> {
        match name {
            "name" => self.name = optional_text(name, value)?,
            "visibility" => {
                self.visibility =
                    one_of(name, &value, Visibility::parse, &Visibility::ALL.map(Visibility::name))?;
            }
            "protected" => self.protected = boolean(name, &value)?,
            "os_hidden" => self.os_hidden = boolean(name, &value)?,
            "owner" => {
                let owner = optional_text(name, value)?;
                self.owner =
                    owner.map(ProjectId::try_from).transpose().map_err(|_| wrong(name, "a project id"))?;
            }
            "disk_format" => {
                let names: Vec<_> = DiskFormat::ALL.iter().map(|format| format.name()).collect();
                self.disk_format = optional(&value, |value| one_of(name, value, DiskFormat::parse, &names))?;
            }
            "container_format" => {
                let names: Vec<_> = ContainerFormat::ALL.iter().map(|format| format.name()).collect();
                self.container_format =
                    optional(&value, |value| one_of(name, value, ContainerFormat::parse, &names))?;
            }
            "min_disk" => self.min_disk = amount(name, &value)?,
            "min_ram" => self.min_ram = amount(name, &value)?,
            "tags" => self.tags = tags(value)?,
            _ => {
                check_property_name(name)?;
                let Value::String(text) = value else {
                    return Err(wrong(name, "a string, as every custom property is"));
                };
                plain(name, &text)?;
                self.properties.insert(name.to_owned(), text);
            }
        }
        Ok(())
    }
}

fn wrong(name: &str, expected: &str) -> Error {
    Error::Invalid(format!("{name}: must be {expected}"))
}

fn optional<T>(value: &Value, read: impl FnOnce(&Value) -> Result<T>) -> Result<Option<T>> {
    if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn optional_text(name: &str, value: Value) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => {
            short(name, &text)?;
            Ok(Some(text))
        }
        _ => Err(wrong(name, "a string or null")),
    }
}

fn one_of<T>(name: &str, value: &Value, parse: impl Fn(&str) -> Option<T>, names: &[&str]) -> Result<T> {
    let parsed = value.as_str().and_then(parse);
    parsed.ok_or_else(|| wrong(name, &format!("one of {}", names.join(", "))))
}

fn boolean(name: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(name, "true or false"))
}

/// Databases under Glance keep these as signed 32-bit integers.
fn amount(name: &str, value: &Value) -> Result<u32> {
    let amount = value.as_u64().and_then(|amount| i32::try_from(amount).ok());
    amount.map(i32::cast_unsigned).ok_or_else(|| wrong(name, "an integer from 0 to 2147483647"))
}

fn tags(value: Value) -> Result<BTreeSet<String>> {
    let Value::Array(values) = value else { return Err(wrong("tags", "an array of strings")) };
    values
        .into_iter()
        .map(|value| match value {
            Value::String(tag) => check_tag(&tag).map(|()| tag),
            _ => Err(wrong("tags", "an array of strings")),
        })
        .collect()
}

/// Checks a tag: at most 255 characters.
///
/// # Errors
/// `Invalid`, naming the limit.
pub fn check_tag(tag: &str) -> Result<()> {
    short("tags", tag)
}

fn check_property_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::Invalid("a property's name must have at least 1 character".to_owned()));
    }
    short("a property's name", name)
}

fn short(what: &str, text: &str) -> Result<()> {
    if text.chars().count() > MAX_TEXT {
        return Err(Error::Invalid(format!("{what}: must have at most {MAX_TEXT} characters")));
    }
    plain(what, text)
}

/// Glance refuses what a three-byte `utf8` column cannot hold, and clients rely on the two answering alike.
fn plain(what: &str, text: &str) -> Result<()> {
    if text.chars().any(|letter| letter > '\u{ffff}') {
        return Err(Error::Invalid(format!(
            "{what}: characters beyond U+FFFF (4-byte unicode) are not supported"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11";

    fn create(body: Value) -> Result<Image> {
        NewImage::parse(body)?.into_image(ID.parse().unwrap(), None, Timestamp::from_microseconds(0))
    }

    #[test]
    fn an_empty_object_is_a_queued_shared_image() {
        let image = create(json!({})).unwrap();
        assert_eq!((image.status, image.visibility, image.name), (Status::Queued, Visibility::Shared, None));
    }

    #[test]
    fn a_value_that_does_not_fit_is_invalid_and_named() {
        let long = "x".repeat(256);
        for (body, word) in [
            (json!({"name": 1}), "name"),
            (json!({"name": long}), "255"),
            (json!({"name": "\u{1f600}"}), "4-byte"),
            (json!({"id": "web"}), "id"),
            (json!({"id": 1}), "id"),
            (json!({"visibility": "secret"}), "visibility"),
            (json!({"protected": "true"}), "protected"),
            (json!({"disk_format": "gpt"}), "disk_format"),
            (json!({"container_format": "zip"}), "container_format"),
            (json!({"min_disk": -1}), "min_disk"),
            (json!({"min_ram": 2_147_483_648_u32}), "min_ram"),
            (json!({"min_ram": "1"}), "min_ram"),
            (json!({"tags": "a"}), "tags"),
            (json!({"tags": [1]}), "tags"),
            (json!({"os_distro": null}), "os_distro"),
            (json!({"os_distro": 12}), "os_distro"),
            (json!({"": "x"}), "name"),
            (json!({long: "x"}), "255"),
            (json!(["name"]), "object"),
        ] {
            match create(body.clone()) {
                Err(Error::Invalid(message)) => assert!(message.contains(word), "{body}: {message}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_the_services_is_refused_and_digests_are_overlooked() {
        for name in [
            "created_at",
            "updated_at",
            "status",
            "checksum",
            "size",
            "virtual_size",
            "direct_url",
            "self",
            "file",
            "schema",
            "stores",
            "location",
            "locations",
            "deleted",
            "deleted_at",
            "os_glance_import_task",
        ] {
            assert!(matches!(create(json!({name: "x"})), Err(Error::Forbidden(_))), "{name}");
        }
        let image =
            create(json!({"os_hash_algo": "md5", "os_hash_value": "00", "is_public": "true"})).unwrap();
        assert_eq!(image.digests, None);
        assert_eq!(image.properties.keys().collect::<Vec<_>>(), ["is_public"]);
    }

    #[test]
    fn quotas_count_tags_once() {
        let quotas = Quotas { tags: Some(2), properties: Some(1) };
        quotas.check(&create(json!({"tags": ["a", "b", "a"], "x": "1"})).unwrap()).unwrap();
        for body in [json!({"tags": ["a", "b", "c"]}), json!({"x": "1", "y": "2"})] {
            assert!(matches!(quotas.check(&create(body).unwrap()), Err(Error::LimitExceeded(_))));
        }
    }
}
