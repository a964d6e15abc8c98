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

/// The longest a message can be held back (SQS `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// The longest one try may take, so that there is time for another.
const ATTEMPT: Duration = Duration::from_millis(900);

/// A queue in SQS. Costs nothing until its first job, which sets up the client.
#[derive(Debug)]
pub struct SqsQueue {
    settings: AwsSettings,
    url: String,
    import_url: Option<String>,
    client: OnceCell<Client>,
}

impl SqsQueue {
    /// The queue of that URL, reached as the settings say.
    pub fn new(settings: AwsSettings, url: impl Into<String>) -> Self {
        Self { settings, url: url.into(), import_url: None, client: OnceCell::new() }
    }

    /// The same, with a queue of its own for imports.
    #[must_use]
    pub fn importing(self, url: Option<String>) -> Self {
        Self { import_url: url, ..self }
    }

    async fn send(&self, job: &Job, delay: Duration) -> Result<(), Cause> {
        let body = serde_json::to_string(job)?;
        let url = match job {
            Job::Reap => &self.url,
            Job::Import(_) => self.import_url.as_ref().unwrap_or(&self.url),
        };
        let seconds = delay.min(LONGEST_DELAY).as_secs_f64().ceil();
        let client = self.client.get_or_init(|| Box::pin(connect(&self.settings))).await;
        let request = client.send_message().queue_url(url).message_body(body);
        #[expect(clippy::cast_possible_truncation, reason = "900 at most")]
        let request = request.set_delay_seconds((seconds > 0.0).then_some(seconds as i32));
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
        self.enqueue_after(job, Duration::ZERO).await;
    }

    async fn enqueue_after(&self, job: Job, delay: Duration) {
        let cause = match timeout(PATIENCE, self.send(&job, delay)).await {
            Ok(Ok(())) => return,
            Ok(Err(cause)) => cause,
            Err(late) => late.into(),
        };
        tracing::warn!(?job, %cause, "a job is lost: what is due waits for the schedule");
    }
}
