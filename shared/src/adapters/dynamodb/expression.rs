//! Conditions and additions in DynamoDB's expression language.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::attributes::{PARTITION, from_json};
use crate::ports::{Addition, Condition};

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

/// Additions, at least one: the update, and the condition that its bounds make, on the same names and values.
pub(super) fn additions(additions: Vec<Addition>) -> (Expression, Option<String>) {
    let mut expression = Expression::default();
    let mut terms = Vec::with_capacity(additions.len());
    let mut bounds = Vec::new();
    for (number, Addition { name, amount, at_most }) in additions.into_iter().enumerate() {
        terms.push(format!("#a{number} :a{number}"));
        expression.names.get_or_insert_default().insert(format!("#a{number}"), name);
        let values = expression.values.get_or_insert_default();
        values.insert(format!(":a{number}"), AttributeValue::N(amount.to_string()));
        if let Some(at_most) = at_most {
            // Nothing is computed in a condition, so it is one on what lies there before.
            let before = at_most.saturating_sub(amount);
            values.insert(format!(":b{number}"), AttributeValue::N(before.to_string()));
            bounds.push(if before >= 0 {
                format!("(attribute_not_exists(#a{number}) OR #a{number} <= :b{number})")
            } else {
                format!("#a{number} <= :b{number}")
            });
        }
    }
    expression.text = Some(format!("ADD {}", terms.join(", ")));
    (expression, (!bounds.is_empty()).then(|| bounds.join(" AND ")))
}
