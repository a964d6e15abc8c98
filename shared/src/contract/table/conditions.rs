//! Reading one item, writing several or none, and the conditions on that.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{assert_refused, assert_stored, commit, fill, item, key, one, put, remove, stored, write};
use crate::ports::{Addition, Change, Condition, Table};

/// What was put is what is read.
pub async fn an_item_that_was_put_is_read_back(table: &dyn Table) {
    let item = item("a", json!({ "name": "first", "size": 12 }));
    write(table, [put(item.clone())]).await;
    assert_eq!(table.get(&item.key).await.unwrap(), Some(item));
}

/// Absent is an answer, not an error.
pub async fn an_absent_item_is_none(table: &dyn Table) {
    fill(table, [item("a", one())]).await;
    for (partition, sort) in [("partition", "b"), ("other", "a"), ("partition", "A")] {
        assert_eq!(table.get(&key(partition, sort)).await.unwrap(), None, "{partition} {sort}");
    }
}

/// A put writes the item whole.
pub async fn a_put_replaces_every_attribute(table: &dyn Table) {
    fill(table, [item("a", json!({ "old": 1, "both": 1 }))]).await;
    fill(table, [item("a", json!({ "new": 2, "both": 2 }))]).await;
    assert_stored(table, "a", json!({ "new": 2, "both": 2 })).await;
}

/// An item may hold nothing beside its key.
pub async fn an_item_without_attributes_is_an_item(table: &dyn Table) {
    fill(table, [item("a", json!({}))]).await;
    assert_stored(table, "a", json!({})).await;
}

/// `Absent` holds where nothing lies, and only there.
pub async fn a_put_if_absent_happens_once(table: &dyn Table) {
    let put = |value: i64| Change::Put(item("a", json!({ "value": value })), Condition::Absent);
    commit(table, [put(1)]).await.unwrap();
    assert_refused(&commit(table, [put(2)]).await, 0);
    assert_stored(table, "a", one()).await;
}

/// `Present` holds where something lies, and only there.
pub async fn a_put_if_present_needs_an_item(table: &dyn Table) {
    let put = || Change::Put(item("a", json!({ "value": 2 })), Condition::Present);
    assert_refused(&commit(table, [put()]).await, 0);
    assert_stored(table, "a", Value::Null).await;
    fill(table, [item("a", one())]).await;
    commit(table, [put()]).await.unwrap();
    assert_stored(table, "a", json!({ "value": 2 })).await;
}

/// `Equals` compares integers, strings, truth values, null, lists and maps; an absent attribute equals nothing.
pub async fn equals_holds_for_the_same_value_only(table: &dyn Table) {
    let held =
        json!({ "int": 7, "text": "seven", "no": null, "yes": true, "list": [1, "a"], "map": { "a": 1 } });
    fill(table, [item("a", held.clone())]).await;
    let check = |name: &str, value: Value| {
        Change::Check(key("partition", "a"), Condition::Equals(name.to_owned(), value))
    };
    for (name, value) in held.as_object().unwrap() {
        commit(table, [check(name, value.clone()), put(item("b", one()))]).await.expect(name);
    }
    let others = [("int", json!(8)), ("int", json!("7")), ("text", json!("Seven")), ("text", json!(null))];
    let more = [
        ("no", json!(false)),
        ("yes", json!(1)),
        ("list", json!(["a", 1])),
        ("map", json!({})),
        ("gone", json!(null)),
    ];
    for (name, value) in others.into_iter().chain(more) {
        let outcome = commit(table, [check(name, value.clone()), put(item("c", one()))]).await;
        assert!(outcome.is_err(), "{name} = {value}");
        assert_refused(&outcome, 0);
    }
    assert_stored(table, "c", Value::Null).await;
}

/// `Equals` fails where there is no item.
pub async fn equals_needs_an_item(table: &dyn Table) {
    let condition = Condition::Equals("value".to_owned(), json!(null));
    assert_refused(&commit(table, [Change::Put(item("a", one()), condition)]).await, 0);
}

