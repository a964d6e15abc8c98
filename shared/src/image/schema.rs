//! The JSON schema of an image and of a page of images, as `GET /v2/schemas/...` tells it.
//!
//! Clients work by it: glanceclient checks every create and update against it before it sends one, Compute reads the disk
//! formats from it. So names, types, enumerations and `readOnly` are Glance's; the descriptions are for people.

use serde_json::{Map, Value, json};

use super::{ContainerFormat, DiskFormat, MemberStatus, Status, Visibility};

/// What an id looks like.
pub(crate) const UUID: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// The schema of an image, where these formats may be declared.
pub fn image(disk_formats: &[DiskFormat], container_formats: &[ContainerFormat]) -> Value {
    let properties: Map<String, Value> = [identity(), access(), data(), needs(), links()]
        .into_iter()
        .flatten()
        .chain([
            format_property(
                "disk_format",
                "Format of the disk",
                disk_formats.iter().map(|format| format.name()),
            ),
            format_property(
                "container_format",
                "Format of the container",
                container_formats.iter().map(|format| format.name()),
            ),
        ])
        .map(|(name, property)| (name.to_owned(), property))
        .collect();
    json!({
        "name": "image",
        "properties": properties,
        "additionalProperties": { "type": "string" },
        "links": [
            { "rel": "self", "href": "{self}" },
            { "rel": "enclosure", "href": "{file}" },
            { "rel": "describedby", "href": "{schema}" },
        ],
    })
}

/// The schema of a page of images.
pub fn images(disk_formats: &[DiskFormat], container_formats: &[ContainerFormat]) -> Value {
    page("images", &image(disk_formats, container_formats))
}

/// The schema of a project an image is shared with.
pub fn member() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "name": "member",
        "properties": {
            "member_id": text("Project the image is shared with"),
            "image_id": { "type": "string", "description": "Id of the image", "pattern": UUID },
            "status": {
                "type": "string",
                "description": "What the project makes of it",
                "enum": MemberStatus::ALL.map(MemberStatus::name),
            },
            "created_at": text("When the image was shared with the project"),
            "updated_at": text("When the project's answer last changed"),
            "schema": read_only(json!({ "type": "string" }), "Path of this schema"),
        },
        "additionalProperties": false,
    })
}

/// The schema of all projects an image is shared with.
pub fn members() -> Value {
    page("members", &member())
}

/// The schema of a page of anything, whose name is that of the list in it.
pub(crate) fn page(name: &str, item: &Value) -> Value {
    let text = || json!({ "type": "string" });
    let properties = [
        (name.to_owned(), json!({ "type": "array", "items": item })),
        ("first".to_owned(), text()),
        ("next".to_owned(), text()),
        ("schema".to_owned(), text()),
    ];
    json!({
        "name": name,
        "properties": Map::from_iter(properties),
        "links": [
            { "rel": "first", "href": "{first}" },
            { "rel": "next", "href": "{next}" },
            { "rel": "describedby", "href": "{schema}" },
        ],
    })
}

