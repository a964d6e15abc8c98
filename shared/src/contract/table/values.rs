//! Values and texts come back as they went in.

use serde_json::{Value, json};

use super::{assert_stored, fill, item, item_in};
use crate::ports::{Index, Query, Table};

/// Texts that an engine, a language or a quoting rule may stumble over.
const ODD: [&str; 16] = [
    " ",
    "  lead and trail  ",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "\0",
    "a\0b",
    "\r\n\t",
    "%_*?",
    "--; DROP TABLE items",
    "null",
    "0",
    "é",
    "e\u{301}",
    "😀\u{200d}\u{10ffff}",
];

/// A text is kept byte for byte, as a partition, a sort key, a name, a value, an index attribute.
pub async fn a_text_is_kept_byte_for_byte(table: &dyn Table) {
    let items: Vec<_> =
        ODD.iter().map(|odd| item_in(odd, odd, json!({ *odd: [odd, { *odd: odd }], "lsi1": odd }))).collect();
    fill(table, items.clone()).await;
    for expected in items {
        let key = &expected.key;
        assert_eq!(table.get(key).await.unwrap().as_ref(), Some(&expected), "{key:?}");
        let exactly = Some(key.sort.clone()..=key.sort.clone());
        for index in [None, Some(Index::First)] {
            let query = Query { index, range: exactly.clone(), ..Query::partition(key.partition.clone(), 2) };
            assert_eq!(
                table.query(&query).await.unwrap().items,
                std::slice::from_ref(&expected),
                "{key:?} {index:?}"
            );
        }
    }
}

/// Values keep their kind, at any depth, empty ones too.
pub async fn a_value_keeps_its_kind(table: &dyn Table) {
    let flat = json!({ "text": "1", "int": 1, "zero": 0, "yes": true, "no": false, "nothing": null });
    let empty = json!({ "text": "", "list": [], "map": {}, "lists": [[], [""], [null]] });
    let nested = json!({ "list": [flat, empty, [[1, "1"], { "a": { "b": [false] } }]], "map": { "flat": flat, "empty": empty } });
    for (sort, attributes) in [("flat", flat), ("empty", empty), ("nested", nested)] {
        fill(table, [item(sort, attributes.clone())]).await;
        assert_stored(table, sort, attributes).await;
    }
}

/// Every integer of 64 bits is kept exactly.
pub async fn an_integer_is_kept_exactly(table: &dyn Table) {
    let numbers = [i64::MIN, i64::MIN + 1, -(1 << 53) - 1, -1, 0, 1, (1 << 53) + 1, i64::MAX - 1, i64::MAX];
    let attributes = json!({ "list": numbers, "most": i64::MAX, "least": i64::MIN });
    fill(table, [item("a", attributes.clone())]).await;
    assert_stored(table, "a", attributes).await;
}

/// A list keeps its order, and an item of many attributes all of them.
pub async fn an_item_of_many_attributes_is_kept(table: &dyn Table) {
    let many: serde_json::Map<_, _> =
        (0..500).map(|number| (format!("property {number}"), json!(number.to_string()))).collect();
    fill(table, [item("a", Value::Object(many.clone()))]).await;
    assert_stored(table, "a", Value::Object(many)).await;
}
