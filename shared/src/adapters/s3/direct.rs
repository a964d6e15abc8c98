//! What clients do at the bucket themselves, by presigned URLs: send the parts of multipart uploads, read objects.

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, Part};

use super::Bucket;
use super::failure::{NO_SUCH_KEY, NO_SUCH_UPLOAD, refused};
use crate::adapters::aws::failure::{Fault, classify};
use crate::adapters::objects::failure::nonsense;
use crate::ports::{PartTarget, SignedPart, StoreError};
use crate::store::{ArrivedPart, Checksum, ChecksumKind, PartGrant, ReadGrant};
use crate::time::Timestamp;

/// Begins an upload and answers its id.
pub(super) async fn begin(
    bucket: &Bucket,
    path: &str,
    checksum: Option<ChecksumKind>,
) -> Result<String, StoreError> {
    let request = bucket.client().await.create_multipart_upload().bucket(bucket.name()).key(path);
    let request = match checksum {
        None => request,
        Some(ChecksumKind::Sha256) => {
            request.checksum_algorithm(ChecksumAlgorithm::Sha256).checksum_type(ChecksumType::Composite)
        }
        Some(ChecksumKind::Crc64Nvme) => {
            request.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject)
        }
    };
    let begun = request.send().await.map_err(|error| refused("begin", path, &error))?;
    begun.upload_id.ok_or_else(|| nonsense(path, "an upload without an id"))
}

/// Signs the request that brings a part: its length and its checksum are headers that the signature covers.
pub(super) async fn sign(
    bucket: &Bucket,
    path: &str,
    grant: &PartGrant,
    now: Timestamp,
) -> Result<SignedPart, StoreError> {
    let request = bucket.signer().await.upload_part().bucket(bucket.name()).key(path);
    let length = i64::try_from(grant.len()).unwrap_or(i64::MAX);
    let request = request.upload_id(&grant.upload).part_number(number(grant.number)).content_length(length);
    let request = match &grant.checksum {
        None => request,
        Some(sum) => match sum.kind {
            ChecksumKind::Sha256 => request.checksum_sha256(sum.value()),
            ChecksumKind::Crc64Nvme => request.checksum_crc64_nvme(sum.value()),
        },
    };
    let presigned = request.customize().mutate_request(untraced).presigned(between(now, grant.until)?).await;
    let presigned = presigned.map_err(|error| StoreError::Failed(error.into()))?;
    let headers = presigned.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")).collect();
    Ok(SignedPart { target: PartTarget::Store(presigned.uri().to_owned()), headers })
}

/// Signs the request that reads an object. Nothing of it is in a header, so who is sent there needs no more than the URL.
pub(super) async fn sign_read(
    bucket: &Bucket,
    path: &str,
    grant: &ReadGrant,
    now: Timestamp,
) -> Result<String, StoreError> {
    let request = bucket.signer().await.get_object().bucket(bucket.name()).key(path);
    let request = request
        .response_content_type("application/octet-stream")
        .response_content_disposition(grant.file_name.disposition());
    let presigned = request.customize().mutate_request(untraced).presigned(between(now, grant.until)?).await;
    let presigned = presigned.map_err(|error| StoreError::Failed(error.into()))?;
    match presigned.headers().next() {
        None => Ok(presigned.uri().to_owned()),
        Some((name, _)) => Err(StoreError::Failed(format!("a URL that needs the header {name}").into())),
    }
}

/// Takes away what the SDK adds to requests of a Lambda function, to tell functions that call each other in circles. It would be signed,
/// and who has the URL would have to send it too: a client that is redirected cannot.
fn untraced(request: &mut HttpRequest) {
    request.headers_mut().remove("x-amzn-trace-id");
}

/// When a URL is good.
fn between(now: Timestamp, until: Timestamp) -> Result<PresigningConfig, StoreError> {
    let starts = std::time::UNIX_EPOCH + std::time::Duration::from_millis(now.milliseconds());
    // Whole seconds are what a URL can say.
    let lasts = std::time::Duration::from_secs(until.since(now).as_secs());
    let config = PresigningConfig::builder().start_time(starts).expires_in(lasts).build();
    config.map_err(|error| StoreError::Failed(error.into()))
}

