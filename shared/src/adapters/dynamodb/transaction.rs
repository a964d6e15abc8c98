//! Writing: one `TransactWriteItems` a write.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};

use super::attributes;
use super::backoff::{WRITE_TRIES, pause};
use super::expression;
use super::failure::{Cancelled, cancelled};
use crate::ports::{Change, Condition, Item, TableError, Write};

/// Writes all changes or none. Tries again what met another write; what the SDK sends again by itself happens once,
/// by the token that every try carries.
pub(super) async fn run(client: &Client, table: &str, write: Write) -> Result<(), TableError> {
    let changes = write.into_changes().into_iter().map(|change| action(table, change));
    let changes: Vec<_> =
        changes.collect::<Result<_, _>>().map_err(|error| TableError::Failed(error.into()))?;
    let token = format!("{:032x}", fastrand::u128(..));
    let mut tried = 0;
    loop {
        let request = client.transact_write_items().client_request_token(&token);
        let Err(error) = Box::pin(request.set_transact_items(Some(changes.clone())).send()).await else {
            return Ok(());
        };
        tried += 1;
        match cancelled(&error) {
            Cancelled::Passing(_) if tried < WRITE_TRIES => pause(tried).await,
            Cancelled::Passing(error) | Cancelled::Final(error) => return Err(error),
        }
    }
}

fn action(table: &str, change: Change) -> Result<TransactWriteItem, BuildError> {
    let action = TransactWriteItem::builder();
    Ok(match change {
        Change::Put(item, condition) => action.put(put(table, item, condition)?),
        Change::Remove(key, condition) => {
            let condition = expression::condition(condition);
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(attributes::key(&key)))
                .set_condition_expression(condition.text)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values);
            action.delete(delete.build()?)
        }
        Change::Add(key, additions) => {
            let (additions, condition) = expression::additions(additions);
            let update = Update::builder()
                .table_name(table)
                .set_key(Some(attributes::key(&key)))
                .set_update_expression(additions.text)
                .set_condition_expression(condition)
                .set_expression_attribute_names(additions.names)
                .set_expression_attribute_values(additions.values);
            action.update(update.build()?)
        }
        Change::Check(key, condition) => {
            let always = condition == Condition::Always;
            let condition = if always { expression::always() } else { expression::condition(condition) };
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(attributes::key(&key)))
                .set_condition_expression(condition.text)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values);
            action.condition_check(check.build()?)
        }
    }
    .build())
}

fn put(table: &str, item: Item, condition: Condition) -> Result<Put, BuildError> {
    let condition = expression::condition(condition);
    Put::builder()
        .table_name(table)
        .set_item(Some(attributes::row(item)))
        .set_condition_expression(condition.text)
        .set_expression_attribute_names(condition.names)
        .set_expression_attribute_values(condition.values)
        .build()
}
