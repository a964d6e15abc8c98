//! The table's contract, on every adapter.

mod dynamodb;
mod sqlite;

mod memory {
    use shared::adapters::memory::MemoryTable;

    shared::table_contract!((MemoryTable::new(), ()));
}
