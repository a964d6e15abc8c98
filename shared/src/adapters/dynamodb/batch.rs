//! Reading several items.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::attributes::{self, Row};
use super::backoff::{READ_TRIES, pause};
use super::failure::failed;
use crate::ports::{Item, Key, TableError};

/// The most keys one `BatchGetItem` takes.
const KEYS: usize = 100;

/// Reads several items. Cost: one call for each hundred keys, more when the items are large together (16 MB).
pub(super) async fn get(client: &Client, table: &str, keys: &[Key]) -> Result<Vec<Item>, TableError> {
    let mut items = Vec::with_capacity(keys.len());
    let possible: Vec<Row> = keys.iter().filter(|key| key.is_possible()).map(attributes::key).collect();
    for keys in possible.chunks(KEYS) {
        get_chunk(client, table, keys.to_vec(), &mut items).await?;
    }
    Ok(items)
}

/// Asks for what the answer before left out, and gives up when too many answers on end bring nothing.
async fn get_chunk(
    client: &Client,
    table: &str,
    mut keys: Vec<Row>,
    items: &mut Vec<Item>,
) -> Result<(), TableError> {
    let mut fruitless = 0;
    while fruitless < READ_TRIES {
        let asked = keys.len();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|error| TableError::Failed(error.into()))?;
        let answer = Box::pin(client.batch_get_item().request_items(table, wanted).send())
            .await
            .map_err(|error| failed(&error))?;
        for row in answer.responses.into_iter().filter_map(|mut tables| tables.remove(table)).flatten() {
            items.push(attributes::item(row)?);
        }
        let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(table));
        keys = left.map(|left| left.keys).unwrap_or_default();
        if keys.is_empty() {
            return Ok(());
        }
        fruitless = if keys.len() < asked { 0 } else { fruitless + 1 };
        pause(fruitless.max(1)).await;
    }
    Err(TableError::Unavailable("the table left keys of a batch unread, again and again".into()))
}
