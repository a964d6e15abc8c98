//! The schemas that descriptions of routes refer to, by name.

use serde_json::{Map, Value, json};

use crate::image::{ContainerFormat, DiskFormat, HashAlgorithm, PatchForm, schema};
use crate::import::ImportMethod;
use crate::task;
use crate::usage::Resource;

/// Every schema.
pub(super) fn all() -> Value {
    json!({
        "Error": error(),
        "Health": health(),
        "Image": image(),
        "ImageTasks": image_tasks(),
        "Images": page(&schema::images(DiskFormat::ALL, ContainerFormat::ALL), "images", "Image"),
        "ImageImport": image_import(),
        "ImportInfo": import_info(),
        "Locations": locations(),
        "Member": whole(schema::member()),
        "MemberStatus": said("status", &schema::member()["properties"]["status"]),
        "Members": members(),
        "NewImage": new_image(),
        "NewLocation": new_location(),
        "NewMember": said("member", &schema::member()["properties"]["member_id"]),
        "NewTask": new_task(),
        "PatchV20": patch(PatchForm::V20),
        "PatchV21": patch(PatchForm::V21),
        "StoreDetails": stores(true),
        "Stores": stores(false),
        "Schema": json!({ "type": "object", "description": "A JSON schema." }),
        "Task": task(&task::schema::task()),
        "TaskStub": task(&task::schema::tasks()["properties"]["tasks"]["items"]),
        "Tasks": page(&task::schema::tasks(), "tasks", "TaskStub"),
        "Usage": usage(),
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

/// A schema all of whose fields are always there.
fn whole(schema: Value) -> Value {
    let mut whole = component(schema);
    whole["required"] = whole["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    whole
}

/// An object of one field.
fn said(name: &str, schema: &Value) -> Value {
    json!({ "type": "object", "properties": { name: schema }, "required": [name] })
}

/// The members of an image: all of them, so there are no links.
fn members() -> Value {
    json!({
        "type": "object",
        "properties": {
            "members": { "type": "array", "items": { "$ref": "#/components/schemas/Member" } },
            "schema": { "type": "string" },
        },
        "required": ["members", "schema"],
    })
}

/// Where an image's data is.
fn locations() -> Value {
    let metadata = json!({
        "type": "object",
        "properties": { "store": { "type": "string", "description": "The store." } },
        "required": ["store"],
    });
    let one = json!({
        "type": "object",
        "properties": { "url": { "type": "string" }, "metadata": metadata },
        "required": ["url", "metadata"],
    });
    json!({ "type": "array", "items": one })
}

fn new_location() -> Value {
    let algorithms = HashAlgorithm::ALL.map(HashAlgorithm::name);
    json!({
        "type": "object",
        "properties": {
            "url": { "type": "string", "description": "Where the data is." },
            "validation_data": {
                "type": "object",
                "description": "What the data hashes to: both members or none.",
                "properties": {
                    "os_hash_algo": { "enum": algorithms },
                    "os_hash_value": { "type": "string", "description": "In hexadecimal." },
                },
                "additionalProperties": false,
            },
        },
        "required": ["url"],
    })
}

/// A task. When it will be forgotten is told once it has ended.
fn task(schema: &Value) -> Value {
    let mut task = whole(schema.clone());
    if let Some(required) = task["required"].as_array_mut() {
        required.retain(|name| name != "expires_at");
    }
    task
}

fn new_task() -> Value {
    let schema = task::schema::task();
    json!({
        "type": "object",
        "properties": {
            "type": { "enum": ["import"] },
            "input": {
                "type": "object",
                "description": schema["properties"]["input"]["description"],
                "properties": {
                    "import_from": { "type": "string", "format": "uri", "description": "URL of the data." },
                    "import_from_format": { "type": "string" },
                    "image_properties": { "type": "object" },
                },
                "required": ["import_from"],
            },
        },
        "required": ["type", "input"],
    })
}

/// Tasks of an image: times without a zone, and what Glance's database says of each row.
fn image_tasks() -> Value {
    let mut one = component(task::schema::task());
    if let Some(fields) = one["properties"].as_object_mut() {
        fields.retain(|name, _| !["self", "schema"].contains(&name.as_str()));
        fields.insert("deleted".to_owned(), json!({ "const": false }));
        fields.insert("deleted_at".to_owned(), json!({ "type": "null" }));
        fields.insert("stores".to_owned(), progress());
    }
    json!({
        "type": "object",
        "properties": { "tasks": { "type": "array", "items": one } },
        "required": ["tasks"],
    })
}

/// What Glance does not tell of an import.
fn progress() -> Value {
    json!({
        "type": "array",
        "description": "How far each store of an import is, for its owner and administrators",
        "items": {
            "type": "object",
            "properties": {
                "id": { "type": "string" },
                "status": { "enum": ["coming", "there", "failed"] },
                "bytes": { "type": "integer", "description": "Bytes that had arrived when that was written down last" },
            },
            "required": ["id", "status"],
        },
    })
}

fn image_import() -> Value {
    let flag = |description: &str, default: bool| json!({ "type": "boolean", "default": default, "description": description });
    json!({
        "type": "object",
        "properties": {
            "method": {
                "type": "object",
                "properties": {
                    "name": { "enum": ImportMethod::ALL.map(ImportMethod::name) },
                    "uri": { "type": "string", "format": "uri", "description": "URL of the data, for web-download." },
                    "glance_region": { "type": "string", "maxLength": 255, "description": "The other region, for glance-download." },
                    "glance_image_id": { "type": "string", "format": "uuid", "description": "The image there, for glance-download." },
                    "glance_service_interface": {
                        "type": "string", "maxLength": 255, "default": "public",
                        "description": "Which of that region's endpoints is asked, for glance-download: public, internal, admin.",
                    },
                },
                "required": ["name"],
            },
            "stores": {
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
                "description": "Ids of the stores that are to have the data. Without them, the default one.",
            },
            "all_stores": flag("Every store that takes data.", false),
            "all_stores_must_succeed": flag("Whether it is given up when one store fails.", true),
        },
        "required": ["method"],
    })
}

fn import_info() -> Value {
    let methods = json!({
        "type": "object",
        "properties": {
            "description": { "type": "string" },
            "type": { "const": "array" },
            "value": { "type": "array", "items": { "type": "string" } },
        },
        "required": ["description", "type", "value"],
    });
    json!({ "type": "object", "properties": { "import-methods": methods }, "required": ["import-methods"] })
}

fn stores(in_detail: bool) -> Value {
    let mut store = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "default": { "const": "true", "description": "Of the store that is taken when none is named." },
            "read-only": { "const": "true", "description": "Of a store that no image can be added to." },
        },
        "required": ["id"],
    });
    if in_detail {
        store["properties"]["type"] = json!({ "type": "string", "description": "Kind of store." });
        store["properties"]["weight"] =
            json!({ "type": "integer", "description": "The store of most weight is read first." });
        store["properties"]["properties"] =
            json!({ "type": "object", "description": "What else is configured." });
        store["required"] = json!(["id", "type", "weight", "properties"]);
    }
    json!({
        "type": "object",
        "properties": { "stores": { "type": "array", "items": store } },
        "required": ["stores"],
    })
}

fn usage() -> Value {
    let of = |resource: &Resource| {
        let unit = if resource.unit() > 1 { "MiB" } else { "images" };
        let amounts = json!({
            "type": "object",
            "properties": {
                "usage": { "type": "integer", "minimum": 0, "description": format!("Used, in {unit}.") },
                "limit": { "type": "integer", "minimum": -1, "description": format!("The most, in {unit}; -1 is any amount.") },
            },
            "required": ["usage", "limit"],
        });
        (resource.name().to_owned(), amounts)
    };
    let resources: Map<_, _> = Resource::ALL.iter().map(of).collect();
    let usage = json!({
        "type": "object",
        "properties": resources,
        "description": "Empty when the token names no project.",
    });
    json!({ "type": "object", "properties": { "usage": usage }, "required": ["usage"] })
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
