//! Looks at each object that appears in the bucket, as the bucket's events tell through a queue: whose is it?
//!
//! A message is done when all its objects were looked at. One that is not comes again, and lies with the dead letters in
//! the end: what the table could not answer, and what nobody here understands.

mod message;

use futures_util::{StreamExt as _, stream};
use shared::operations::{Arrivals, Owner};
use shared::time::Timestamp;

pub use message::{Answer, Batch, Message};

/// How many messages are worked on side by side: a batch that the queue's mapping gathers is about as large.
const CONCURRENCY: usize = 8;

/// Looks at the objects of a batch of messages and answers which of them must come again: those that could not be looked at. One whose
/// object is not completed yet need not: the queue brings it back long after its due row was found. Begins nothing new from `until`
/// on, if it is given. A second run changes nothing.
pub async fn handle(batch: Batch, arrivals: &Arrivals, until: Option<Timestamp>) -> Answer {
    let looks = batch.messages.into_iter().map(async |message: Message| {
        let done = look(&message, arrivals, until).await;
        (!done).then_some(message.id)
    });
    let again = stream::iter(looks).buffered(CONCURRENCY).filter_map(std::future::ready);
    Answer::again(again.collect().await)
}

/// Looks at all objects of a message. `false` when the message must come again.
async fn look(message: &Message, arrivals: &Arrivals, until: Option<Timestamp>) -> bool {
    let objects = match message.objects() {
        Ok(objects) => objects,
        Err(error) => {
            tracing::error!(id = message.id, %error, "a message cannot be understood");
            return false;
        }
    };
    let mut done = true;
    for object in objects {
        match arrivals.arrived(&object, until).await {
            Ok(Owner::Unfinished) => {
                tracing::info!(
                    path = object.path,
                    "an object is still being completed: its due row keeps it"
                );
            }
            Ok(_) => {}
            Err(error) => {
                let cause = std::error::Error::source(&error);
                tracing::warn!(path = object.path, %error, cause = ?cause, "an object could not be looked at: its event comes again");
                done = false;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests;
