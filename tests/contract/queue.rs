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

mod sqs {
    use std::time::Duration;

    use async_trait::async_trait;
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
    use serde_json::Value;
    use shared::adapters::aws::AwsSettings;
    use shared::adapters::sqs::SqsQueue;
    use shared::contract::queue::Worker;
    use shared::ports::{Job, Queue as _};
    use tests::engines::sqs::{Fault, Sqs, URL};
    use tokio::time::Instant;

    #[derive(Debug)]
    struct Consumer(Sqs);

    #[async_trait]
    impl Worker for Consumer {
        async fn take(&mut self) -> Job {
            serde_json::from_str(&self.0.receive().await).unwrap()
        }
    }

    async fn fresh() -> (SqsQueue, Consumer) {
        let engine = Sqs::new();
        (engine.queue("us-east-1"), Consumer(engine))
    }

    shared::queue_contract!(fresh);

    /// What a request that enqueues waits at most.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// Each costs the job and little time, and the next job goes through.
    #[tokio::test(start_paused = true)]
    async fn a_queue_that_fails_loses_the_job_in_time() {
        let faults = [
            (Fault::Refused(400, "com.amazonaws.sqs#QueueDoesNotExist"), 1),
            (Fault::Refused(403, "AccessDeniedException"), 1),
            (Fault::Refused(400, "com.amazonaws.sqs#RequestThrottled"), 2),
            (Fault::Refused(503, "ServiceUnavailable"), 2),
            (Fault::Unreachable, 2),
            (Fault::Silent, 2),
        ];
        for (number, (fault, tries)) in faults.into_iter().enumerate() {
            let engine = Sqs::new();
            let queue = engine.queue(&format!("lasting-{number}"));
            engine.meet([fault]);
            let began = Instant::now();
            queue.enqueue(Job::Reap).await;
            assert!(began.elapsed() <= PATIENCE, "{fault:?}: {:?}", began.elapsed());
            assert_eq!(engine.requests(), tries, "{fault:?}");
            assert_eq!(engine.messages(), Vec::<String>::new(), "{fault:?}");
            engine.meet([]);
            queue.enqueue(Job::Reap).await;
            assert_eq!(engine.messages(), ["{\"job\":\"reap\"}"], "{fault:?}");
        }
    }

    /// Whoever is asked who signs, and never says.
    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_credentials_is_waiting_too() {
        let engine = Sqs::new();
        let credentials = Some(SharedCredentialsProvider::new(Silent));
        let queue = SqsQueue::new(AwsSettings { credentials, ..engine.settings("silent") }, URL);
        let began = Instant::now();
        queue.enqueue(Job::Reap).await;
        assert!(began.elapsed() <= PATIENCE, "{:?}", began.elapsed());
        assert_eq!(engine.requests(), 0);
    }

    /// A fault that passes costs a second try, which may double the job.
    #[tokio::test(start_paused = true)]
    async fn a_job_outlives_a_passing_fault() {
        let throttled = Fault::Refused(400, "com.amazonaws.sqs#RequestThrottled");
        for (fault, messages) in
            [(throttled, 1), (Fault::Unreachable, 1), (Fault::Silent, 1), (Fault::AnswerLost, 2)]
        {
            let engine = Sqs::new();
            engine.meet([fault, Fault::None]);
            engine.queue("passing").enqueue(Job::Reap).await;
            assert_eq!(engine.messages().len(), messages, "{fault:?}");
        }
    }

    #[tokio::test]
    async fn a_captured_batch_holds_what_is_sent() {
        let engine = Sqs::new();
        engine.queue("us-east-1").enqueue(Job::Reap).await;
        let batch: Value = serde_json::from_str(include_str!("../../events/sqs/reap.json")).unwrap();
        for record in batch["Records"].as_array().unwrap() {
            assert_eq!(record["body"], engine.messages()[0]);
        }
    }
}
