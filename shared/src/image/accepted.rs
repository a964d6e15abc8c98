//! What values images may take here: the formats in use, and the properties an operator describes.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::attributes::{Kind, kind};
use super::{ContainerFormat, DiskFormat, Image, Patch, schema};
use crate::error::{Error, Result};

/// What values images may take here, where that is less than the API allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Formats of disks, in the order of the schema.
    pub disk_formats: Vec<DiskFormat>,
    /// Formats of containers, in the order of the schema.
    pub container_formats: Vec<ContainerFormat>,
    /// Properties with schemas of their own.
    pub described: Described,
}

impl Default for Accepted {
    /// Everything the API allows.
    fn default() -> Self {
        Self {
            disk_formats: DiskFormat::ALL.to_vec(),
            container_formats: ContainerFormat::ALL.to_vec(),
            described: Described::default(),
        }
    }
}

/// Custom properties that an operator describes (Glance's `schema-image.json`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    properties: BTreeMap<String, Property>,
    required: Vec<String>,
}

#[derive(Clone, Debug)]
struct Property {
    schema: Map<String, Value>,
    values: Option<Vec<String>>,
    lengths: (usize, usize),
    pattern: Option<Regex>,
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

impl Eq for Property {}

impl Accepted {
    /// Checks an image that is to be registered.
    ///
    /// # Errors
    /// `Invalid`, naming the attribute and what it takes.
    pub fn check_new(&self, image: &Image) -> Result<()> {
        self.check_taken(image)?;
        match self.described.required.iter().find(|name| !image.properties.contains_key(*name)) {
            None => Ok(()),
            Some(name) => Err(Error::Invalid(format!("{name}: must be set, as a required property"))),
        }
    }

    /// Checks what an image takes over from another, whose properties need not be all that are required.
    pub(super) fn check_taken(&self, image: &Image) -> Result<()> {
        self.check_formats(image.disk_format, image.container_format)?;
        image.properties.iter().try_for_each(|(name, value)| self.described.check(name, value))
    }

    /// Checks the values that a patch sets.
    ///
    /// # Errors
    /// `Invalid`, naming the attribute and what it takes.
    pub fn check_patch(&self, patch: &Patch) -> Result<()> {
        patch.texts().try_for_each(|(name, text)| match name {
            "disk_format" => self.check_formats(DiskFormat::parse(text), None),
            "container_format" => self.check_formats(None, ContainerFormat::parse(text)),
            _ => self.described.check(name, text),
        })
    }

    fn check_formats(&self, disk: Option<DiskFormat>, container: Option<ContainerFormat>) -> Result<()> {
        if disk.is_some_and(|format| !self.disk_formats.contains(&format)) {
            let names: Vec<_> = self.disk_formats.iter().map(|format| format.name()).collect();
            return Err(one_of("disk_format", &names));
        }
        if container.is_some_and(|format| !self.container_formats.contains(&format)) {
            let names: Vec<_> = self.container_formats.iter().map(|format| format.name()).collect();
            return Err(one_of("container_format", &names));
        }
        Ok(())
    }

    /// The schema of an image here.
    pub fn schema(&self) -> Value {
        let mut schema = schema::image(&self.disk_formats, &self.container_formats);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            for (name, property) in &self.described.properties {
                let mut property = property.schema.clone();
                property.insert("is_base".to_owned(), false.into());
                properties.insert(name.clone(), property.into());
            }
        }
        schema
    }

    /// The schema of a page of images here.
    pub fn page_schema(&self) -> Value {
        schema::page("images", &self.schema())
    }
}

