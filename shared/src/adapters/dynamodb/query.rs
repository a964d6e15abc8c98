//! Reading a partition in order.

use std::cmp::Ordering;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::attributes::{self, PARTITION, Row, SORT};
use super::failure::failed;
use crate::ports::{Direction, Key, Page, Position, Query, TableError};

/// Reads a page. Cost: one call for each megabyte of items.
pub(super) async fn run(client: &Client, table: &str, query: &Query) -> Result<Page, TableError> {
    let mut page = Page::default();
    if is_over(query) {
        return Ok(page);
    }
    let within = query.after.as_ref().filter(|after| side(query, after) == Ordering::Equal);
    let mut behind = within.map(|after| place(query, after));
    loop {
        let left = query.limit.saturating_sub(page.items.len());
        let request = request(client, table, query).limit(i32::try_from(left).unwrap_or(i32::MAX));
        let answer =
            Box::pin(request.set_exclusive_start_key(behind).send()).await.map_err(|error| failed(&error))?;
        for row in answer.items.unwrap_or_default() {
            page.items.push(attributes::item(row)?);
        }
        behind = answer.last_evaluated_key.filter(|place| !place.is_empty());
        if behind.is_none() || page.items.len() >= query.limit {
            page.more = behind.is_some();
            return Ok(page);
        }
    }
}

fn request(client: &Client, table: &str, query: &Query) -> QueryFluentBuilder {
    let mut condition = "#partition = :partition".to_owned();
    let mut request = client
        .query()
        .table_name(table)
        .consistent_read(true)
        .scan_index_forward(query.direction == Direction::Ascending)
        .set_index_name(query.index.map(|index| index.name().to_owned()))
        .expression_attribute_names("#partition", PARTITION)
        .expression_attribute_values(":partition", AttributeValue::S(query.partition.clone()));
    if let Some(range) = &query.range {
        let order = query.index.map_or(SORT, |index| index.name());
        request = request.expression_attribute_names("#order", order);
        request = request.expression_attribute_values(":end", AttributeValue::S(range.end().clone()));
        // An empty text cannot be asked for, nor be in the order.
        if range.start().is_empty() {
            condition.push_str(" AND #order <= :end");
        } else {
            condition.push_str(" AND #order BETWEEN :start AND :end");
            request = request.expression_attribute_values(":start", AttributeValue::S(range.start().clone()));
        }
    }
    request.key_condition_expression(condition)
}

/// Where the order's value of a position lies: before the range, within, or behind it, in the direction of the walk.
fn side(query: &Query, position: &Position) -> Ordering {
    let Some(range) = &query.range else { return Ordering::Equal };
    let value = position.indexed.as_ref().unwrap_or(&position.sort);
    let side = match value {
        _ if value < range.start() => Ordering::Less,
        _ if value > range.end() => Ordering::Greater,
        _ => Ordering::Equal,
    };
    if query.direction == Direction::Ascending { side } else { side.reverse() }
}

/// Whether there is nothing to read. DynamoDB refuses a range that is empty, and a position outside the range.
fn is_over(query: &Query) -> bool {
    let is_empty = query.range.as_ref().is_some_and(|range| range.end().is_empty() || range.is_empty());
    is_empty || query.after.as_ref().is_some_and(|after| side(query, after) == Ordering::Greater)
}

/// A position as DynamoDB takes it: the keys of an item that need not be there.
fn place(query: &Query, position: &Position) -> Row {
    let key = Key { partition: query.partition.clone(), sort: position.sort.clone() };
    let mut place = attributes::key(&key);
    if let (Some(index), Some(value)) = (query.index, &position.indexed) {
        place.insert(index.name().to_owned(), AttributeValue::S(value.clone()));
    }
    place
}
