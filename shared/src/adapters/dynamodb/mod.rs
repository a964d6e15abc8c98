//! The table in DynamoDB, or in what speaks its protocol. Its definition is `infra/table.json`.

mod attributes;
mod backoff;
mod batch;
mod expression;
mod failure;
mod query;
mod transaction;

use std::time::Duration;

use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use tokio::sync::OnceCell;

use crate::adapters::aws::{AwsSettings, sdk_config};
use crate::ports::{Item, Key, Page, Query, Table, TableError, Write};
use failure::failed;

/// The table in DynamoDB. Costs nothing until its first call, which sets up the client.
#[derive(Debug)]
pub struct DynamoTable {
    settings: AwsSettings,
    name: String,
    client: OnceCell<Client>,
}

impl DynamoTable {
    /// A table of that name, where the settings say.
    pub fn new(settings: AwsSettings, name: impl Into<String>) -> Self {
        Self { settings, name: name.into(), client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| Box::pin(connect(&self.settings))).await
    }
}

/// A call carries a few megabytes at most, so one that takes long is lost: better sent again than waited for.
async fn connect(settings: &AwsSettings) -> Client {
    let shared = sdk_config(settings).await;
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(25))
        .build();
    Client::from_conf(aws_sdk_dynamodb::config::Builder::from(&shared).timeout_config(timeouts).build())
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        if !key.is_possible() {
            return Ok(None);
        }
        let client = self.client().await;
        let request = client.get_item().table_name(&self.name).consistent_read(true);
        let answer = Box::pin(request.set_key(Some(attributes::key(key))).send())
            .await
            .map_err(|error| failed(&error))?;
        answer.item.map(attributes::item).transpose()
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        batch::get(self.client().await, &self.name, keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        query.check()?;
        query::run(self.client().await, &self.name, query).await
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        write.check()?;
        transaction::run(self.client().await, &self.name, write).await
    }
}
