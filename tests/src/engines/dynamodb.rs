//! DynamoDB in the test process: the SDK's requests go to a database in memory instead of to a server.

#![expect(clippy::expect_used, reason = "a test engine that cannot start fails its test")]

mod faults;

use std::fmt::{self, Debug};
use std::sync::Arc;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde_json::Value;
use shared::adapters::aws::AwsSettings;
use shared::adapters::dynamodb::DynamoTable;

pub use faults::{Fault, Faulty};

/// The definition that is deployed, proven by every test that uses it.
const DEFINITION: &str = include_str!("../../../infra/table.json");
const TABLE: &str = "glint";

/// A DynamoDB that holds one empty table, as `infra/table.json` defines it.
#[derive(Clone)]
pub struct Dynamo(Arc<Database>);

impl Dynamo {
    /// A new one, in memory.
    pub fn new() -> Self {
        let database = Database::memory().expect("a database in memory");
        let definition = serde_json::from_str(DEFINITION).expect("infra/table.json is a table definition");
        database.create_table(definition).expect("infra/table.json defines a table");
        Self(Arc::new(database))
    }

    /// The table's adapter on it.
    pub fn table(&self) -> DynamoTable {
        DynamoTable::new(settings(SharedHttpClient::new(self.clone()), "us-east-1"), TABLE)
    }

    /// The table's adapter on it, through a connection with faults. The SDK counts retries by region for the whole
    /// process, so a test whose faults last names a region of its own.
    pub fn table_behind(&self, faults: &Faulty, region: &str) -> DynamoTable {
        DynamoTable::new(settings(faults.before(self.clone()), region), TABLE)
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        match self.run(operation.trim_start_matches("DynamoDB_20120810."), body) {
            Ok(answer) => response(200, answer.to_string()),
            Err(error) => response(error.status_code(), error.to_json()),
        }
    }

    fn run(&self, operation: &str, body: &[u8]) -> Result<Value, DynoxideError> {
        macro_rules! run {
            ($operation:ident) => {{
                let request = serde_json::from_slice(body);
                let request =
                    request.map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
                Ok(serde_json::to_value(self.0.$operation(request)?).expect("an answer is JSON"))
            }};
        }
        match operation {
            "GetItem" => run!(get_item),
            "BatchGetItem" => run!(batch_get_item),
            "Query" => run!(query),
            "TransactWriteItems" => run!(transact_write_items),
            other => Err(DynoxideError::ValidationException(format!("the adapter is not to call {other}"))),
        }
    }
}

impl Default for Dynamo {
    fn default() -> Self {
        Self::new()
    }
}

impl Debug for Dynamo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Dynamo")
    }
}

impl HttpConnector for Dynamo {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Ok(self.answer(&request)))
    }
}

impl HttpClient for Dynamo {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn response(status: u16, body: impl Into<SdkBody>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().expect("a status"), body.into());
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn settings(http_client: SharedHttpClient, region: &str) -> AwsSettings {
    let credentials = Credentials::new("test", "test", None, None, "test");
    AwsSettings {
        endpoint: Some("http://dynamodb.test".to_owned()),
        region: Some(region.to_owned()),
        http_client: Some(http_client),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        ..AwsSettings::default()
    }
}
