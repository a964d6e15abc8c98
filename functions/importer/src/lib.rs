//! Fills objects of imports, as jobs ask for it through a queue.
//!
//! A job is done once it was looked at: whatever becomes of it, the object's due row keeps what is left.

use serde::Deserialize;
use shared::image::Location;
use shared::operations::{Importer, Outcome};
use shared::ports::Job;
use shared::time::Timestamp;

/// A batch of messages, as the queue's mapping hands it over.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    messages: Vec<Message>,
}

/// A message with a job.
#[derive(Debug, Deserialize)]
struct Message {
    body: String,
}

impl Batch {
    /// The objects that are to be filled. What is no such job is logged and passed over: it would be none the next time either.
    fn locations(self) -> impl Iterator<Item = Location> {
        self.messages.into_iter().filter_map(|message| match serde_json::from_str(&message.body) {
            Ok(Job::Import(location)) => Some(location),
            Ok(Job::Reap) => None,
            Err(error) => {
                tracing::error!(%error, "a message is no job");
                None
            }
        })
    }
}

/// Works on the jobs of a batch, and begins nothing new from `until` on, if it is given: what is left is a job again. A second run
/// finds them done.
pub async fn handle_batch(importer: &Importer, batch: Batch, until: Option<Timestamp>) {
    for location in batch.locations() {
        handle(importer, &location, until).await;
    }
}

/// Works on one object.
pub async fn handle(importer: &Importer, location: &Location, until: Option<Timestamp>) {
    let key = &location.key;
    // Boxed: it is large, and whoever waits for it would be.
    match Box::pin(importer.advance(location, until)).await {
        Ok(Outcome::Refused(reason)) => tracing::info!(%key, reason, "an object was not imported"),
        Ok(outcome) => tracing::debug!(%key, ?outcome, "an import went on"),
        Err(error) => {
            let cause = std::error::Error::source(&error);
            tracing::warn!(%key, %error, cause = ?cause, "an import is left to its lease");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_import_is_passed_over() {
        let key = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ";
        let import = format!(r#"{{"job":"import","store":"far","key":"{key}"}}"#);
        let bodies = [r#"{"job":"reap"}"#, "noise", &import];
        let records: Vec<_> =
            bodies.iter().map(|body| serde_json::json!({ "body": body, "messageId": "1" })).collect();
        let batch: Batch = serde_json::from_value(serde_json::json!({ "Records": records })).unwrap();
        let found: Vec<_> = batch
            .locations()
            .map(|location| (location.store.to_string(), location.key.to_string()))
            .collect();
        assert_eq!(found, [("far".to_owned(), key.to_owned())]);
    }
}
