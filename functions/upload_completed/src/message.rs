//! What the queue hands over and what it is answered: the parts that are needed, of three formats one in another.
//!
//! Sources: AWS Lambda "Using Lambda with Amazon SQS" (batches, partial batch responses); Amazon S3 "Event message
//! structure" (the body of a message, the test message).

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use shared::operations::Arrival;
use shared::time::Timestamp;

/// A batch of messages of a queue.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// In no order.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// One message of a queue.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// What the answer names it by.
    #[serde(rename = "messageId")]
    pub id: String,
    /// What the bucket wrote.
    pub body: String,
}

/// Which messages must come again; the others leave the queue.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    #[serde(rename = "batchItemFailures")]
    again: Vec<Again>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Again {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

impl Answer {
    /// The messages of these ids must come again.
    pub fn again(ids: Vec<String>) -> Self {
        Self { again: ids.into_iter().map(|id| Again { id }).collect() }
    }
}

/// Why a message says nothing to us.
#[derive(Debug, thiserror::Error)]
pub enum NotUnderstood {
    /// Its body is not what a bucket writes.
    #[error("not a bucket's notification: {0}")]
    Shape(#[from] serde_json::Error),
    /// It tells of no object and is not the message that tries a notification out.
    #[error("a notification without records")]
    Empty,
    /// When an object was created cannot be read.
    #[error("'{0}' is no time")]
    Time(String),
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    #[serde(rename = "Event")]
    event: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_time: String,
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

impl Message {
    /// The objects it says were created; none when a notification was only tried out, or something else happened.
    ///
    /// # Errors
    /// When it is not what a bucket writes.
    pub fn objects(&self) -> Result<Vec<Arrival>, NotUnderstood> {
        let told: Notification = serde_json::from_str(&self.body)?;
        let created = match (told.records, told.event.as_deref()) {
            (Some(records), _) => records.into_iter().filter(Record::is_creation),
            (None, Some("s3:TestEvent")) => return Ok(Vec::new()),
            (None, _) => return Err(NotUnderstood::Empty),
        };
        created.map(Arrival::try_from).collect()
    }
}

impl Record {
    /// Whatever created it: `ObjectCreated:Put`, `Post`, `Copy`, `CompleteMultipartUpload`.
    fn is_creation(&self) -> bool {
        self.event_name.starts_with("ObjectCreated:")
    }
}

impl TryFrom<Record> for Arrival {
    type Error = NotUnderstood;

    fn try_from(record: Record) -> Result<Self, NotUnderstood> {
        let Record { event_time, s3: Entity { bucket, object }, .. } = record;
        let at = Timestamp::parse(&event_time).ok_or(NotUnderstood::Time(event_time))?;
        // Encoded as a form is. What is not UTF-8 becomes a key that is none of ours.
        let key = object.key.replace('+', " ");
        let path = percent_decode_str(&key).decode_utf8_lossy().into_owned();
        Ok(Self { bucket: bucket.name, path, at })
    }
}
