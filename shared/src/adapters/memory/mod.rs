//! Every port in memory: the readable definition of what a port promises, for tests and for trying things out.

mod direct;
mod store;
mod table;

pub use store::MemoryStore;
pub use table::MemoryTable;
