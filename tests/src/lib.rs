//! What the suites that cross rooms stand on: engines in the process, a harness that calls the functions as a client does.

pub mod engines;
