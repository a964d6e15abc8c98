//! What the suites that cross rooms stand on: engines in the process; a service that is asked by HTTP, here or where it is
//! deployed; and a world in memory whose clock, ids, callers and faults belong to the test.

pub mod callers;
pub mod deployed;
mod emptying;
pub mod engines;
pub mod fixtures;
mod patient;
pub mod probe;
pub mod request;
pub mod service;
pub mod token;
mod wire;
pub mod world;
