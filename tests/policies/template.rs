//! What the template lets each function do.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::recorder::Right;

const TEMPLATE: &str = include_str!("../../infra/template.yaml");

/// The rights of each function, by its crate's name.
pub(crate) fn granted() -> BTreeMap<String, BTreeSet<Right>> {
    granted_by(TEMPLATE)
}

/// As [`granted`], of a template's text.
pub(crate) fn granted_by(template: &str) -> BTreeMap<String, BTreeSet<Right>> {
    let documents = Yaml::load_from_str(template).unwrap();
    let resources = get(&documents[0], "Resources").unwrap();
    let functions = resources.as_mapping().unwrap().values();
    let functions = functions.filter(|each| text(get(each, "Type").unwrap()) == "AWS::Serverless::Function");
    functions.map(|each| (binary(each), rights(get(each, "Properties").unwrap()))).collect()
}

/// The routes that lead to each function, as method and path.
pub(crate) fn routed() -> BTreeMap<String, BTreeSet<(String, String)>> {
    let documents = Yaml::load_from_str(TEMPLATE).unwrap();
    let resources = get(&documents[0], "Resources").unwrap();
    let functions = resources.as_mapping().unwrap().values();
    let functions = functions.filter(|each| text(get(each, "Type").unwrap()) == "AWS::Serverless::Function");
    functions.map(|each| (binary(each), routes(get(each, "Properties").unwrap()))).collect()
}

fn routes(properties: &Yaml<'_>) -> BTreeSet<(String, String)> {
    let events = get(properties, "Events").and_then(|events| untagged(events).as_mapping());
    let events = events.into_iter().flat_map(|events| events.values());
    let over_http = events.filter(|event| text(get(event, "Type").unwrap()) == "HttpApi");
    let route = |event| {
        let of = get(event, "Properties").unwrap();
        (text(get(of, "Method").unwrap()), text(get(of, "Path").unwrap()))
    };
    over_http.map(route).collect()
}

fn binary(function: &Yaml<'_>) -> String {
    let built = get(function, "Metadata").and_then(|metadata| get(metadata, "BuildProperties"));
    text(get(built.unwrap(), "Binary").unwrap())
}

fn rights(properties: &Yaml<'_>) -> BTreeSet<Right> {
    let documents = get(properties, "Policies").map(list).unwrap_or_default();
    let statements = documents.into_iter().flat_map(|document| list(get(document, "Statement").unwrap()));
    let mut rights = BTreeSet::new();
    for statement in statements {
        assert_eq!(text(get(statement, "Effect").unwrap()), "Allow", "{statement:?}");
        for action in list(get(statement, "Action").unwrap()) {
            for resource in list(get(statement, "Resource").unwrap()) {
                rights.insert(Right::new(text(action), plain(&text(resource))));
            }
        }
    }
    rights
}

/// A resource without the marks of `!Sub`: `${Bucket.Arn}/*` is `Bucket.Arn/*`.
fn plain(resource: &str) -> String {
    resource.replace("${", "").replace('}', "")
}

fn get<'a>(node: &'a Yaml<'a>, key: &str) -> Option<&'a Yaml<'a>> {
    untagged(node).as_mapping_get(key)
}

/// One thing or several, as IAM reads it.
fn list<'a>(node: &'a Yaml<'a>) -> Vec<&'a Yaml<'a>> {
    match untagged(node).as_vec() {
        Some(several) => several.iter().collect(),
        None => vec![node],
    }
}

fn text(node: &Yaml<'_>) -> String {
    untagged(node).as_str().unwrap_or_else(|| panic!("no text: {node:?}")).to_owned()
}

/// A node without `CloudFormation`'s short function before it.
fn untagged<'a>(node: &'a Yaml<'a>) -> &'a Yaml<'a> {
    match node {
        Yaml::Tagged(_, inner) => inner,
        node => node,
    }
}
