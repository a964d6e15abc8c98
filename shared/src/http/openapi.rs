//! The description of the API (OpenAPI 3.1), put together from what routes say of themselves.
//!
//! What the door does to every request stands here once and not in each description: who may call, request ids, the three
//! shapes of an error. Schemas are those of `GET /v2/schemas/...` where there is one.

#![expect(clippy::indexing_slicing, reason = "of JSON that is made here: what is assigned appears")]

mod schemas;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::routes::{Described, Routes};
use super::version;

/// The description of these routes, as JSON.
pub fn document(routes: &Routes) -> Value {
    let mut paths = Map::new();
    let mut described: Vec<_> = routes.described().iter().collect();
    described.sort_by(|one, other| one.path.cmp(&other.path));
    for route in described {
        let path = paths.entry(&route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": info(),
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "token": [], "service_token": [] }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "headers": { "RequestId": {
                "description": "Id of this request, as the log knows it.",
                "schema": { "type": "string", "pattern": "^req-[0-9a-f-]{36}$" },
            } },
            "securitySchemes": {
                "token": key("X-Auth-Token", "A token of Keystone. Not looked at in identity mode `none`."),
                "service_token": key("X-Service-Token", "The token of a service that calls on a user's behalf."),
            },
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Glint, the OpenStack Image API v2",
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        "description": "Every path under `/v2` is also served under each version that `/versions` lists, and without a version \
            to requests that name one in `Accept: application/vnd.openstack.images-v2.N`. Every `GET` is a `HEAD` too. Any \
            other method of a path is 405, with `Allow`. Errors come as JSON, HTML or text, as `Accept` asks.",
    })
}

fn tags() -> Value {
    let tag = |(name, about)| json!({ "name": name, "description": about });
    let tags = [
        ("discovery", "What is there: versions, schemas, health, this description."),
        ("images", "Records of images."),
        ("image data", "The bytes of images."),
        ("members", "Whom images are shared with."),
        ("tasks", "What is done in the background."),
        ("info", "What this service can do, and how much of it is used."),
    ];
    tags.map(tag).to_vec().into()
}

fn key(header: &str, about: &str) -> Value {
    json!({ "type": "apiKey", "in": "header", "name": header, "description": about })
}

/// A route's own description, with what the door adds to every one.
fn operation(route: &Described) -> Value {
    let mut operation = serde_json::to_value((route.describe)()).unwrap_or_default();
    operation["tags"] = (route.tags)().into();
    let open = version::is_open(&route.path);
    if open {
        operation["security"] = json!([]);
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for kind in parameters.into_iter().flatten().filter_map(|parameter| parameter.pointer_mut("/schema/type"))
    {
        not_null(kind);
    }
    for (status, why) in FROM_THE_DOOR {
        let told = operation["responses"].get(status).is_some();
        let answered = !open || status != "401";
        if answered && !told {
            operation["responses"][status] = json!({ "description": why });
        }
    }
    let responses = operation["responses"].as_object_mut();
    for (status, response) in responses.into_iter().flatten() {
        response["headers"]["x-openstack-request-id"] = json!({ "$ref": "#/components/headers/RequestId" });
        for (name, about, schema) in HEADERS.iter().filter(|(of, ..)| of == status).map(|(_, header)| *header)
        {
            response["headers"][name] = json!({ "description": about, "schema": { "type": schema } });
        }
        if is_error(status) && route.method != "HEAD" {
            let text = json!({ "schema": { "type": "string" } });
            response["content"] = json!({
                "application/json": { "schema": { "$ref": "#/components/schemas/Error" } },
                "text/html": text,
                "text/plain": text,
            });
        }
    }
    operation
}

/// A parameter may be left out; there is no way to write one that is null.
fn not_null(kind: &mut Value) {
    if let Some(kinds) = kind.as_array_mut() {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            *kind = only.clone();
        }
    }
}

/// What any request may be answered.
const FROM_THE_DOOR: [(&str, &str); 5] = [
    ("400", "Not what the request may be, such as one with a body where none belongs."),
    ("401", "No token, or none that is valid."),
    ("431", "`X-OpenStack-Request-ID` is longer than 64 characters."),
    ("500", "The service failed. Its log says why."),
    ("503", "The service cannot answer now."),
];

/// What an error's status brings along, wherever it comes from.
const HEADERS: [(&str, (&str, &str, &str)); 3] = [
    ("401", ("WWW-Authenticate", "`Keystone`.", "string")),
    ("416", ("Content-Range", "How many bytes there are: `bytes */N`.", "string")),
    ("503", ("Retry-After", "When to try again, in seconds.", "integer")),
];

fn is_error(status: &str) -> bool {
    status.parse().is_ok_and(|code: StatusCode| code.is_client_error() || code.is_server_error())
}