type Property = (&'static str, Value);

/// Who the image is.
fn identity() -> Vec<Property> {
    vec![
        ("id", json!({ "type": "string", "description": "Id of the image", "pattern": UUID })),
        ("name", text_or_null("Name of the image, for people", 255)),
        ("owner", text_or_null("Project the image belongs to", 255)),
        (
            "tags",
            json!({
                "type": "array",
                "description": "Words the image is labelled with",
                "items": { "type": "string", "maxLength": 255 },
            }),
        ),
        ("created_at", read_only(json!({ "type": "string" }), "When the image was registered")),
        ("updated_at", read_only(json!({ "type": "string" }), "When the image's record last changed")),
    ]
}

/// Who may do what with it.
fn access() -> Vec<Property> {
    let visibilities = Visibility::ALL.map(Visibility::name);
    let flag = |description: &str| json!({ "type": "boolean", "description": description });
    vec![
        (
            "visibility",
            json!({ "type": "string", "description": "Who may see the image", "enum": visibilities }),
        ),
        ("protected", flag("Whether the image refuses to be deleted")),
        ("os_hidden", flag("Whether default lists leave the image out")),
    ]
}

/// What is known of its bytes.
fn data() -> Vec<Property> {
    let statuses = Status::ALL.map(Status::name);
    let count = |description: &str| read_only(json!({ "type": ["null", "integer"] }), description);
    let digest = |description: &str, length: u32| {
        read_only(json!({ "type": ["null", "string"], "maxLength": length }), description)
    };
    vec![
        (
            "status",
            read_only(json!({ "type": "string", "enum": statuses }), "Where the image stands in its life"),
        ),
        ("size", count("Size of the image's data in bytes")),
        ("virtual_size", count("Size of the disk in the image's data, in bytes")),
        ("checksum", digest("MD5 of the image's data", 32)),
        ("os_hash_algo", digest("Algorithm of os_hash_value", 64)),
        ("os_hash_value", digest("Digest of the image's data, in hexadecimal", 128)),
        ("locations", locations()),
    ]
}

fn locations() -> Value {
    let digests = json!({
        "type": "object",
        "description": "Digests of the data at the location; those of the image, once it has some",
        "writeOnly": true,
        "additionalProperties": false,
        "properties": {
            "checksum": { "type": "string", "minLength": 32, "maxLength": 32 },
            "os_hash_algo": { "type": "string", "maxLength": 64 },
            "os_hash_value": { "type": "string", "maxLength": 128 },
        },
        "required": ["os_hash_algo", "os_hash_value"],
    });
    json!({
        "type": "array",
        "description": "Where the image's data lies",
        "items": {
            "type": "object",
            "properties": {
                "url": { "type": "string", "maxLength": 255 },
                "metadata": { "type": "object" },
                "validation_data": digests,
            },
            "required": ["url", "metadata"],
        },
    })
}

/// What a server needs to run it.
fn needs() -> Vec<Property> {
    let amount = |description: &str| json!({ "type": "integer", "description": description });
    vec![
        ("min_ram", amount("Memory a server needs, in MB")),
        ("min_disk", amount("Disk a server needs, in GB")),
    ]
}

/// Where things about it are.
fn links() -> Vec<Property> {
    let link = |description: &str| read_only(json!({ "type": "string" }), description);
    vec![
        ("self", link("Path of the image")),
        ("file", link("Path of the image's data")),
        ("schema", link("Path of this schema")),
        ("direct_url", link("URL of the image's data in its store")),
        ("stores", link("Ids of the stores that hold the image's data, separated by commas")),
    ]
}

/// Null comes first: an image need not declare a format.
fn format_property(
    name: &'static str,
    description: &str,
    formats: impl Iterator<Item = &'static str>,
) -> Property {
    let formats: Vec<_> = std::iter::once(Value::Null).chain(formats.map(Value::from)).collect();
    (name, json!({ "type": ["null", "string"], "description": description, "enum": formats }))
}

fn text_or_null(description: &str, length: u32) -> Value {
    json!({ "type": ["null", "string"], "description": description, "maxLength": length })
}

fn read_only(mut property: Value, description: &str) -> Value {
    if let Some(property) = property.as_object_mut() {
        property.insert("readOnly".to_owned(), true.into());
        property.insert("description".to_owned(), description.into());
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties() -> Map<String, Value> {
        image(DiskFormat::ALL, ContainerFormat::ALL)["properties"].as_object().unwrap().clone()
    }

    #[test]
    fn every_attribute_is_described() {
        let names: Vec<_> = properties().keys().cloned().collect();
        let expected = "checksum container_format created_at direct_url disk_format file id locations min_disk min_ram \
                        name os_hash_algo os_hash_value os_hidden owner protected schema self size status stores tags \
                        updated_at virtual_size visibility";
        assert_eq!(names.join(" "), expected);
        assert!(properties().values().all(|property| property["description"].is_string()));
    }

    #[test]
    fn what_clients_cannot_write_is_read_only() {
        let properties = properties();
        let read_only = properties.iter().filter(|(_, property)| property["readOnly"] == true);
        let names: Vec<_> = read_only.map(|(name, _)| name.as_str()).collect();
        let expected = "checksum created_at direct_url file os_hash_algo os_hash_value schema self size status stores \
                        updated_at virtual_size";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_format_is_one_of_the_list_or_null() {
        let schema = image(&[DiskFormat::Raw, DiskFormat::Qcow2], &[ContainerFormat::Bare]);
        assert_eq!(schema["properties"]["disk_format"]["enum"], json!([null, "raw", "qcow2"]));
        assert_eq!(schema["properties"]["container_format"]["enum"], json!([null, "bare"]));
        assert_eq!(schema["additionalProperties"], json!({ "type": "string" }));
    }

    #[test]
    fn a_page_holds_images() {
        let page = images(DiskFormat::ALL, ContainerFormat::ALL);
        assert_eq!(page["properties"]["images"]["items"], image(DiskFormat::ALL, ContainerFormat::ALL));
        assert_eq!(page["links"][1], json!({ "rel": "next", "href": "{next}" }));
    }
}
