//! Versions of the API: which are there, and which one a request names.
//!
//! The Image service has no microversions: every `/v2.N` is the same `/v2`, and a number only announces features. This
//! list announces what is there: tasks of an image (2.12), quotas (2.13) and stores with their details (2.8, 2.9, 2.15), locations
//! (2.4, 2.17) and import (2.6, 2.10, 2.11), but no cache (2.14, 2.16, 2.18).

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

/// The minor versions on offer, as Glance orders them, and the one that is current.
const ADVERTISED: [&str; 16] = [
    "2.15", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", CURRENT, "2.7", "2.6", "2.5", "2.4", "2.3", "2.2",
    "2.1", "2.0",
];
const CURRENT: &str = "2.17";

/// Where a request goes by its path and its `Accept`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A path that needs no token.
    Open,
    /// A path of the API, with the version as the routes know it: `/v2`.
    Api(Uri),
    /// No version that is there: the answer is the choice of versions.
    Choices,
}

/// The versions document. `base` is the service's URL, without a slash at its end.
pub fn document(base: &str) -> Value {
    let version = |id: &&str| {
        let status = if *id == CURRENT { "CURRENT" } else { "SUPPORTED" };
        json!({ "id": format!("v{id}"), "status": status, "links": [{ "rel": "self", "href": format!("{base}/v2/") }] })
    };
    json!({ "versions": ADVERTISED.iter().map(version).collect::<Vec<_>>() })
}

/// The versions document as an answer: 300 where the client has to choose, 200 where it asked for the list.
pub fn answer(status: StatusCode, base: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (status, kind, document(base).to_string()).into_response()
}

/// Reads the version out of the path, or out of `Accept: application/vnd.openstack.images-v2.N`.
pub(super) fn destination(uri: &Uri, headers: &HeaderMap) -> Destination {
    let path = uri.path();
    if is_open(path) {
        return Destination::Open;
    }
    let (first, rest) = match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (path.trim_start_matches('/'), String::new()),
    };
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accepted = accepted.and_then(|value| value.trim().strip_prefix("application/vnd.openstack.images-"));
    if is_advertised(first) {
        Destination::Api(if first == "v2" && path.starts_with("/v2") {
            uri.clone()
        } else {
            moved(uri, &rest)
        })
    } else if accepted.is_some_and(is_advertised) {
        Destination::Api(moved(uri, path))
    } else {
        Destination::Choices
    }
}

/// Whether a path outside the versions is there, for everybody.
pub(super) fn is_open(path: &str) -> bool {
    ["/", "/versions", "/versions/", "/healthcheck", "/openapi.json"].contains(&path)
}

/// Whether a request under `/v2` brings a part of an upload session, or reads an object. Its URL says who may, by a signature that
/// the store looks at.
pub(super) fn is_signed(method: &Method, uri: &Uri) -> bool {
    let fits = |ours: &[&str]| {
        let steps: Vec<_> = uri.path().split('/').skip(1).collect();
        steps.len() == ours.len()
            && ours.iter().zip(steps).all(|(ours, step)| ours.is_empty() || *ours == step)
    };
    match *method {
        Method::PUT => fits(&["v2", "images", "", "uploads", "", "parts", ""]),
        Method::GET | Method::HEAD => fits(&["v2", "images", "", "objects", ""]),
        _ => false,
    }
}

fn is_advertised(version: &str) -> bool {
    version == "v2" || version.strip_prefix('v').is_some_and(|number| ADVERTISED.contains(&number))
}

