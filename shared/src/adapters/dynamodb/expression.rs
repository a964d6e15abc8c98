//! Conditions and additions in DynamoDB's expression language.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::attributes::{PARTITION, from_json};
use crate::ports::Condition;

/// An expression with the names and values it stands on. Names are never written into the text, for many are reserved.
#[derive(Debug, Default)]
pub(super) struct Expression {
    /// The text; nothing when there is nothing to say.
    pub(super) text: Option<String>,
    /// Names by placeholder; nothing, as DynamoDB refuses an empty map.
    pub(super) names: Option<HashMap<String, String>>,
    /// Values by placeholder; nothing, as DynamoDB refuses an empty map.
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

/// A condition.
pub(super) fn condition(condition: Condition) -> Expression {
    let (text, name, value) = match condition {
        Condition::Always => return Expression::default(),
        Condition::Absent => ("attribute_not_exists(#name)", PARTITION.to_owned(), None),
        Condition::Present => ("attribute_exists(#name)", PARTITION.to_owned(), None),
        Condition::Equals(name, value) => ("#name = :value", name, Some(from_json(value))),
    };
    Expression {
        text: Some(text.to_owned()),
        names: Some(HashMap::from([("#name".to_owned(), name)])),
        values: value.map(|value| HashMap::from([(":value".to_owned(), value)])),
    }
}

/// A condition that always holds, for a call that must name one.
pub(super) fn always() -> Expression {
    Expression {
        text: Some("attribute_exists(#name) OR attribute_not_exists(#name)".to_owned()),
        names: Some(HashMap::from([("#name".to_owned(), PARTITION.to_owned())])),
        values: None,
    }
}

/// Additions, at least one.
pub(super) fn additions(additions: Vec<(String, i64)>) -> Expression {
    let mut expression = Expression::default();
    let mut terms = Vec::with_capacity(additions.len());
    for (number, (name, amount)) in additions.into_iter().enumerate() {
        terms.push(format!("#a{number} :a{number}"));
        expression.names.get_or_insert_default().insert(format!("#a{number}"), name);
        let amount = AttributeValue::N(amount.to_string());
        expression.values.get_or_insert_default().insert(format!(":a{number}"), amount);
    }
    expression.text = Some(format!("ADD {}", terms.join(", ")));
    expression
}
