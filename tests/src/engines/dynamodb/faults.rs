//! A connection that fails as it is told to, and works otherwise.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::{Value, json};

use super::{Dynamo, response};

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It gets this answer and never reaches the table.
    Answer(u16, Value),
    /// It is lost.
    Lost,
    /// It does its work, and its answer is lost.
    AnswerLost,
}

impl Fault {
    /// A refusal with an error code.
    pub fn refusal(status: u16, code: &str) -> Self {
        let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
        Self::Answer(status, json!({ "__type": code, "message": "as told" }))
    }

    /// A transaction cancelled for these reasons, one for each of its changes.
    pub fn cancellation(reasons: &[&str]) -> Self {
        let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
        let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        Self::Answer(400, json!({ "__type": code, "Message": "as told", "CancellationReasons": reasons }))
    }
}

/// A list of faults to come, one a request; then all is well, or one fault lasts.
#[derive(Clone, Debug, Default)]
pub struct Faulty(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: VecDeque<Fault>,
    lasting: Option<Fault>,
    requests: usize,
}

impl Faulty {
    /// These faults, then none.
    pub fn first(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(Arc::new(Mutex::new(State { next: faults.into_iter().collect(), ..State::default() })))
    }

    /// This fault, for ever.
    pub fn always(fault: Fault) -> Self {
        Self(Arc::new(Mutex::new(State { lasting: Some(fault), ..State::default() })))
    }

    /// How many requests were sent.
    pub fn requests(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).requests
    }

    pub(super) fn before(&self, engine: Dynamo) -> SharedHttpClient {
        SharedHttpClient::new(Connection { faults: self.clone(), engine })
    }

    fn next(&self) -> Option<Fault> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests += 1;
        state.next.pop_front().or_else(|| state.lasting.clone())
    }
}

#[derive(Clone, Debug)]
struct Connection {
    faults: Faulty,
    engine: Dynamo,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let lost = || Err(ConnectorError::io("the connection was reset".into()));
        HttpConnectorFuture::ready(match self.faults.next() {
            None => Ok(self.engine.answer(&request)),
            Some(Fault::Answer(status, body)) => Ok(response(status, body.to_string())),
            Some(Fault::Lost) => lost(),
            Some(Fault::AnswerLost) => {
                self.engine.answer(&request);
                lost()
            }
        })
    }
}

impl HttpClient for Connection {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
