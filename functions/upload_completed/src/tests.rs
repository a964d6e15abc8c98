use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::adapters::in_process::LocalEvents;
use shared::adapters::memory::{MemoryStore, MemoryTable};
use shared::adapters::system::SystemClock;
use shared::catalog::Catalog;
use shared::format::Rules;
use shared::operations::{Arrival, ArrivalsSettings, Bucket, Completion, CompletionSettings, Stores};

use super::*;

const BUCKET: &str = "glint-dev-3d0f4b10-5540-11f1-9c3a-0242ac120002";
const PATH: &str = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01KS5ZYBDDKCZNT867WGD6HC2D";

/// What looks at the bucket of the captured events, over a table that has never heard of any image.
fn arrivals() -> Arrivals {
    let settings = ArrivalsSettings {
        buckets: vec![Bucket {
            store: "default".parse().unwrap(),
            name: BUCKET.to_owned(),
            prefix: String::new(),
        }],
        grace: Duration::from_mins(2),
    };
    let stores = Stores::single("default".parse().unwrap(), Arc::new(MemoryStore::new()));
    let how =
        CompletionSettings { lease: Duration::from_mins(2), stretch_bytes: 1 << 20, run_bytes: u64::MAX };
    let (catalog, events) = (Catalog::new(Arc::new(MemoryTable::new()), 1), Arc::new(LocalEvents::new(1)));
    Arrivals::new(
        Completion::new(catalog, stores, Arc::new(SystemClock), events, Rules::default(), how),
        settings,
    )
}

fn message(body: &str) -> Message {
    Message { id: "m1".to_owned(), body: body.to_owned() }
}

/// The bucket, the key and the time of each object a message tells of.
fn told(body: &str) -> Vec<(String, String, String)> {
    let objects = message(body).objects().unwrap();
    objects.into_iter().map(|Arrival { bucket, path, at }| (bucket, path, at.sortable())).collect()
}

async fn answer(batch: &str) -> Value {
    let batch = serde_json::from_str(batch).unwrap();
    serde_json::to_value(handle(batch, &arrivals(), None).await).unwrap()
}

#[test]
fn every_way_to_create_an_object_is_told_alike() {
    for body in [
        include_str!("../../../events/s3/put.json"),
        include_str!("../../../events/s3/post.json"),
        include_str!("../../../events/s3/copy.json"),
        include_str!("../../../events/s3/complete-multipart-upload.json"),
    ] {
        let at = "2026-05-21T19:24:36.742000Z".to_owned();
        assert_eq!(told(body), [(BUCKET.to_owned(), PATH.to_owned(), at)], "{body}");
    }
}

/// AWS writes a blank as `+`, others as `%20`; a `+` of the key itself is `%2B` everywhere.
#[test]
fn keys_are_decoded_as_each_server_encodes_them() {
    for body in [
        include_str!("../../../events/s3/ministack.json"),
        include_str!("../../../events/s3/localstack.json"),
    ] {
        let [(bucket, path, _)] = told(body).try_into().unwrap();
        assert_eq!(bucket, "glint-images");
        assert_eq!(path, "image files+1/0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ");
    }
    let put = include_str!("../../../events/s3/put.json");
    for (written, key) in
        [("a%2Fb", "a/b"), ("caf%C3%A9", "caf\u{e9}"), ("%FF", "\u{fffd}"), ("100%", "100%"), ("", "")]
    {
        let [(_, path, _)] = told(&put.replace(PATH, written)).try_into().unwrap();
        assert_eq!(path, key);
    }
}

#[test]
fn a_message_may_tell_of_several_objects_or_of_none() {
    let put: Value = serde_json::from_str(include_str!("../../../events/s3/put.json")).unwrap();
    let record = &put["Records"][0];
    assert_eq!(told(&json!({"Records": [record, record, record]}).to_string()).len(), 3);
    assert_eq!(told(r#"{"Records": []}"#), []);
    assert_eq!(told(include_str!("../../../events/s3/test-event.json")), []);
}

#[test]
fn what_did_not_create_an_object_is_passed_over() {
    let put = include_str!("../../../events/s3/put.json");
    for name in ["ObjectRemoved:Delete", "LifecycleExpiration:Delete", "ObjectTagging:Put", "ObjectCreated"] {
        assert_eq!(told(&put.replace("ObjectCreated:Put", name)), [], "{name}");
    }
}

#[test]
fn what_no_bucket_writes_is_not_understood() {
    let put = include_str!("../../../events/s3/put.json");
    for body in [
        "",
        "reap",
        "{}",
        "[]",
        r#"{"job":"reap"}"#,
        r#"{"Event":"s3:SomeEvent"}"#,
        r#"{"Records":null}"#,
        r#"{"Records":[{}]}"#,
        &put.replace("\"key\"", "\"name\""),
        &put.replace("2026-05-21T19:24:36.742Z", "soon"),
    ] {
        assert!(message(body).objects().is_err(), "{body}");
    }
}

#[tokio::test]
async fn what_is_understood_leaves_the_queue() {
    let one = include_str!("../../../events/sqs/object-created.json");
    assert_eq!(answer(one).await, json!({"batchItemFailures": []}));
    assert_eq!(answer(r#"{"Records": []}"#).await, json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn only_what_is_not_understood_comes_again() {
    let batch = include_str!("../../../events/sqs/object-created-batch.json");
    let again = json!({"batchItemFailures": [{"itemIdentifier": "19c8e6d4-2b7f-4f5a-8c90-a1e3d5b7f954"}]});
    assert_eq!(answer(batch).await, again);
}
