//! The schemas that descriptions of routes refer to, by name.

use serde_json::{Map, Value, json};

use crate::image::{ContainerFormat, DiskFormat, PatchForm, schema};

/// Every schema.
pub(super) fn all() -> Value {
    json!({
        "Error": error(),
        "Health": health(),
        "Image": image(),
        "Images": page(&schema::images(DiskFormat::ALL, ContainerFormat::ALL), "images", "Image"),
        "NewImage": new_image(),
        "PatchV20": patch(PatchForm::V20),
        "PatchV21": patch(PatchForm::V21),
        "Schema": json!({ "type": "object", "description": "A JSON schema." }),
        "Versions": versions(),
    })
}

/// A schema of `GET /v2/schemas/...` as OpenAPI has it: name and links are of an older draft.
fn component(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("name");
        fields.remove("links");
        fields.insert("type".to_owned(), "object".into());
    }
    schema
}

/// A page of a list, whose items are told once.
fn page(schema: &Value, name: &str, item: &str) -> Value {
    let mut page = component(schema.clone());
    page["properties"][name]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
    page["required"] = json!([name, "first", "schema"]);
    page
}

fn image() -> Value {
    let mut image = component(schema::image(DiskFormat::ALL, ContainerFormat::ALL));
    let names = image["properties"].as_object().into_iter().flat_map(Map::keys);
    // Where the data lies is shown only where that is configured, and once there is some.
    let always = names.filter(|name| !["direct_url", "locations", "stores"].contains(&name.as_str()));
    image["required"] = always.cloned().collect::<Vec<_>>().into();
    image
}

/// What of an image its creator may say.
fn new_image() -> Value {
    let mut image = component(schema::image(DiskFormat::ALL, ContainerFormat::ALL));
    if let Some(properties) = image["properties"].as_object_mut() {
        properties.retain(|name, property| property["readOnly"] != true && name != "locations");
    }
    image
}

fn patch(form: PatchForm) -> Value {
    let path = json!({ "type": "string", "pattern": "^/", "description": "`/` and the name; `~1` is a `/` in it, `~0` a `~`." });
    let change = match form {
        PatchForm::V21 => json!({
            "type": "object",
            "properties": { "op": { "enum": ["add", "replace", "remove"] }, "path": path, "value": {} },
            "required": ["op", "path"],
        }),
        PatchForm::V20 => {
            let by = |op: &str| json!({ "type": "object", "properties": { op: path, "value": {} }, "required": [op] });
            json!({ "oneOf": [by("add"), by("replace"), by("remove")] })
        }
    };
    json!({
        "type": "array",
        "description": "Changes to an image, made in order, all or none.",
        "items": change,
    })
}

/// What an error says, in JSON.
fn error() -> Value {
    json!({
        "type": "object",
        "properties": {
            "code": { "type": "string", "description": "The status with its name, such as `404 Not Found`." },
            "message": { "type": "string", "description": "What is wrong, with HTML breaks at its end." },
            "title": { "type": "string", "description": "The status's name." },
        },
        "required": ["code", "message", "title"],
    })
}

fn health() -> Value {
    json!({
        "type": "object",
        "properties": {
            "detailed": { "type": "boolean" },
            "reasons": { "type": "array", "items": { "type": "string" } },
        },
        "required": ["detailed", "reasons"],
    })
}

fn versions() -> Value {
    let link = json!({
        "type": "object",
        "properties": { "rel": { "const": "self" }, "href": { "type": "string", "format": "uri" } },
        "required": ["rel", "href"],
    });
    let version = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "pattern": "^v2\\.[0-9]+$" },
            "status": { "enum": ["CURRENT", "SUPPORTED"] },
            "links": { "type": "array", "items": link },
        },
        "required": ["id", "status", "links"],
    });
    json!({
        "type": "object",
        "properties": { "versions": { "type": "array", "items": version } },
        "required": ["versions"],
    })
}
