//! SQS in the test process: one queue in memory that takes the SDK's messages and hands them to a worker.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use shared::adapters::aws::AwsSettings;
use shared::adapters::sqs::SqsQueue;
use tokio::sync::Notify;

/// The queue's URL: what it lies behind is the endpoint's business, not the URL's.
pub const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/glint-jobs";

/// That of imports.
pub const IMPORT_URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/glint-imports";

/// What happens to a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It arrives.
    None,
    /// It is refused with this status and error code.
    Refused(u16, &'static str),
    /// The connection breaks before it arrives.
    Unreachable,
    /// It arrives, and the connection breaks before the answer.
    AnswerLost,
    /// No answer ever comes.
    Silent,
}

/// A queue, and the connection to it. Clones share both.
#[derive(Clone, Debug, Default)]
pub struct Sqs {
    state: Arc<Mutex<State>>,
    arrived: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<String>,
    imports: VecDeque<String>,
    faults: VecDeque<Fault>,
    requests: usize,
}

impl Sqs {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// The queue's adapter on it. The SDK counts retries by region for the whole process, so a test whose faults last
    /// names a region of its own.
    pub fn queue(&self, region: &str) -> SqsQueue {
        SqsQueue::new(self.settings(region), URL)
    }

    /// How the adapter reaches it.
    pub fn settings(&self, region: &str) -> AwsSettings {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::new("test", "test", None, None, "test");
        AwsSettings {
            endpoint: Some("http://sqs.test".to_owned()),
            region: Some(region.to_owned()),
            http_client: Some(http_client_fn(move |_, _| connector.clone())),
            credentials: Some(SharedCredentialsProvider::new(credentials)),
            ..AwsSettings::default()
        }
    }

    /// These faults from now on, one a request; the last of them lasts.
    pub fn meet(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults = faults.into_iter().collect();
    }

    /// How many requests were sent.
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// The bodies of all messages that lie here.
    pub fn messages(&self) -> Vec<String> {
        self.state().messages.iter().cloned().collect()
    }

    /// The body of the oldest message of the queue of imports, if there is one that was not put off.
    pub fn import(&self) -> Option<String> {
        self.state().imports.pop_front()
    }

    /// The body of the oldest message, once there is one.
    pub async fn receive(&self) -> String {
        loop {
            let arrived = self.arrived.notified();
            if let Some(message) = self.state().messages.pop_front() {
                return message;
            }
            arrived.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Fault {
        let mut state = self.state();
        state.requests += 1;
        let next = state.faults.front().copied();
        if state.faults.len() > 1 {
            state.faults.pop_front();
        }
        next.unwrap_or(Fault::None)
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        match self.take(request) {
            Ok(answer) => response(200, &answer),
            Err(code) => refusal(400, code),
        }
    }

    /// Takes a message, or says what is wrong with the request.
    fn take(&self, request: &HttpRequest) -> Result<Value, &'static str> {
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        if header("x-amz-target") != "AmazonSQS.SendMessage" {
            return Err("com.amazonaws.sqs#UnsupportedOperation");
        }
        if !header("authorization").starts_with("AWS4-HMAC-SHA256 ") {
            return Err("com.amazonaws.sqs#InvalidSecurity");
        }
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())
            .map_err(|_| "com.amazonaws.sqs#InvalidMessageContents")?;
        let queue = asked.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
        if ![URL, IMPORT_URL].contains(&queue) {
            return Err("com.amazonaws.sqs#QueueDoesNotExist");
        }
        let body = asked.get("MessageBody").and_then(Value::as_str);
        let body = body.ok_or("com.amazonaws.sqs#InvalidMessageContents")?;
        let mut state = self.state();
        let is_put_off = asked.get("DelaySeconds").and_then(Value::as_u64).is_some_and(|delay| delay > 0);
        let messages = if queue == URL { &mut state.messages } else { &mut state.imports };
        // What is put off is for later than any test lasts.
        messages.extend((!is_put_off).then(|| body.to_owned()));
        let id = format!("{:08}", state.requests);
        drop(state);
        self.arrived.notify_one();
        let digest = Md5::digest(body).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": digest }))
    }
}

impl HttpConnector for Sqs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let lost = || Err(ConnectorError::io("the connection was reset".into()));
        HttpConnectorFuture::ready(match self.fault() {
            Fault::None => Ok(self.answer(&request)),
            Fault::Refused(status, code) => Ok(refusal(status, code)),
            Fault::Unreachable => lost(),
            Fault::AnswerLost => {
                self.answer(&request);
                lost()
            }
            Fault::Silent => return HttpConnectorFuture::new(std::future::pending()),
        })
    }
}

fn refusal(status: u16, code: &str) -> HttpResponse {
    response(status, &json!({ "__type": code, "message": "as told" }))
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let status = status.try_into().unwrap_or_else(|_| unreachable!("faults have statuses"));
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
