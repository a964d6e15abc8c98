//! Empties a deployed service behind its back: every item of its table, every object and every begun upload of its bucket.
//! The SDKs are told where and as whom as always: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, …

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use shared::adapters::aws::{AwsSettings, sdk_config};

/// As many as `BatchWriteItem` takes.
const BATCH: usize = 25;

pub(crate) async fn empty(table: &str, bucket: &str) {
    let config = sdk_config(&AwsSettings::default()).await;
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let (dynamodb, s3) = (aws_sdk_dynamodb::Client::new(&config), aws_sdk_s3::Client::from_conf(s3));
    tokio::join!(items(&dynamodb, table), objects(&s3, bucket), uploads(&s3, bucket));
}

async fn items(dynamodb: &aws_sdk_dynamodb::Client, table: &str) {
    #[expect(clippy::disallowed_methods, reason = "it is the whole table that has to go")]
    let scan = dynamodb.scan().table_name(table).projection_expression("PK, SK").consistent_read(true);
    let mut pages = scan.into_paginator().send();
    while let Some(page) = pages.next().await {
        let items = page.unwrap().items.unwrap_or_default();
        let mut writes = items.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
            WriteRequest::builder().delete_request(delete).build()
        });
        loop {
            let batch: Vec<_> = writes.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let mut left = HashMap::from([(table.to_owned(), batch)]);
            while !left.is_empty() {
                let written = dynamodb.batch_write_item().set_request_items(Some(left)).send().await.unwrap();
                left = written.unprocessed_items.unwrap_or_default();
            }
        }
    }
}

async fn objects(s3: &aws_sdk_s3::Client, bucket: &str) {
    let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
    while let Some(page) = pages.next().await {
        let keys = page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
        let keys: Vec<_> = keys.map(|key| ObjectIdentifier::builder().key(key).build().unwrap()).collect();
        if !keys.is_empty() {
            let delete = Delete::builder().set_objects(Some(keys)).build().unwrap();
            let deleted = s3.delete_objects().bucket(bucket).delete(delete).send().await.unwrap();
            assert_eq!(deleted.errors(), [], "{bucket}");
        }
    }
}

async fn uploads(s3: &aws_sdk_s3::Client, bucket: &str) {
    loop {
        let page = s3.list_multipart_uploads().bucket(bucket).send().await.unwrap();
        let begun = page.uploads.unwrap_or_default();
        if begun.is_empty() {
            break;
        }
        for upload in begun {
            let abort = s3.abort_multipart_upload().bucket(bucket);
            abort.set_key(upload.key).set_upload_id(upload.upload_id).send().await.unwrap();
        }
    }
}
