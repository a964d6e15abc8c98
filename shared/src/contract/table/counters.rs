//! Additions.

use futures_util::future::join_all;
use serde_json::json;

use super::{assert_refused, assert_stored, commit, fill, item, key, one, put, write};
use crate::ports::{Addition, Change, Condition, Table, TableError};

fn add(additions: &[(&str, i64)]) -> Change {
    of(additions.iter().map(|(name, amount)| Addition::new(*name, *amount)))
}

fn of(additions: impl IntoIterator<Item = Addition>) -> Change {
    Change::Add(key("partition", "usage"), additions.into_iter().collect())
}

/// One addition to `images`, with a bound.
fn within(amount: i64, most: i64) -> Change {
    of([Addition::new("images", amount).at_most(most)])
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

/// A bound holds up to the very sum, and refuses the whole write beyond it.
pub async fn a_bound_holds_up_to_the_sum(table: &dyn Table) {
    write(table, [within(2, 3)]).await;
    write(table, [within(1, 3)]).await;
    let other = put(item("other", one()));
    assert_refused(&commit(table, [other, within(1, 3)]).await, 1);
    assert_stored(table, "usage", json!({ "images": 3 })).await;
    assert_stored(table, "other", json!(null)).await;
    assert_refused(&commit(table, [within(0, 2)]).await, 0);
    write(table, [within(0, 3)]).await;
    write(table, [within(-1, 2)]).await;
    assert_refused(&commit(table, [within(-1, 0)]).await, 0);
    assert_stored(table, "usage", json!({ "images": 2 })).await;
}

/// Where nothing lies the bound is held against 0.
pub async fn a_bound_counts_what_is_absent_as_zero(table: &dyn Table) {
    assert_refused(&commit(table, [within(2, 1)]).await, 0);
    assert_refused(&commit(table, [within(0, -1)]).await, 0);
    assert_stored(table, "usage", json!(null)).await;
    write(table, [add(&[("bytes", 5)])]).await;
    assert_refused(&commit(table, [within(2, 1)]).await, 0);
    write(table, [within(-2, -2)]).await;
    assert_stored(table, "usage", json!({ "images": -2, "bytes": 5 })).await;
}

/// Of several bounds each must hold, and those without one add with the rest.
pub async fn every_bound_must_hold(table: &dyn Table) {
    let both = |images, bytes| {
        of([
            Addition::new("images", 1).at_most(images),
            Addition::new("bytes", 10).at_most(bytes),
            Addition::new("changes", 1),
        ])
    };
    write(table, [both(1, 10)]).await;
    assert_refused(&commit(table, [both(1, 20)]).await, 0);
    assert_refused(&commit(table, [both(2, 19)]).await, 0);
    write(table, [both(2, 20)]).await;
    write(table, [both(i64::MAX, i64::MAX)]).await;
    assert_stored(table, "usage", json!({ "images": 3, "bytes": 30, "changes": 3 })).await;
}

/// However many add at once, the sum is never over the bound, and what is left is given to somebody.
pub async fn of_many_additions_as_many_pass_as_the_bound_allows(table: &dyn Table) {
    let changes =
        (0..20).map(|number| commit(table, [put(item(&format!("image {number}"), one())), within(1, 7)]));
    let outcomes = join_all(changes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 7, "{outcomes:?}");
    let refused = |outcome: &Result<(), TableError>| {
        matches!(outcome, Ok(()) | Err(TableError::ConditionFailed { change: 1 }))
    };
    assert!(outcomes.iter().all(refused), "{outcomes:?}");
    assert_stored(table, "usage", json!({ "images": 7 })).await;
}

/// A bound on what is no counter does not hold.
pub async fn a_bound_is_for_counters(table: &dyn Table) {
    fill(table, [item("usage", json!({ "images": "many" }))]).await;
    assert_refused(&commit(table, [within(1, 7)]).await, 0);
    assert_stored(table, "usage", json!({ "images": "many" })).await;
}
