//! One suite a port, run on every adapter. The memory adapter is the readable definition; where two differ, one is wrong.

pub mod certificates;
pub mod direct;
pub mod events;
pub mod fetch;
pub mod identity;
pub mod queue;
pub mod store;
pub mod table;
