//! JSON and DynamoDB's own values, both ways.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::ports::{Attributes, Item, Key, TableError};

/// An item as DynamoDB holds it: the key and the attributes side by side.
pub(super) type Row = HashMap<String, AttributeValue>;

/// The attribute that holds the partition.
pub(super) const PARTITION: &str = "PK";
/// The attribute that holds the sort key.
pub(super) const SORT: &str = "SK";

/// A key as DynamoDB takes it.
pub(super) fn key(key: &Key) -> Row {
    let half = |name: &str, text: &str| (name.to_owned(), AttributeValue::S(text.to_owned()));
    Row::from([half(PARTITION, &key.partition), half(SORT, &key.sort)])
}

/// An item as DynamoDB takes it.
pub(super) fn row(item: Item) -> Row {
    let mut row = key(&item.key);
    row.extend(item.attributes.into_iter().map(|(name, value)| (name, from_json(value))));
    row
}

/// An item as DynamoDB answered it.
///
/// # Errors
/// `Failed` when it holds what no adapter writes.
pub(super) fn item(mut row: Row) -> Result<Item, TableError> {
    let mut half = |name: &str| match row.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(foreign("a key that is no string")),
    };
    let key = Key { partition: half(PARTITION)?, sort: half(SORT)? };
    Ok(Item { key, attributes: object(row)? })
}

/// A JSON value as DynamoDB takes it.
pub(super) fn from_json(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(truth) => AttributeValue::Bool(truth),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(from_json).collect()),
        Value::Object(map) => {
            AttributeValue::M(map.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

fn to_json(value: AttributeValue) -> Result<Value, TableError> {
    match value {
        AttributeValue::Null(_) => Ok(Value::Null),
        AttributeValue::Bool(truth) => Ok(Value::Bool(truth)),
        AttributeValue::N(number) => {
            number.parse::<i64>().map(Value::from).map_err(|_| foreign("a number that is no 64-bit integer"))
        }
        AttributeValue::S(text) => Ok(Value::String(text)),
        AttributeValue::L(values) => values.into_iter().map(to_json).collect(),
        AttributeValue::M(map) => object(map).map(Value::Object),
        _ => Err(foreign("a set or binary attribute")),
    }
}

fn object(row: Row) -> Result<Attributes, TableError> {
    row.into_iter().map(|(name, value)| Ok((name, to_json(value)?))).collect()
}

/// Somebody else wrote to the table.
fn foreign(what: &str) -> TableError {
    TableError::Failed(format!("the table holds {what}").into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inside| {
            prop_oneof![
                prop::collection::vec(inside.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{1,8}", inside, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_item_goes_there_and_back(partition in ".{1,9}", sort in ".{1,9}", value in value()) {
            let attributes = Attributes::from_iter([("value".to_owned(), value)]);
            let sent = Item { key: Key { partition, sort }, attributes };
            prop_assert_eq!(item(row(sent.clone())).unwrap(), sent);
        }
    }

    #[test]
    fn each_kind_has_its_own() {
        assert_eq!(from_json(json!("1")), AttributeValue::S("1".to_owned()));
        assert_eq!(from_json(json!(i64::MIN)), AttributeValue::N("-9223372036854775808".to_owned()));
        assert_eq!(from_json(json!(null)), AttributeValue::Null(true));
        assert_eq!(from_json(json!([true])), AttributeValue::L(vec![AttributeValue::Bool(true)]));
    }

    #[test]
    fn what_no_adapter_writes_is_refused() {
        let foreign = [
            AttributeValue::N("1.5".to_owned()),
            AttributeValue::N("9223372036854775808".to_owned()),
            AttributeValue::Ss(vec!["a".to_owned()]),
            AttributeValue::L(vec![AttributeValue::Ns(vec![])]),
        ];
        for value in foreign {
            assert!(to_json(value.clone()).is_err(), "{value:?}");
        }
        assert!(item(Row::new()).is_err());
    }
}
