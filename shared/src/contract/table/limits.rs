//! What a table refuses, the same on every adapter.

use serde_json::{Value, json};

use super::{assert_stored, commit, fill, item, key, one, put, write};
use crate::ports::{
    Addition, Change, Condition, Index, Item, Key, MAX_ITEM_BYTES, Position, Query, Table, TableError, Write,
    item_bytes,
};

/// An item of a size, filled with text.
fn sized(sort: &str, bytes: usize) -> Item {
    let empty = item_bytes(&item(sort, json!({ "text": "" })));
    item(sort, json!({ "text": "x".repeat(bytes - empty) }))
}

/// The largest item is taken; one byte more is refused, with what was to be written beside it.
pub async fn an_item_has_a_size_limit(table: &dyn Table) {
    let largest = sized("a", MAX_ITEM_BYTES);
    fill(table, [largest.clone()]).await;
    assert_eq!(table.get(&largest.key).await.unwrap(), Some(largest));
    let outcome = commit(table, [put(item("c", one())), put(sized("b", MAX_ITEM_BYTES + 1))]).await;
    assert!(matches!(outcome, Err(TableError::TooLarge { limit: MAX_ITEM_BYTES })), "{outcome:?}");
    assert_stored(table, "c", Value::Null).await;
}

/// The items of one write have a limit together.
pub async fn a_write_has_a_size_limit(table: &dyn Table) {
    let large = |number: usize| put(sized(&format!("{number:02}"), MAX_ITEM_BYTES));
    write(table, (0..10).map(large)).await;
    let outcome = commit(table, (10..21).map(large)).await;
    assert!(matches!(outcome, Err(TableError::TooLarge { limit: Write::MAX_BYTES })), "{outcome:?}");
    assert_stored(table, "10", Value::Null).await;
}

/// A write has 1 to 100 changes.
pub async fn a_write_has_a_limit_of_changes(table: &dyn Table) {
    for count in [0, 101] {
        let outcome = commit(table, (0..count).map(|number| put(item(&number.to_string(), one())))).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{count}: {outcome:?}");
    }
    assert_stored(table, "0", Value::Null).await;
}

/// One write changes a key once.
pub async fn a_write_changes_a_key_once(table: &dyn Table) {
    let outcome =
        commit(table, [put(item("a", one())), Change::Check(key("partition", "a"), Condition::Always)]).await;
    assert!(matches!(outcome, Err(TableError::Failed(_))), "{outcome:?}");
    assert_stored(table, "a", Value::Null).await;
}

/// Keys at which nothing can lie, and the longest at which something can.
pub async fn a_key_has_limits(table: &dyn Table) {
    let (long, longer) = ("k".repeat(1024), "k".repeat(1025));
    let longest = super::item_in(&"p".repeat(2048), &long, one());
    fill(table, [longest.clone()]).await;
    assert_eq!(table.get(&longest.key).await.unwrap(), Some(longest));
    let impossible = [key("", "a"), key("a", ""), key(&"p".repeat(2049), "a"), key("a", &longer)];
    for key in &impossible {
        let change = put(Item { key: key.clone(), attributes: serde_json::Map::new() });
        let outcome = commit(table, [change]).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{outcome:?}");
        assert_eq!(table.get(key).await.unwrap(), None);
    }
    assert_eq!(table.get_batch(&impossible).await.unwrap(), []);
}

/// Attributes that not every engine could hold are held by none.
pub async fn an_attribute_has_limits(table: &dyn Table) {
    let deep = |depth| (1..depth).fold(json!("x"), |inside, _| json!([inside]));
    fill(table, [item("deep", json!({ "list": deep(32) }))]).await;
    assert_stored(table, "deep", json!({ "list": deep(32) })).await;
    let refused = [
        json!({ "number": 1.5 }),
        json!({ "number": u64::MAX }),
        json!({ "list": [{ "number": 0.1 }] }),
        json!({ "list": deep(33) }),
        json!({ "": 1 }),
        json!({ "map": { "": 1 } }),
        json!({ "PK": "partition" }),
        json!({ "lsi1": 7 }),
        json!({ "lsi1": "" }),
        json!({ "lsi1": "n".repeat(1025) }),
    ];
    for attributes in refused {
        let outcome = commit(table, [put(item("a", attributes.clone()))]).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{attributes}: {outcome:?}");
    }
    assert_stored(table, "a", Value::Null).await;
}

/// An addition goes to counters, each once.
pub async fn an_addition_goes_to_counters(table: &dyn Table) {
    fill(table, [item("a", json!({ "text": "x", "count": 1 }))]).await;
    for names in [&[][..], &["count", "count"], &["lsi1"], &["SK"], &[""], &["text"]] {
        let additions = names.iter().map(|name| Addition::new(*name, 1)).collect();
        let outcome = commit(table, [Change::Add(key("partition", "a"), additions)]).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{names:?}: {outcome:?}");
    }
    assert_stored(table, "a", json!({ "text": "x", "count": 1 })).await;
}

/// A query that means nothing is refused.
pub async fn a_query_has_limits(table: &dyn Table) {
    let whole = Query::partition("partition", 10);
    let position = |sort: &str, indexed: Option<&str>| {
        Some(Position { sort: sort.to_owned(), indexed: indexed.map(ToOwned::to_owned) })
    };
    let long = "x".repeat(1025);
    let refused = [
        Query { limit: 0, ..whole.clone() },
        Query { partition: String::new(), ..whole.clone() },
        Query { range: Some("a".to_owned()..=long.clone()), ..whole.clone() },
        Query { after: position("a", Some("b")), ..whole.clone() },
        Query { after: position("a", None), index: Some(Index::First), ..whole.clone() },
        Query { after: position("", None), ..whole.clone() },
        Query { after: position(&long, None), ..whole.clone() },
    ];
    for query in refused {
        let outcome = table.query(&query).await;
        assert!(matches!(outcome, Err(TableError::Failed(_))), "{query:?}: {outcome:?}");
    }
    let absent = Key { partition: "partition".to_owned(), sort: "a".to_owned() };
    assert_eq!(table.get(&absent).await.unwrap(), None);
}
