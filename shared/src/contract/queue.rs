//! What every [`Queue`] does. Each case takes a queue and its worker's end.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::ports::{Job, Queue};

/// The worker's end of a queue, as a test sees it.
#[async_trait]
pub trait Worker: Debug + Send {
    /// The next job, once there is one.
    async fn take(&mut self) -> Job;
}

/// Runs every case of the suite as a test of its own. Takes an async function that answers a queue and its worker's end.
#[macro_export]
macro_rules! queue_contract {
    ($fresh:path) => {
        $crate::queue_contract! { @each $fresh:
            a_job_is_delivered
            a_full_queue_holds_nobody_up
            a_queue_works_on_after_it_was_full
            a_queue_without_a_worker_holds_nobody_up
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (queue, worker) = $fresh().await;
                $crate::contract::queue::$case(&queue, worker).await;
            }
        )*
    };
}

/// What was asked for is what arrives.
pub async fn a_job_is_delivered(queue: &dyn Queue, mut worker: impl Worker) {
    queue.enqueue(Job::Reap).await;
    assert_eq!(worker.take().await, Job::Reap);
}

/// A job may be lost, but never waited for.
pub async fn a_full_queue_holds_nobody_up(queue: &dyn Queue, mut worker: impl Worker) {
    for _ in 0..1_000 {
        queue.enqueue(Job::Reap).await;
    }
    assert_eq!(worker.take().await, Job::Reap);
}

/// A queue that lost jobs takes new ones once there is room.
pub async fn a_queue_works_on_after_it_was_full(queue: &dyn Queue, mut worker: impl Worker) {
    for _ in 0..100 {
        queue.enqueue(Job::Reap).await;
        queue.enqueue(Job::Reap).await;
        assert_eq!(worker.take().await, Job::Reap);
    }
}

/// Nobody works there yet, or any more.
pub async fn a_queue_without_a_worker_holds_nobody_up(queue: &dyn Queue, worker: impl Worker) {
    drop(worker);
    for _ in 0..100 {
        queue.enqueue(Job::Reap).await;
    }
}
