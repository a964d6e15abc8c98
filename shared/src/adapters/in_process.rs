//! Events and jobs within one process: heard by whoever listens in it, gone with it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc};
use tracing::info;

use crate::ports::{Event, Events, Job, Queue};

/// Tells listeners in the process what happened, and the log. Keeps nothing before somebody listens.
#[derive(Clone, Debug)]
pub struct LocalEvents {
    capacity: usize,
    listeners: Arc<OnceLock<broadcast::Sender<Event>>>,
}

impl LocalEvents {
    /// Keeps up to `capacity` events (at least one) for a listener that is behind; one further behind loses the oldest.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), listeners: Arc::default() }
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.listeners.get_or_init(|| broadcast::Sender::new(self.capacity)).subscribe()
    }
}

#[async_trait]
impl Events for LocalEvents {
    async fn publish(&self, event: Event) {
        info!(event = event.kind.name(), image = %event.image, "published");
        if let Some(listeners) = self.listeners.get() {
            // An error says that nobody listens any more, which is nobody's loss.
            let _ = listeners.send(event);
        }
    }
}

/// Hands jobs to a worker in the process.
#[derive(Clone, Debug)]
pub struct LocalQueue {
    jobs: mpsc::Sender<Job>,
}

impl LocalQueue {
    /// A queue of up to `capacity` jobs (at least one), and the worker's end of it.
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, worker) = mpsc::channel(capacity.max(1));
        (Self { jobs }, worker)
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn enqueue(&self, job: Job) {
        // Full or without a worker: the job is lost, as the port allows, and its due row is found on schedule.
        let _ = self.jobs.try_send(job);
    }

    async fn enqueue_after(&self, job: Job, delay: Duration) {
        let queue = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            queue.enqueue(job).await;
        });
    }
}