/// Lists the parts behind a number.
pub(super) async fn arrived(
    bucket: &Bucket,
    path: &str,
    upload: &str,
    after: u32,
    limit: u32,
) -> Result<Vec<ArrivedPart>, StoreError> {
    let (mut after, mut parts) = (after, Vec::new());
    while parts.len() < limit as usize {
        let request = bucket.client().await.list_parts().bucket(bucket.name()).key(path).upload_id(upload);
        let left = i32::try_from(limit as usize - parts.len()).unwrap_or(i32::MAX);
        let sent = request.part_number_marker(after.to_string()).max_parts(left).send().await;
        let page = sent.map_err(|error| match classify(&error).code() {
            NO_SUCH_UPLOAD => StoreError::NotFound,
            _ => refused("list the parts of", path, &error),
        })?;
        let found =
            page.parts().iter().map(|part| part_of(part).ok_or_else(|| nonsense(path, "half a part")));
        parts.extend(found.collect::<Result<Vec<_>, _>>()?);
        match parts.last() {
            Some(last) if page.is_truncated().unwrap_or(false) && last.number > after => after = last.number,
            _ => break,
        }
    }
    Ok(parts)
}

fn part_of(part: &Part) -> Option<ArrivedPart> {
    let sum = |kind, text: Option<&str>| text.and_then(|text| Checksum::parse(kind, text));
    let checksum = sum(ChecksumKind::Sha256, part.checksum_sha256());
    Some(ArrivedPart {
        number: u32::try_from(part.part_number()?).ok()?,
        len: u64::try_from(part.size()?).ok()?,
        etag: part.e_tag()?.to_owned(),
        checksum: checksum.or_else(|| sum(ChecksumKind::Crc64Nvme, part.checksum_crc64_nvme())),
    })
}

/// Completes an upload of the parts that were looked at.
pub(super) async fn assemble(
    bucket: &Bucket,
    path: &str,
    upload: &str,
    parts: &[ArrivedPart],
) -> Result<(), StoreError> {
    let part = |part: &ArrivedPart| {
        let completed = CompletedPart::builder().part_number(number(part.number)).e_tag(&part.etag);
        match &part.checksum {
            None => completed,
            Some(sum) => match sum.kind {
                ChecksumKind::Sha256 => completed.checksum_sha256(sum.value()),
                ChecksumKind::Crc64Nvme => completed.checksum_crc64_nvme(sum.value()),
            },
        }
        .build()
    };
    let all = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(part).collect()));
    let request = bucket.client().await.complete_multipart_upload().bucket(bucket.name()).key(path);
    let Err(error) = request.upload_id(upload).multipart_upload(all.build()).send().await else {
        return Ok(());
    };
    let mut is_gone = classify(&error).code() == NO_SUCH_UPLOAD;
    if is_gone || classify(&error).is_passing() {
        // Ceph says of one that is gone that somebody else completes it: its parts tell.
        is_gone = is_gone || matches!(arrived(bucket, path, upload, 0, 1).await, Err(StoreError::NotFound));
        // An earlier try may have done it, or this one.
        let expected: u64 = parts.iter().map(|part| part.len).sum();
        match size(bucket, path).await {
            Ok(found) if found == expected || parts.is_empty() => return Ok(()),
            Err(StoreError::NotFound) if is_gone => return Err(StoreError::NotFound),
            Ok(_) | Err(_) => {}
        }
    }
    Err(refused("complete", path, &error))
}

/// Asks how long an object is.
pub(super) async fn size(bucket: &Bucket, path: &str) -> Result<u64, StoreError> {
    let sent = bucket.client().await.head_object().bucket(bucket.name()).key(path).send().await;
    let found = sent.map_err(|error| {
        if is_absent(&error) { StoreError::NotFound } else { refused("look at", path, &error) }
    })?;
    let len = found.content_length().and_then(|len| u64::try_from(len).ok());
    len.ok_or_else(|| nonsense(path, "an object without a length"))
}

/// An answer to HEAD has no body to hold a code: the SDK makes `NotFound` of the status.
fn is_absent(error: &SdkError<impl aws_sdk_s3::error::ProvideErrorMetadata>) -> bool {
    match classify(error) {
        Fault::Refused { code, status } => {
            [NO_SUCH_KEY, "NotFound"].contains(&code.as_str()) || (code.is_empty() && status == 404)
        }
        Fault::Throttled | Fault::Unavailable | Fault::Broken => false,
    }
}

fn number(part: u32) -> i32 {
    i32::try_from(part).unwrap_or(i32::MAX)
}