/// One condition that fails keeps every change from happening, before it and behind it.
pub async fn a_write_happens_whole_or_not_at_all(table: &dyn Table) {
    fill(table, [item("kept", one()), item("counted", one())]).await;
    let outcome = commit(
        table,
        [
            put(item("a", one())),
            remove("kept"),
            Change::Add(key("partition", "counted"), vec![Addition::new("value", 5)]),
            Change::Put(item("b", one()), Condition::Present),
            put(item("c", one())),
        ],
    )
    .await;
    assert_refused(&outcome, 3);
    for absent in ["a", "b", "c"] {
        assert_stored(table, absent, Value::Null).await;
    }
    assert_stored(table, "kept", one()).await;
    assert_stored(table, "counted", one()).await;
}

/// Of several conditions that fail, the first is named.
pub async fn the_first_failed_condition_is_named(table: &dyn Table) {
    let failing = |sort: &str| Change::Check(key("partition", sort), Condition::Present);
    let outcome =
        commit(table, [put(item("a", one())), failing("b"), put(item("c", one())), failing("d")]).await;
    assert_refused(&outcome, 1);
}

/// A write reaches across partitions.
pub async fn a_write_reaches_across_partitions(table: &dyn Table) {
    let there = super::item_in("elsewhere", "a", one());
    write(table, [put(item("a", one())), put(there.clone())]).await;
    assert_eq!(table.get(&there.key).await.unwrap(), Some(there));
    assert_stored(table, "a", one()).await;
}

/// The most changes a write takes do happen.
pub async fn a_write_takes_a_hundred_changes(table: &dyn Table) {
    write(table, (0..100).map(|number| put(item(&format!("{number:03}"), one())))).await;
    assert_stored(table, "099", one()).await;
}

/// Removing what is absent is no error, unless the condition says so.
pub async fn a_remove_may_happen_twice(table: &dyn Table) {
    fill(table, [item("a", one())]).await;
    write(table, [remove("a")]).await;
    assert_stored(table, "a", Value::Null).await;
    write(table, [remove("a")]).await;
    assert_refused(&commit(table, [Change::Remove(key("partition", "a"), Condition::Present)]).await, 0);
}

/// A remove obeys its condition.
pub async fn a_remove_obeys_its_condition(table: &dyn Table) {
    fill(table, [item("a", one())]).await;
    let remove = |value: i64| {
        Change::Remove(key("partition", "a"), Condition::Equals("value".to_owned(), json!(value)))
    };
    assert_refused(&commit(table, [remove(2)]).await, 0);
    assert_stored(table, "a", one()).await;
    commit(table, [remove(1)]).await.unwrap();
    assert_stored(table, "a", Value::Null).await;
}

/// A check lets the write pass or not, and changes nothing itself.
pub async fn a_check_changes_nothing(table: &dyn Table) {
    let check = |condition| Change::Check(key("partition", "a"), condition);
    commit(table, [check(Condition::Absent), put(item("b", one()))]).await.unwrap();
    assert_stored(table, "a", Value::Null).await;
    assert_refused(&commit(table, [put(item("c", one())), check(Condition::Present)]).await, 1);
    assert_stored(table, "c", Value::Null).await;
    fill(table, [item("a", one())]).await;
    let unchanged = Condition::Equals("value".to_owned(), json!(1));
    commit(table, [check(unchanged), put(item("c", one()))]).await.unwrap();
    assert_stored(table, "a", one()).await;
}

/// Of many writers that saw the same revision, one wins.
pub async fn of_many_writers_one_wins(table: &dyn Table) {
    fill(table, [item("a", json!({ "revision": 1, "by": null }))]).await;
    let seen = || Condition::Equals("revision".to_owned(), json!(1));
    let race = (0..16).map(|by| {
        let change = Change::Put(item("a", json!({ "revision": 2, "by": by })), seen());
        commit(table, [change, put(item(&format!("of {by}"), one()))])
    });
    let outcomes = join_all(race).await;
    let winners: Vec<_> =
        outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_ok()).map(|(by, _)| by).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_stored(table, "a", json!({ "revision": 2, "by": winners[0] })).await;
    for (by, outcome) in outcomes.iter().enumerate() {
        assert_eq!(stored(table, &format!("of {by}")).await.is_some(), outcome.is_ok());
        if outcome.is_err() {
            assert_refused(outcome, 0);
        }
    }
}

/// Of many writers that found nothing, one creates.
pub async fn of_many_creators_one_wins(table: &dyn Table) {
    let race =
        (0..16).map(|by| commit(table, [Change::Put(item("a", json!({ "by": by })), Condition::Absent)]));
    let outcomes = join_all(race).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}
