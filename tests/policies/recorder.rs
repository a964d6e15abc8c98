//! What a function asks of the cloud, as IAM names it: an action on a resource of the template.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;
use tests::engines::sqs::IMPORT_URL;

/// One right: `dynamodb:GetItem` on `Table.Arn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub(crate) action: String,
    pub(crate) resource: String,
}

impl Right {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into() }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// Writes down the rights that one function's requests need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<BTreeSet<Right>>>);

impl Recorder {
    /// The rights so far.
    pub(crate) fn rights(&self) -> BTreeSet<Right> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection whose requests are written down.
    pub(crate) fn before(&self, next: impl HttpConnector + 'static) -> Recorded {
        Recorded { next: SharedHttpConnector::new(next), recorder: self.clone() }
    }
}

/// A connection whose requests are written down.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    next: SharedHttpConnector,
    recorder: Recorder,
}

impl HttpConnector for Recorded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let needed = match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
            Some(("DynamoDB_20120810", call)) => table(call, &body(&request)),
            Some(("AmazonSQS", call)) => {
                let is_import = body(&request)["QueueUrl"] == IMPORT_URL;
                let queue = if is_import { "ImportQueue.Arn" } else { "JobQueue.Arn" };
                vec![Right::new(format!("sqs:{call}"), queue)]
            }
            Some((other, call)) => panic!("nobody knows what {other}.{call} needs"),
            None => bucket(request.method(), request.uri()),
        };
        self.recorder.0.lock().unwrap_or_else(PoisonError::into_inner).extend(needed);
        self.next.call(request)
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap()
}

/// A transaction needs what each of its items needs; a query of an index needs it on the index.
fn table(call: &str, body: &Value) -> Vec<Right> {
    const TABLE: &str = "Table.Arn";
    match call {
        "TransactWriteItems" => {
            let kinds = body["TransactItems"].as_array().unwrap().iter().map(|item| match item {
                item if item.get("Put").is_some() => "PutItem",
                item if item.get("Update").is_some() => "UpdateItem",
                item if item.get("Delete").is_some() => "DeleteItem",
                item if item.get("ConditionCheck").is_some() => "ConditionCheckItem",
                other => panic!("nobody knows what {other} needs"),
            });
            kinds.map(|kind| Right::new(format!("dynamodb:{kind}"), TABLE)).collect()
        }
        "Query" if body.get("IndexName").is_some() => {
            vec![Right::new("dynamodb:Query", format!("{TABLE}/index/*"))]
        }
        "GetItem" | "Query" | "BatchGetItem" => vec![Right::new(format!("dynamodb:{call}"), TABLE)],
        other => panic!("nobody knows what {other} needs"),
    }
}

/// By the table of actions in the S3 reference: a right is not always named as its call.
fn bucket(method: &str, uri: &str) -> Vec<Right> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let on_bucket = |action: &str| Right::new(action, "Bucket.Arn");
    let on_objects = |action: &str| Right::new(action, "Bucket.Arn/*");
    let is_object = path.trim_matches('/').split('/').count() > 4; // scheme, server and bucket come before a key
    let action = match (method, is_object) {
        ("GET", false) if has("uploads") => return vec![on_bucket("s3:ListBucketMultipartUploads")],
        // To be told that an object is not there takes a right of its own.
        ("HEAD", true) => return vec![on_objects("s3:GetObject"), on_bucket("s3:ListBucket")],
        ("GET", true) if has("uploadId") => "s3:ListMultipartUploadParts",
        ("GET", true) => "s3:GetObject",
        ("PUT" | "POST", true) => "s3:PutObject",
        ("DELETE", true) if has("uploadId") => "s3:AbortMultipartUpload",
        ("DELETE", true) => "s3:DeleteObject",
        _ => panic!("nobody knows what {method} {uri} needs"),
    };
    vec![on_objects(action)]
}
