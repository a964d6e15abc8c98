//! What every table does. Each case takes a fresh, empty table.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a case of the suite is a test"
)]

mod conditions;
mod counters;
mod limits;
mod paging;
mod queries;
mod values;

use serde_json::{Value, json};

pub use conditions::*;
pub use counters::*;
pub use limits::*;
pub use paging::*;
pub use queries::*;
pub use values::*;

use crate::ports::{Attributes, Change, Condition, Item, Key, Table, TableError, Write};

/// One test a case, for a factory: an expression, which may await, for a fresh table and what must outlive it, such as
/// the directory it lies in.
#[macro_export]
macro_rules! table_contract {
    ($factory:expr) => {
        $crate::table_contract! { @cases $factory;
            an_item_that_was_put_is_read_back
            an_absent_item_is_none
            a_put_replaces_every_attribute
            an_item_without_attributes_is_an_item
            a_put_if_absent_happens_once
            a_put_if_present_needs_an_item
            equals_holds_for_the_same_value_only
            equals_needs_an_item
            a_write_happens_whole_or_not_at_all
            the_first_failed_condition_is_named
            a_write_reaches_across_partitions
            a_write_takes_a_hundred_changes
            a_remove_may_happen_twice
            a_remove_obeys_its_condition
            a_check_changes_nothing
            of_many_writers_one_wins
            of_many_creators_one_wins
            a_counter_starts_at_zero
            a_counter_counts_down
            an_addition_keeps_the_other_attributes
            concurrent_additions_all_count
            a_refused_write_adds_nothing
            a_counter_reaches_the_ends_of_its_range
            a_bound_holds_up_to_the_sum
            a_bound_counts_what_is_absent_as_zero
            every_bound_must_hold
            of_many_additions_as_many_pass_as_the_bound_allows
            a_bound_is_for_counters
            an_item_has_a_size_limit
            a_write_has_a_size_limit
            a_write_has_a_limit_of_changes
            a_write_changes_a_key_once
            a_key_has_limits
            an_attribute_has_limits
            an_addition_goes_to_counters
            a_query_has_limits
            a_partition_is_read_in_order
            the_order_is_by_bytes
            a_page_has_a_limit
            a_range_holds_both_ends
            an_empty_range_finds_nothing
            a_query_goes_on_behind_a_position
            a_position_outside_the_range_is_its_nearer_end
            an_index_orders_by_its_attribute
            every_index_has_its_own_order
            a_range_on_an_index_is_of_its_values
            a_walk_by_an_index_goes_on_behind_a_position
            an_index_follows_its_items
            a_batch_takes_any_number_of_keys
            a_batch_of_large_items_is_complete
            a_walk_sees_each_item_once
            a_walk_sees_each_item_once_beside_a_writer
            a_walk_survives_the_removal_of_its_place
            a_page_of_large_items_is_complete
            a_text_is_kept_byte_for_byte
            a_value_keeps_its_kind
            an_integer_is_kept_exactly
            an_item_of_many_attributes_is_kept
        }
    };
    (@cases $factory:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (table, _outlives) = $factory;
                $crate::contract::table::$case(&table).await;
            }
        )*
    };
}

fn key(partition: &str, sort: &str) -> Key {
    Key { partition: partition.to_owned(), sort: sort.to_owned() }
}

/// An item in the partition the suite works in; `attributes` is an object.
fn item(sort: &str, attributes: Value) -> Item {
    item_in("partition", sort, attributes)
}

fn item_in(partition: &str, sort: &str, attributes: Value) -> Item {
    let Value::Object(attributes) = attributes else { unreachable!("attributes are an object") };
    Item { key: key(partition, sort), attributes }
}

fn put(item: Item) -> Change {
    Change::Put(item, Condition::Always)
}

fn remove(sort: &str) -> Change {
    Change::Remove(key("partition", sort), Condition::Always)
}

async fn commit(table: &dyn Table, changes: impl IntoIterator<Item = Change>) -> Result<(), TableError> {
    let mut write = Write::default();
    write.extend(changes);
    table.commit(write).await
}

/// Commits what must not fail.
async fn write(table: &dyn Table, changes: impl IntoIterator<Item = Change>) {
    commit(table, changes).await.expect("a write that nothing speaks against");
}

/// Puts items, as many writes as it takes.
async fn fill(table: &dyn Table, items: impl IntoIterator<Item = Item>) {
    let changes: Vec<_> = items.into_iter().map(put).collect();
    for changes in changes.chunks(Write::MAX_CHANGES) {
        write(table, changes.to_vec()).await;
    }
}

async fn stored(table: &dyn Table, sort: &str) -> Option<Attributes> {
    let found = table.get(&key("partition", sort)).await.expect("a read that nothing speaks against");
    found.map(|item| item.attributes)
}

/// Asserts what lies at a sort key: an object, or null for nothing.
async fn assert_stored(table: &dyn Table, sort: &str, expected: Value) {
    let found = stored(table, sort).await.map_or(Value::Null, Value::Object);
    assert_eq!(found, expected, "at {sort}");
}

/// Asserts that a write failed by a condition, and by which.
fn assert_refused(outcome: &Result<(), TableError>, at: usize) {
    assert!(matches!(outcome, Err(TableError::ConditionFailed { change }) if *change == at), "{outcome:?}");
}

fn one() -> Value {
    json!({ "value": 1 })
}
