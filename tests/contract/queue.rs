//! Every adapter that queues jobs.

#![expect(clippy::unused_async, reason = "a factory may have to connect")]

mod in_process {
    use async_trait::async_trait;
    use shared::adapters::in_process::LocalQueue;
    use shared::contract::queue::Worker;
    use shared::ports::Job;
    use tokio::sync::mpsc::Receiver;

    #[derive(Debug)]
    struct Consumer(Receiver<Job>);

    #[async_trait]
    impl Worker for Consumer {
        async fn take(&mut self) -> Job {
            self.0.recv().await.unwrap()
        }
    }

    async fn fresh() -> (LocalQueue, Consumer) {
        let (queue, worker) = LocalQueue::new(2);
        (queue, Consumer(worker))
    }

    shared::queue_contract!(fresh);
}
