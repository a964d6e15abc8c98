//! Every adapter keeps its port's contract. One module a port; each adapter runs every case of the suite.

mod store;
mod table;