impl Described {
    /// Reads a file: a map of names to JSON schemas, or one under `properties`, beside `required`.
    ///
    /// # Errors
    /// Where it is no JSON; or which property, and what of it is not known here.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| format!("line {}: must be a JSON object: {error}", error.line()))?;
        let (properties, required) = match (document.get("properties"), document.get("required")) {
            // A property may be called so, too; its schema has no properties of its own.
            (Some(Value::Object(properties)), required)
                if document.len() <= 1 + usize::from(required.is_some()) =>
            {
                (properties.clone(), required.cloned())
            }
            _ => (document, None),
        };
        let properties = properties.into_iter().map(|(name, schema)| {
            let property =
                Property::read(&name, schema).map_err(|why| format!("property '{name}': {why}"))?;
            Ok((name, property))
        });
        let properties: BTreeMap<_, _> = properties.collect::<Result<_, String>>()?;
        let required: Vec<String> =
            required.map_or(Some(Vec::new()), texts).ok_or("required: must be a list of names")?;
        match required.iter().find(|name| !properties.contains_key(*name)) {
            None => Ok(Self { properties, required }),
            Some(name) => Err(format!("required: '{name}' has no schema")),
        }
    }

    fn check(&self, name: &str, value: &str) -> Result<()> {
        self.properties.get(name).map_or(Ok(()), |property| property.check(name, value))
    }
}

impl Property {
    fn read(name: &str, schema: Value) -> Result<Self, String> {
        if kind(name) != Kind::Custom {
            return Err("is an attribute every image has, or one of the service's".to_owned());
        }
        let Value::Object(schema) = schema else { return Err("must have a JSON schema".to_owned()) };
        let mut property =
            Self { schema: schema.clone(), values: None, lengths: (0, usize::MAX), pattern: None };
        for (key, value) in schema {
            let length = value.as_u64().and_then(|length| usize::try_from(length).ok());
            match key.as_str() {
                "type" => {
                    let is_text = |kind: &Value| kind == "string";
                    if !is_text(&value) && !value.as_array().is_some_and(|kinds| kinds.iter().any(is_text)) {
                        return Err("type: must be string, as every custom property is".to_owned());
                    }
                }
                "enum" => {
                    let values = value.as_array().into_iter().flatten().filter(|value| !value.is_null());
                    let values = texts(values.cloned().collect()).filter(|values| !values.is_empty());
                    property.values = Some(values.ok_or("enum: must be a list of texts")?);
                }
                "minLength" => property.lengths.0 = length.ok_or("minLength: must be a whole number")?,
                "maxLength" => property.lengths.1 = length.ok_or("maxLength: must be a whole number")?,
                "pattern" => {
                    let text = value.as_str().ok_or("pattern: must be a regular expression")?;
                    let pattern = Regex::new(text)
                        .map_err(|error| format!("pattern: must be a regular expression: {error}"))?;
                    property.pattern = Some(pattern);
                }
                "description" | "title" | "default" | "examples" | "is_base" | "operators" => {}
                _ => return Err(format!("{key}: is nothing a value is held to here")),
            }
        }
        Ok(property)
    }

