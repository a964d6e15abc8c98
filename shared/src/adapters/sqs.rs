//! Jobs as messages of a standard SQS queue, or of one of a server that speaks SQS.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::aws::failure::cause;
use super::aws::{AwsSettings, sdk_config};
use crate::error::Cause;
use crate::ports::{Job, Queue};

/// The longest a job is tried to be sent, the setting up of the client included: a request waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest one try may take, so that there is time for another.
const ATTEMPT: Duration = Duration::from_millis(900);

/// A queue in SQS. Costs nothing until its first job, which sets up the client.
#[derive(Debug)]
pub struct SqsQueue {
    settings: AwsSettings,
    url: String,
    client: OnceCell<Client>,
}

impl SqsQueue {
    /// The queue of that URL, reached as the settings say.
    pub fn new(settings: AwsSettings, url: impl Into<String>) -> Self {
        Self { settings, url: url.into(), client: OnceCell::new() }
    }

    async fn send(&self, job: Job) -> Result<(), Cause> {
        let body = serde_json::to_string(&job)?;
        let client = self.client.get_or_init(|| Box::pin(connect(&self.settings))).await;
        let request = client.send_message().queue_url(&self.url).message_body(body);
        Box::pin(request.send()).await.map(drop).map_err(|error| cause(&error))
    }
}

async fn connect(settings: &AwsSettings) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
    let retries =
        RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(100));
    let config = aws_sdk_sqs::config::Builder::from(&sdk_config(settings).await);
    Client::from_conf(config.timeout_config(timeouts).retry_config(retries).build())
}

#[async_trait]
impl Queue for SqsQueue {
    /// Cost: one request, or two. Takes two seconds at most, whatever the queue does.
    async fn enqueue(&self, job: Job) {
        let cause = match timeout(PATIENCE, self.send(job)).await {
            Ok(Ok(())) => return,
            Ok(Err(cause)) => cause,
            Err(late) => late.into(),
        };
        tracing::warn!(?job, %cause, "a job is lost: what is due waits for the schedule");
    }
}
