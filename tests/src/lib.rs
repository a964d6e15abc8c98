//! What the suites that cross rooms stand on: engines in the process; a service that is asked by HTTP, here or where it is
//! deployed; and a world in memory whose clock, ids, callers and faults belong to the test.

pub mod callers;
pub mod deployed;
mod emptying;
pub mod engines;
pub mod fixtures;
mod patient;
pub mod probe;
pub mod regions;
pub mod request;
pub mod service;
pub mod sessions;
pub mod shelf;
pub mod stranger;
pub mod token;
pub mod web;
mod wire;
pub mod world;

use shared::http::openapi;
use world::World;

/// The description of the API (OpenAPI 3.1), as the routes of every function tell it; as `docs/openapi.json` has it.
pub fn description() -> String {
    format!("{:#}\n", openapi::document(&World::default().routes()))
}
