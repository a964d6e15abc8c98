//! The way through the API gateway: the routes of the template are those that functions describe, both ways, and each
//! leads to the function that has it.

use std::collections::{BTreeMap, BTreeSet};

use shared::http::Routes;
use tests::world::World;

use crate::template::routed;

/// Where what no other route takes goes.
const DEFAULT: (&str, &str) = ("discovery", "$default");

/// The paths each function describes, by its crate's name.
fn described() -> BTreeMap<&'static str, BTreeSet<String>> {
    let paths = |routes: &Routes| routes.described().iter().map(|route| route.path.clone()).collect();
    // What the gateway has beside them is routed to nobody in the cloud.
    let functions = World::default().functions;
    let deployed = functions.iter().filter(|(name, _)| **name != "gateway");
    deployed.map(|(name, routes)| (*name, paths(routes))).collect()
}

/// Where clients find a described path: under a version, and without one when `Accept` names it.
fn forms(path: &str) -> Vec<String> {
    match path.strip_prefix("/v2/") {
        Some(rest) => vec![format!("/{{version}}/{rest}"), format!("/{rest}")],
        None => vec![path.to_owned()],
    }
}

/// Whether a route takes a path: a parameter of it stands for one part.
fn takes(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let same = |(one, other): (&&str, &&str)| one == other || (one.starts_with('{') && *other != "{version}");
    route.len() == path.len() && route.iter().zip(&path).all(same)
}

#[test]
fn every_function_that_answers_requests_describes_what_it_answers() {
    let routed: BTreeSet<_> =
        routed().into_iter().filter(|(_, routes)| !routes.is_empty()).map(|(name, _)| name).collect();
    assert_eq!(routed, described().into_keys().map(str::to_owned).collect());
}

#[test]
fn what_is_described_is_routed_to_the_function_that_has_it() {
    let routed = routed();
    for (function, paths) in described() {
        for path in paths.iter().flat_map(|path| forms(path)) {
            let taking =
                routed.iter().flat_map(|(name, routes)| routes.iter().map(move |route| (name, route)));
            let taking: Vec<_> = taking
                .filter(|(_, (method, route))| method == "ANY" && takes(route, &path))
                .map(|(name, (_, route))| (route.matches('{').count(), name.as_str()))
                .collect();
            // The most specific route goes first.
            let fewest = taking.iter().map(|(parameters, _)| *parameters).min();
            let first = taking.iter().filter(|(parameters, _)| Some(*parameters) == fewest);
            let mut leads_to: BTreeSet<_> = first.map(|(_, name)| *name).collect();
            if leads_to.is_empty() && !path.starts_with("/{version}/") {
                leads_to.insert(DEFAULT.0);
            }
            assert_eq!(leads_to, BTreeSet::from([function]), "{path}");
        }
    }
}

#[test]
fn what_is_routed_is_described() {
    let described = described();
    for (function, routes) in routed() {
        for (_, route) in routes {
            let paths = described[function.as_str()].iter().flat_map(|path| forms(path));
            let is_default = (function.as_str(), route.as_str()) == DEFAULT;
            assert!(is_default || paths.into_iter().any(|path| takes(&route, &path)), "{function}: {route}");
        }
    }
}

#[test]
fn a_route_takes_what_the_gateway_would() {
    assert!(takes("/{version}/images/{image_id}", "/{version}/images/{image_id}"));
    assert!(takes("/{version}/schemas/{name}", "/{version}/schemas/image"));
    for (route, path) in [
        ("/{version}/images", "/{version}/images/{image_id}"),
        ("/{version}/images/new", "/{version}/images/{image_id}"),
        ("/images/{image_id}", "/{version}/images"),
        ("/{name}/images", "/{version}/images"),
    ] {
        assert!(!takes(route, path), "{route} {path}");
    }
}
