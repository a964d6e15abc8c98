//! What the suites that cross rooms stand on: engines in the process, and a world in memory whose clock, ids, callers
//! and faults belong to the test.

pub mod callers;
pub mod engines;
pub mod fixtures;
pub mod probe;
pub mod request;
pub mod world;
