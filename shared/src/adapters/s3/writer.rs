//! An object on its way in, and its removal, which finds by the key alone what was begun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::failure::{NO_SUCH_KEY, NO_SUCH_UPLOAD, refused};
use super::{Bucket, body};
use crate::adapters::aws::failure::classify;
use crate::adapters::objects::failure::nonsense;
use crate::ports::{Chunks, ObjectWriter, Part, StoreError};

/// Writes a whole object in one request.
pub(super) async fn put(bucket: &Bucket, path: String, bytes: &Chunks) -> Result<(), StoreError> {
    let request = bucket.client().await.put_object().bucket(bucket.name()).key(&path);
    let request = request.content_length(length(bytes)).body(body::of(bytes));
    // Signing the payload would hash every byte again.
    let sent = request.customize().disable_payload_signing().send().await;
    sent.map(drop).map_err(|error| refused("put", &path, &error))
}

/// Removes the object and every upload begun under its path.
pub(super) async fn remove(bucket: &Bucket, path: &str) -> Result<(), StoreError> {
    // In this order: an upload that is completed in between is an object by then.
    abort_uploads(bucket, path).await?;
    let sent = bucket.client().await.delete_object().bucket(bucket.name()).key(path).send().await;
    match sent {
        Err(error) if classify(&error).code() != NO_SUCH_KEY => Err(refused("remove", path, &error)),
        _ => Ok(()),
    }
}

async fn abort_uploads(bucket: &Bucket, path: &str) -> Result<(), StoreError> {
    let mut pages = bucket.client().await.list_multipart_uploads().bucket(bucket.name()).prefix(path);
    loop {
        let sent = pages.clone().send().await;
        let page = sent.map_err(|error| refused("list uploads of", path, &error))?;
        for upload in page.uploads().iter().filter(|upload| upload.key() == Some(path)) {
            abort(bucket, path, upload.upload_id().unwrap_or_default()).await?;
        }
        if !page.is_truncated().unwrap_or(false) || page.next_key_marker().is_none() {
            return Ok(());
        }
        pages = pages.set_key_marker(page.next_key_marker).set_upload_id_marker(page.next_upload_id_marker);
    }
}

async fn abort(bucket: &Bucket, path: &str, upload_id: &str) -> Result<(), StoreError> {
    let request = bucket.client().await.abort_multipart_upload().bucket(bucket.name()).key(path);
    match request.upload_id(upload_id).send().await {
        Err(error) if classify(&error).code() != NO_SUCH_UPLOAD => Err(refused("abort", path, &error)),
        _ => Ok(()),
    }
}

/// Writes a part of an upload and answers its entity tag.
pub(super) async fn write(
    bucket: &Bucket,
    path: &str,
    upload: &str,
    part: &Part,
) -> Result<String, StoreError> {
    let request = bucket.client().await.upload_part().bucket(bucket.name()).key(path);
    let request = request.upload_id(upload).part_number(number(part.number));
    let request = request.content_length(length(&part.bytes)).body(body::of(&part.bytes));
    let sent = request.customize().disable_payload_signing().send().await;
    let answer = sent.map_err(|error| match classify(&error).code() {
        NO_SUCH_UPLOAD => StoreError::NotFound,
        _ => refused("write a part of", path, &error),
    })?;
    answer.e_tag.ok_or_else(|| nonsense(path, "a part without an ETag"))
}

/// A multipart upload.
#[derive(Debug)]
pub(super) struct S3Writer {
    bucket: Arc<Bucket>,
    path: String,
    upload_id: String,
    written: Mutex<BTreeMap<u32, Written>>,
}

#[derive(Clone, Debug)]
struct Written {
    etag: String,
    len: u64,
}

impl S3Writer {
    /// Begins an upload.
    pub(super) async fn begin(bucket: Arc<Bucket>, path: String) -> Result<Self, StoreError> {
        let request = bucket.client().await.create_multipart_upload().bucket(bucket.name()).key(&path);
        let begun = request.send().await.map_err(|error| refused("begin", &path, &error))?;
        let upload_id = begun.upload_id.ok_or_else(|| nonsense(&path, "an upload without an id"))?;
        Ok(Self { bucket, path, upload_id, written: Mutex::default() })
    }

    fn written(&self) -> BTreeMap<u32, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the object is there with as many bytes as were written: then an earlier request completed it.
    async fn is_complete(&self, len: u64) -> bool {
        let request = self.bucket.client().await.head_object().bucket(self.bucket.name()).key(&self.path);
        let found = request.send().await.ok().and_then(|object| object.content_length);
        found.is_some_and(|found| u64::try_from(found) == Ok(len))
    }
}

#[async_trait]
impl ObjectWriter for S3Writer {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        let etag = write(&self.bucket, &self.path, &self.upload_id, &part).await?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(part.number, Written { etag, len: part.bytes.len() });
        Ok(())
    }

    async fn complete(&self) -> Result<(), StoreError> {
        let written = self.written();
        let part = |(part, written): (&u32, &Written)| {
            CompletedPart::builder().part_number(number(*part)).e_tag(&written.etag).build()
        };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(written.iter().map(part).collect()));
        let request = self.bucket.client().await.complete_multipart_upload().bucket(self.bucket.name());
        let request = request.key(&self.path).upload_id(&self.upload_id).multipart_upload(parts.build());
        let Err(error) = request.send().await else { return Ok(()) };
        if may_be_done(&error) && self.is_complete(written.values().map(|part| part.len).sum()).await {
            return Ok(());
        }
        Err(refused("complete", &self.path, &error))
    }
}

/// Whether the upload may have been completed all the same: by an earlier try whose answer was lost, or by this one.
fn may_be_done(error: &SdkError<impl aws_sdk_s3::error::ProvideErrorMetadata>) -> bool {
    let fault = classify(error);
    fault.is_passing() || fault.code() == NO_SUCH_UPLOAD
}

fn number(part: u32) -> i32 {
    i32::try_from(part).unwrap_or(i32::MAX)
}

fn length(bytes: &Chunks) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