/// The same request under `/v2`.
fn moved(uri: &Uri, rest: &str) -> Uri {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    // A path that was one stays one with another beginning, so the other arm is never taken.
    format!("/v2{rest}{query}").parse().unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, accept: &str) -> Destination {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::try_from(accept).unwrap())]);
        destination(&path.parse().unwrap(), &headers)
    }

    #[test]
    fn a_url_is_leave_where_it_is_signed_and_nowhere_else() {
        let signed = |method: Method, path: &str| is_signed(&method, &path.parse().unwrap());
        assert!(signed(Method::PUT, "/v2/images/i/uploads/u/parts/1?signature=x"));
        assert!(signed(Method::GET, "/v2/images/i/objects/o?signature=x"));
        assert!(signed(Method::HEAD, "/v2/images/i/objects/o"));
        for path in [
            "/v2/images/i/uploads/u/parts",
            "/v2/images/i/uploads/u/parts/1/x",
            "/v2/images/i/file/u/parts/1",
            "/v2/tasks/i/uploads/u/parts/1",
            "/v2/images/i/objects/o",
        ] {
            assert!(!signed(Method::PUT, path), "{path}");
        }
        for path in [
            "/v2/images/i/file",
            "/v2/images/i/objects",
            "/v2/images/i/objects/o/x",
            "/v2/images/i/objects/o/",
        ] {
            assert!(!signed(Method::GET, path), "{path}");
        }
        assert!(!signed(Method::POST, "/v2/images/i/uploads/u/parts/1"));
        assert!(!signed(Method::DELETE, "/v2/images/i/objects/o"));
    }

    #[test]
    fn a_version_that_is_there_leads_to_the_one_set_of_routes() {
        for (path, accept, expected) in [
            ("/v2/images?limit=1&tag=a", "", "/v2/images?limit=1&tag=a"),
            ("/v2.15/images?limit=1&tag=a%20b", "*/*", "/v2/images?limit=1&tag=a%20b"),
            ("/v2.0/images/a%2Fb/tags/x", "", "/v2/images/a%2Fb/tags/x"),
            ("/v2.5", "", "/v2"),
            ("/v2.5/", "", "/v2/"),
            ("//v2/images", "", "/v2/images"),
            ("/v2", "", "/v2"),
            ("/images?name=x", "application/vnd.openstack.images-v2.9", "/v2/images?name=x"),
            ("/v2.1/images", "application/vnd.openstack.images-v2.9", "/v2/images"),
        ] {
            assert_eq!(of(path, accept), Destination::Api(expected.parse().unwrap()), "{path} {accept}");
        }
    }

    #[test]
    fn anything_else_is_a_choice() {
        for (path, accept) in [
            ("/v1/images", ""),
            ("/v3", ""),
            ("/v2.18/images", ""),
            ("/v2.16/images", ""),
            ("/v2.14/images", ""),
            ("/v2.1x/images", ""),
            ("/images", ""),
            ("/images", "application/vnd.openstack.images-v1"),
            ("/favicon.ico", "*/*"),
        ] {
            assert_eq!(of(path, accept), Destination::Choices, "{path} {accept}");
        }
        for path in ["/", "/versions", "/healthcheck", "/openapi.json", "/versions?x=y"] {
            assert_eq!(of(path, ""), Destination::Open, "{path}");
        }
    }

    #[test]
    fn clients_find_the_versions_they_gate_features_by() {
        let document = document("http://host:9292");
        let versions = document["versions"].as_array().unwrap();
        let ids: Vec<_> = versions.iter().map(|version| version["id"].as_str().unwrap()).collect();
        let expected = [
            "v2.15", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.17", "v2.7", "v2.6", "v2.5",
            "v2.4", "v2.3", "v2.2", "v2.1", "v2.0",
        ];
        assert_eq!(ids, expected);
        assert_eq!(
            versions[7],
            json!({ "id": "v2.17", "status": "CURRENT", "links": [{ "rel": "self", "href": "http://host:9292/v2/" }] })
        );
        assert_eq!(versions.iter().filter(|version| version["status"] == "CURRENT").count(), 1);
    }

    proptest::proptest! {
        #[test]
        fn what_follows_the_version_stays_as_it_was(
            number in 0..4_u8,
            rest in "(/[!$-.0-;=@-Z_a-z~]{0,8}){0,4}",
            query in "[!$-;=?-Z_a-z~]{0,12}",
        ) {
            let Destination::Api(uri) = of(&format!("/v2.{number}{rest}?{query}"), "") else {
                panic!("a version on offer")
            };
            let expected = format!("/v2{rest}");
            proptest::prop_assert_eq!((uri.path(), uri.query()), (expected.as_str(), Some(query.as_str())));
        }
    }
}