    fn check(&self, name: &str, value: &str) -> Result<()> {
        let (least, most) = self.lengths;
        let length = value.chars().count();
        match (&self.values, &self.pattern) {
            (Some(values), _) if !values.iter().any(|one| one == value) => {
                Err(one_of(name, &values.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            (_, Some(pattern)) if !pattern.is_match(value) => {
                Err(Error::Invalid(format!("{name}: must match {}", pattern.as_str())))
            }
            _ if length < least => {
                Err(Error::Invalid(format!("{name}: must have at least {least} characters")))
            }
            _ if length > most => Err(Error::Invalid(format!("{name}: must have at most {most} characters"))),
            _ => Ok(()),
        }
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(values) = value else { return None };
    values.into_iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

fn one_of(name: &str, names: &[&str]) -> Error {
    Error::Invalid(format!("{name}: must be one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::image::{NewImage, PatchForm};
    use crate::time::Timestamp;

    /// As Glance ships one, and a bit more.
    const FILE: &str = r#"{
        "kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f]{4}$", "description": "Kernel"},
        "os_distro": {"type": "string", "enum": ["debian", "suse"]},
        "licence": {"type": "string", "minLength": 2, "maxLength": 3}
    }"#;

    fn accepted(described: &str) -> Accepted {
        Accepted {
            disk_formats: vec![DiskFormat::Raw, DiskFormat::Qcow2],
            container_formats: vec![ContainerFormat::Bare],
            described: Described::parse(described).unwrap(),
        }
    }

    fn create(accepted: &Accepted, body: Value) -> Result<(), String> {
        let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        let image =
            NewImage::parse(body).unwrap().into_image(id, None, Timestamp::from_microseconds(0)).unwrap();
        accepted.check_new(&image).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_outside_its_schema_is_refused_at_creation_and_in_patches() {
        let accepted = accepted(FILE);
        for (name, value, expected) in [
            ("kernel_id", "00ff", ""),
            ("kernel_id", "00FF", "kernel_id: must match ^[0-9a-f]{4}$"),
            ("os_distro", "suse", ""),
            ("os_distro", "", "os_distro: must be one of debian, suse"),
            ("licence", "ab", ""),
            ("licence", "a", "licence: must have at least 2 characters"),
            ("licence", "äöüß", "licence: must have at most 3 characters"),
            ("other", "anything", ""),
            ("disk_format", "raw", ""),
            ("disk_format", "iso", "disk_format: must be one of raw, qcow2"),
            ("container_format", "ovf", "container_format: must be one of bare"),
        ] {
            let patch = json!([{"op": "add", "path": format!("/{name}"), "value": value}]);
            let patch = Patch::parse(PatchForm::V21, patch).unwrap();
            let told = |checked: Result<(), String>| checked.err().unwrap_or_default();
            assert_eq!(told(create(&accepted, json!({name: value}))), expected);
            assert_eq!(told(accepted.check_patch(&patch).map_err(|error| error.to_string())), expected);
        }
        assert_eq!(create(&Accepted::default(), json!({"disk_format": "iso", "licence": ""})), Ok(()));
    }

    #[test]
    fn a_required_property_has_to_be_there_from_the_first() {
        let file = r#"{"properties": {"licence": {"type": "string"}}, "required": ["licence"]}"#;
        let refused = Err("licence: must be set, as a required property".to_owned());
        assert_eq!(create(&accepted(file), json!({})), refused);
        assert_eq!(create(&accepted(file), json!({"licence": ""})), Ok(()));
    }

    #[test]
    fn the_schema_tells_what_is_accepted() {
        let schema = accepted(FILE).schema();
        let properties = &schema["properties"];
        assert_eq!(properties["disk_format"]["enum"], json!([null, "raw", "qcow2"]));
        assert_eq!(
            properties["os_distro"],
            json!({"type": "string", "enum": ["debian", "suse"], "is_base": false})
        );
        assert_eq!(accepted(FILE).page_schema()["properties"]["images"]["items"], schema);
        let all = schema::image(DiskFormat::ALL, ContainerFormat::ALL);
        assert_eq!(Accepted::default().schema(), all);
    }

    #[test]
    fn what_cannot_be_held_to_is_refused() {
        for (text, expected) in [
            ("{\n,}", "line 2: must be a JSON object: "),
            ("[]", "line 1: must be a JSON object: "),
            (r#"{"a": 1}"#, "property 'a': must have a JSON schema"),
            (r#"{"name": {}}"#, "property 'name': is an attribute every image has, or one of the service's"),
            (r#"{"os_glance_x": {}}"#, "property 'os_glance_x': is an attribute"),
            (r#"{"a": {"type": "integer"}}"#, "property 'a': type: must be string"),
            (r#"{"a": {"enum": [1]}}"#, "property 'a': enum: must be a list of texts"),
            (r#"{"a": {"enum": []}}"#, "property 'a': enum: must be a list of texts"),
            (r#"{"a": {"minLength": -1}}"#, "property 'a': minLength: must be a whole number"),
            (r#"{"a": {"pattern": "("}}"#, "property 'a': pattern: must be a regular expression: "),
            (r#"{"a": {"format": "uuid"}}"#, "property 'a': format: is nothing a value is held to here"),
            (r#"{"properties": {"a": {}}, "required": ["b"]}"#, "required: 'b' has no schema"),
            (r#"{"properties": {"a": {}}, "required": "a"}"#, "required: must be a list of names"),
        ] {
            let refused = Described::parse(text).unwrap_err();
            assert!(refused.starts_with(expected), "{text}: {refused}");
        }
    }
}
