//! Every adapter keeps its port's contract. One module a port; each adapter runs every case of the suite.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

mod certificates;
mod events;
mod identity;
mod queue;
mod store;
mod table;
