//! The description of the API against what answers: everything described is there, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::callers::ADMIN;
use tests::request::V21;
use tests::service::Service;

use super::routes::is_by_url;

/// The description as it is kept and served.
const KEPT: &str = include_str!("../../docs/openapi.json");

fn document() -> Value {
    serde_json::from_str(KEPT).unwrap()
}

/// What is described: path and method, in capitals.
pub(crate) fn operations() -> BTreeSet<(String, String)> {
    let paths = document()["paths"].as_object().unwrap().clone();
    let of = |(path, item): (String, Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.into_iter().map(move |method| (path.clone(), method))
    };
    paths.into_iter().flat_map(of).collect()
}

/// What is described and is answered by the service under test itself.
fn answered() -> impl Iterator<Item = (String, String)> {
    operations().into_iter().filter(|(path, _)| Service::has_its_own_store() || !is_by_url(path))
}

/// A path whose parameters are words that name nothing.
fn filled(path: &str) -> String {
    let absent = |part: &str| match part {
        "{image_id}" => "00000000-0000-4000-8000-00000000ffff".to_owned(),
        "{upload_id}" | "{object_id}" => "01ARYZ6S41ZZZZZZZZZZZZZZZZ".to_owned(),
        "{number}" => "1".to_owned(),
        part if part.starts_with('{') => "absent".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(absent).collect::<Vec<_>>().join("/")
}

#[test]
fn the_description_that_is_kept_is_what_the_code_tells() {
    // Not by assert_eq: two documents of a thousand lines tell nobody anything.
    assert!(KEPT == tests::description(), "docs/openapi.json is not of this code: run `cargo xtask openapi`");
}

#[test]
fn every_operation_has_a_summary_a_tag_and_a_name_of_its_own() {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(Value::to_string).collect();
    let mut operation_ids = BTreeSet::new();
    for (path, method) in operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(
            operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')),
            "{method} {path}"
        );
        assert!(
            operation_ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{method} {path}"
        );
        let own: Vec<_> = operation["tags"].as_array().unwrap().iter().map(Value::to_string).collect();
        assert!(own.len() == 1 && tags.contains(&own[0]), "{method} {path}: {own:?}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named = |place: &str| -> BTreeSet<String> {
            let there = parameters.iter().filter(|parameter| parameter["in"] == place);
            there.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
        };
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(named("path"), in_path.map(str::to_owned).collect(), "{method} {path}");
    }
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
    }
}

#[tokio::test]
async fn what_is_described_is_answered_by_a_handler() {
    let service = Service::empty().await;
    for (path, method) in answered() {
        let call = service.call(&method, &filled(&path)).by(ADMIN);
        let call = if method == "PATCH" { call.header("content-type", V21) } else { call };
        let answer = call.send().await;
        assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.line());
        assert!(
            !answer.line().contains("The resource could not be found."),
            "{method} {path}: {}",
            answer.line()
        );
        // 405 among them means that a handler says so, to those who may know.
        let told = document()["paths"][&path][method.to_lowercase()]["responses"].clone();
        assert!(told.get(answer.status.as_str()).is_some(), "{method} {path}: {}", answer.line());
    }
}

#[tokio::test]
async fn what_is_not_described_is_not_allowed_and_what_is_is_said() {
    let service = Service::empty().await;
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method) in answered() {
        let methods = paths.entry(path).or_default();
        if method == "GET" {
            methods.insert("HEAD".to_owned());
        }
        methods.insert(method);
    }
    for (path, methods) in paths {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            if methods.contains(method) {
                continue;
            }
            let answer = service.call(method, &filled(&path)).by(ADMIN).send().await;
            assert_eq!(answer.status.as_u16(), 405, "{method} {path}");
            let allowed: BTreeSet<_> = answer.header("allow").split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_description_is_served_as_it_is_kept_and_to_everybody() {
    let service = Service::empty().await;
    let answer = service.call("GET", "/openapi.json").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert!(answer.body == KEPT.as_bytes());
    let tag = answer.header("etag").to_owned();
    let again = service.call("GET", "/openapi.json").header("if-none-match", &tag).send().await;
    assert_eq!((again.status.as_u16(), again.header("etag"), again.body.len()), (304, tag.as_str(), 0));
    let other = service.call("GET", "/openapi.json").header("if-none-match", "\"other\"").send().await;
    assert_eq!(other.status.as_u16(), 200);
}
