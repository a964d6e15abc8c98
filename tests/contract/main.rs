//! Every adapter keeps its port's contract. One module a port; each adapter runs every case of the suite.

mod events;
mod identity;
mod queue;
mod store;
mod table;
