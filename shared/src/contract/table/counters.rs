//! Additions.

use futures_util::future::join_all;
use serde_json::json;

use super::{assert_refused, assert_stored, commit, fill, item, key, one, put, write};
use crate::ports::{Change, Condition, Table};

fn add(additions: &[(&str, i64)]) -> Change {
    Change::Add(
        key("partition", "usage"),
        additions.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect(),
    )
}

/// A counter starts at 0, whether its item or only itself is absent.
pub async fn a_counter_starts_at_zero(table: &dyn Table) {
    write(table, [add(&[("images", 1), ("bytes", 500)])]).await;
    assert_stored(table, "usage", json!({ "images": 1, "bytes": 500 })).await;
    write(table, [add(&[("members", 3)])]).await;
    assert_stored(table, "usage", json!({ "images": 1, "bytes": 500, "members": 3 })).await;
}

/// What is added may be negative, and a counter too.
pub async fn a_counter_counts_down(table: &dyn Table) {
    write(table, [add(&[("images", 2)])]).await;
    write(table, [add(&[("images", -5)])]).await;
    assert_stored(table, "usage", json!({ "images": -3 })).await;
    write(table, [add(&[("images", 0)])]).await;
    assert_stored(table, "usage", json!({ "images": -3 })).await;
}

/// An addition touches no other attribute.
pub async fn an_addition_keeps_the_other_attributes(table: &dyn Table) {
    fill(table, [item("usage", json!({ "name": "p", "lsi1": "p", "images": 1, "list": [1] }))]).await;
    write(table, [add(&[("images", 1)])]).await;
    assert_stored(table, "usage", json!({ "name": "p", "lsi1": "p", "images": 2, "list": [1] })).await;
}

/// No addition is lost among concurrent ones.
pub async fn concurrent_additions_all_count(table: &dyn Table) {
    let changes = (0..20).map(|number| {
        commit(table, [add(&[("images", 1), ("bytes", 10)]), put(item(&format!("image {number}"), one()))])
    });
    for outcome in join_all(changes).await {
        outcome.unwrap();
    }
    assert_stored(table, "usage", json!({ "images": 20, "bytes": 200 })).await;
}

/// A write that is refused adds nothing.
pub async fn a_refused_write_adds_nothing(table: &dyn Table) {
    write(table, [add(&[("images", 1)])]).await;
    let never = Change::Check(key("partition", "absent"), Condition::Present);
    assert_refused(&commit(table, [add(&[("images", 1)]), never]).await, 1);
    assert_stored(table, "usage", json!({ "images": 1 })).await;
}

/// A counter reaches the ends of its range.
pub async fn a_counter_reaches_the_ends_of_its_range(table: &dyn Table) {
    write(table, [add(&[("most", i64::MAX - 1), ("least", i64::MIN + 1)])]).await;
    write(table, [add(&[("most", 1), ("least", -1)])]).await;
    assert_stored(table, "usage", json!({ "most": i64::MAX, "least": i64::MIN })).await;
}
