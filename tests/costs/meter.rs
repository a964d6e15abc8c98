//! What DynamoDB would charge: every request asks it, and the engine in the process answers by the rules it has taken
//! from the real one.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::{Value, json};
use shared::adapters::aws::AwsSettings;
use shared::adapters::dynamodb::DynamoTable;
use shared::ports::Item;
use tests::engines::dynamodb::Dynamo;

/// Request units: what on-demand tables are paid by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Units {
    /// Of reads, strongly consistent as all of Glint's are: one for each 4 KB.
    pub(crate) read: u64,
    /// Of the items written: two for each KB, as all of Glint's writes are transactions.
    pub(crate) write: u64,
    /// Of the copies in local indexes: one for each KB that comes, goes or changes its place.
    pub(crate) index: u64,
}

/// An empty table, and what its use has cost since the last look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    engine: Dynamo,
    units: Arc<Mutex<Units>>,
}

impl Meter {
    /// The table's adapter, metered.
    pub(crate) fn table(&self) -> DynamoTable {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let settings = AwsSettings {
            endpoint: Some("http://dynamodb.test".to_owned()),
            region: Some("us-east-1".to_owned()),
            http_client: Some(SharedHttpClient::new(self.clone())),
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            ..AwsSettings::default()
        };
        DynamoTable::new(settings, "glint")
    }

    /// The units since the last look.
    pub(crate) fn take(&self) -> Units {
        std::mem::take(&mut *self.units.lock().unwrap())
    }

    fn add(&self, operation: &str, response: &HttpResponse) {
        let Ok(answer) = serde_json::from_slice::<Value>(response.body().bytes().unwrap()) else { return };
        let consumed = &answer["ConsumedCapacity"];
        let mut units = self.units.lock().unwrap();
        for table in consumed.as_array().into_iter().flatten().chain(consumed.is_object().then_some(consumed))
        {
            let indexes = table["LocalSecondaryIndexes"].as_object().into_iter().flatten();
            let indexes = indexes.map(|(_, index)| whole(&index["CapacityUnits"])).sum::<u64>();
            let total = whole(&table["CapacityUnits"]);
            if operation == "TransactWriteItems" {
                units.write += total - indexes;
                units.index += indexes;
            } else {
                units.read += total;
            }
        }
    }
}

/// Units come as decimals; strongly consistent reads and writes take whole ones.
fn whole(units: &Value) -> u64 {
    let text = units.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().expect("whole units")
}

impl HttpConnector for Meter {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let meter = self.clone();
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = operation.trim_start_matches("DynamoDB_20120810.").to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        body["ReturnConsumedCapacity"] = json!("INDEXES");
        *request.body_mut() = body.to_string().into();
        HttpConnectorFuture::new(async move {
            let response = HttpConnector::call(&meter.engine, request).await?;
            meter.add(&operation, &response);
            Ok(response)
        })
    }
}

impl HttpClient for Meter {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// An item's size as DynamoDB bills it: names and strings by their bytes, numbers by their digits, 3 bytes and one more
/// an entry for what nests.
pub(crate) fn bytes(item: &Item) -> u64 {
    let key = "PK".len() + item.key.partition.len() + "SK".len() + item.key.sort.len();
    let attributes = item.attributes.iter().map(|(name, value)| name.len() + value_bytes(value));
    (key + attributes.sum::<usize>()) as u64
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.trim_start_matches('-').trim_end_matches('0').len();
            digits.div_ceil(2) + 1 + usize::from(text.starts_with('-'))
        }
        Value::String(text) => text.len(),
        Value::Array(values) => 3 + values.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        Value::Object(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
        }
    }
}
