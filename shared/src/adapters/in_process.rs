//! Events and jobs within one process: heard by whoever listens in it, gone with it.

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc};
use tracing::info;

use crate::ports::{Event, Events, Job, Queue};

/// Tells listeners in the process what happened, and the log.
#[derive(Clone, Debug)]
pub struct LocalEvents {
    listeners: broadcast::Sender<Event>,
}

impl LocalEvents {
    /// Keeps up to `capacity` events (at least one) for a listener that is behind; one further behind loses the oldest.
    pub fn new(capacity: usize) -> Self {
        Self { listeners: broadcast::Sender::new(capacity.max(1)) }
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }
}

#[async_trait]
impl Events for LocalEvents {
    async fn publish(&self, event: Event) {
        info!(event = event.kind.name(), image = %event.image, "published");
        // An error says that nobody listens, which is nobody's loss.
        let _ = self.listeners.send(event);
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
}
