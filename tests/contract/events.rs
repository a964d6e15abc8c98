//! Every adapter that publishes events.

#![expect(clippy::unused_async, reason = "a factory may have to connect")]

mod in_process {
    use async_trait::async_trait;
    use shared::adapters::in_process::LocalEvents;
    use shared::contract::events::Listener;
    use shared::ports::Event;
    use tokio::sync::broadcast::Receiver;

    #[derive(Debug)]
    struct Subscriber(Receiver<Event>);

    #[async_trait]
    impl Listener for Subscriber {
        async fn hear(&mut self) -> Option<Event> {
            self.0.recv().await.ok()
        }
    }

    async fn fresh() -> (LocalEvents, Subscriber) {
        let events = LocalEvents::new(16);
        let subscriber = Subscriber(events.subscribe());
        (events, subscriber)
    }

    shared::events_contract!(fresh);
}
