//! S3 in memory, strict where the real one is: signatures, entity tags, part order, part sizes, digests; checksums of the parts
//! of an upload that was begun with them. Other checksums and trailers are refused, as some servers refuse them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::base64;
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use md5::{Digest, Md5};
use s3s::auth::SimpleAuth;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
    MultipartUpload, Part, PutObjectInput, PutObjectOutput, Range, StreamingBlob, UploadPartInput,
    UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use shared::adapters::aws::AwsSettings;
use shared::adapters::s3::S3Settings;
use shared::store::{Checksum, ChecksumKind, Summing};

const ACCESS_KEY: &str = "AKIDTEST";
const SECRET_KEY: &str = "secret";

/// The least a part but the last may hold.
const MIN_PART_BYTES: usize = 5 << 20;

/// Pieces an object is sent in.
const PIECE_BYTES: usize = 64 << 10;

/// A server with one set of objects, whatever the bucket's name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct S3Engine {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    objects: BTreeMap<String, Stored>,
    uploads: BTreeMap<String, Upload>,
    begun: u64,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: Bytes,
    etag: String,
}

#[derive(Debug)]
struct Upload {
    key: String,
    checksum: Option<ChecksumKind>,
    parts: BTreeMap<i32, Stored>,
}

impl Upload {
    fn sum(&self, bytes: &[u8]) -> Option<Checksum> {
        let mut summing = Summing::new(self.checksum?);
        summing.update(bytes);
        Some(summing.finish())
    }

    /// What a part's checksums are in the API's members: SHA-256, CRC64NVME.
    fn sums(&self, bytes: &[u8]) -> (Option<String>, Option<String>) {
        let sum = self.sum(bytes);
        let of = |kind| sum.as_ref().filter(|sum| sum.kind == kind).map(|sum| sum.value().to_owned());
        (of(ChecksumKind::Sha256), of(ChecksumKind::Crc64Nvme))
    }
}

impl S3Engine {
    /// A server without objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// How a store reaches it: requests do not leave the process.
    pub fn settings(&self) -> S3Settings {
        self.settings_through(self.connector())
    }

    /// How a store reaches it through something that meddles with the requests.
    pub fn settings_through(&self, connector: impl HttpConnector + 'static) -> S3Settings {
        let connector = SharedHttpConnector::new(connector);
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
        S3Settings {
            aws: AwsSettings {
                endpoint: Some("http://s3.test".to_owned()),
                region: Some("us-east-1".to_owned()),
                http_client: Some(http_client_fn(move |_, _| connector.clone())),
                credentials: Some(SharedCredentialsProvider::new(credentials)),
                ..AwsSettings::default()
            },
            bucket: "images".to_owned(),
            prefix: "glint/".to_owned(),
            path_style: true,
            has_checksums: true,
            public_endpoint: None,
        }
    }

    /// What hands the SDK's requests to the server.
    pub fn connector(&self) -> Connector {
        let mut builder = S3ServiceBuilder::new(self.clone());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        Connector { service: builder.build() }
    }

    /// The keys of all objects, then those of all uploads.
    pub fn keys(&self) -> (Vec<String>, Vec<String>) {
        let held = self.held();
        let begun = held.uploads.values().map(|upload| upload.key.clone());
        (held.objects.keys().cloned().collect(), begun.collect())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object(&self, key: &str) -> S3Result<Stored> {
        self.held().objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

/// The SDK's way to the server.
#[derive(Clone, Debug)]
pub struct Connector {
    service: S3Service,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.service.clone();
        HttpConnectorFuture::new(async move {
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
            let mut request = request.try_into_http1x().map_err(|error| failed(error.into()))?;
            // The signature covers it; an HTTP client would add it.
            let host = request.uri().host().unwrap_or_default().parse();
            request.headers_mut().insert("host", host.map_err(|_| failed("no host".into()))?);
            let answer = service.call(request.map(Body::http_body_unsync)).await;
            let answer = answer.map_err(|error| failed(format!("{error:?}").into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x)).map_err(|error| failed(error.into()))
        })
    }
}

#[async_trait]
impl S3 for S3Engine {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let asked = request.input;
        if request.trailing_headers.is_some()
            || asked.checksum_algorithm.is_some()
            || asked.if_none_match.is_some()
        {
            return Err(s3_error!(NotImplemented));
        }
        let stored = received(asked.body, asked.content_length, asked.content_md5).await?;
        let e_tag = Some(ETag::Strong(stored.etag.clone()));
        self.held().objects.insert(asked.key, stored);
        Ok(S3Response::new(PutObjectOutput { e_tag, ..PutObjectOutput::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let object = self.object(&request.input.key)?;
        let size = object.bytes.len() as u64;
        let range = request.input.range.map(|range: Range| range.check(size)).transpose();
        let range = range.map_err(|_| s3_error!(InvalidRange))?;
        let bytes = match &range {
            Some(range) => object.bytes.slice(usize_of(range.start)..usize_of(range.end)),
            None => object.bytes,
        };
        let pieces: Vec<_> =
            bytes.chunks(PIECE_BYTES).map(|piece| Ok::<_, S3Error>(bytes.slice_ref(piece))).collect();
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(stream::iter(pieces))),
            content_length: i64::try_from(bytes.len()).ok(),
            content_range: range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
            e_tag: Some(ETag::Strong(object.etag)),
            content_type: request.input.response_content_type,
            content_disposition: request.input.response_content_disposition,
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.object(&request.input.key)?;
        let content_length = i64::try_from(object.bytes.len()).ok();
        Ok(S3Response::new(HeadObjectOutput { content_length, ..HeadObjectOutput::default() }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.held().objects.remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let checksum = match request.input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str) {
            None => None,
            Some(ChecksumAlgorithm::SHA256) => Some(ChecksumKind::Sha256),
            Some(ChecksumAlgorithm::CRC64NVME) => Some(ChecksumKind::Crc64Nvme),
            Some(_) => return Err(s3_error!(NotImplemented)),
        };
        let mut held = self.held();
        held.begun += 1;
        let id = format!("upload-{}", held.begun);
        held.uploads.insert(id.clone(), Upload { key: request.input.key, checksum, parts: BTreeMap::new() });
        Ok(S3Response::new(CreateMultipartUploadOutput {
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let asked = request.input;
        if request.trailing_headers.is_some() || asked.checksum_algorithm.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        let part = received(asked.body, asked.content_length, asked.content_md5).await?;
        let e_tag = Some(ETag::Strong(part.etag.clone()));
        let mut held = self.held();
        let upload = held.uploads.get_mut(&asked.upload_id).filter(|upload| upload.key == asked.key);
        let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
        if upload.sums(&part.bytes) != (asked.checksum_sha256, asked.checksum_crc64nvme) {
            return Err(s3_error!(BadDigest));
        }
        upload.parts.insert(asked.part_number, part);
        Ok(S3Response::new(UploadPartOutput { e_tag, ..UploadPartOutput::default() }))
    }

    /// Two parts a page, so that whoever asks has to turn it.
    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let asked = request.input;
        let held = self.held();
        let upload = held.uploads.get(&asked.upload_id).filter(|upload| upload.key == asked.key);
        let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
        let after = asked.part_number_marker.unwrap_or(0);
        let most = usize::try_from(asked.max_parts.unwrap_or(1000)).unwrap_or(0).min(2);
        let behind: Vec<_> = upload.parts.range(after + 1..).take(most + 1).collect();
        let part = |&(number, stored): &(&i32, &Stored)| {
            let (checksum_sha256, checksum_crc64nvme) = upload.sums(&stored.bytes);
            Part {
                part_number: Some(*number),
                size: i64::try_from(stored.bytes.len()).ok(),
                e_tag: Some(ETag::Strong(stored.etag.clone())),
                checksum_sha256,
                checksum_crc64nvme,
                ..Part::default()
            }
        };
        Ok(S3Response::new(ListPartsOutput {
            is_truncated: Some(behind.len() > most),
            parts: Some(behind.iter().take(most).map(part).collect()),
            ..ListPartsOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let asked = request.input;
        let mut held = self.held();
        let upload = held.uploads.get(&asked.upload_id).filter(|upload| upload.key == asked.key);
        let object = upload.ok_or_else(|| s3_error!(NoSuchUpload))?.joined(&asked)?;
        held.uploads.remove(&asked.upload_id);
        let e_tag = Some(ETag::Strong(object.etag.clone()));
        held.objects.insert(asked.key, object);
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            e_tag,
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let removed = self.held().uploads.remove(&request.input.upload_id);
        removed.ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    /// One upload a page, so that whoever asks has to turn it.
    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let prefix = request.input.prefix.unwrap_or_default();
        let after = (request.input.key_marker, request.input.upload_id_marker);
        let held = self.held();
        let mut found: Vec<_> =
            held.uploads.iter().map(|(id, upload)| (Some(upload.key.clone()), Some(id.clone()))).collect();
        found.sort();
        let mut found = found.into_iter().filter(|upload| {
            *upload > after && upload.0.as_ref().is_some_and(|key| key.starts_with(&prefix))
        });
        let first = found.next();
        let is_truncated = Some(found.next().is_some());
        let (next_key_marker, next_upload_id_marker) = first.clone().unwrap_or_default();
        let upload = |(key, upload_id)| MultipartUpload { key, upload_id, ..MultipartUpload::default() };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            uploads: Some(first.into_iter().map(upload).collect()),
            is_truncated,
            next_key_marker,
            next_upload_id_marker,
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

impl Upload {
    /// The object its parts make, in the order and with the entity tags the client knows.
    fn joined(&self, asked: &CompleteMultipartUploadInput) -> S3Result<Stored> {
        let listed = asked.multipart_upload.as_ref().and_then(|upload| upload.parts.as_ref());
        let listed = listed.filter(|parts| !parts.is_empty()).ok_or_else(|| s3_error!(MalformedXML))?;
        if !listed.is_sorted_by(|one, next| one.part_number < next.part_number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        let (mut bytes, mut digests) = (BytesMut::new(), Md5::new());
        for (at, part) in listed.iter().enumerate() {
            let stored = part.part_number.and_then(|number| self.parts.get(&number));
            let known =
                stored.filter(|stored| part.e_tag.as_ref().map(ETag::value) == Some(stored.etag.as_str()));
            let stored = known.ok_or_else(|| s3_error!(InvalidPart))?;
            if self.sums(&stored.bytes) != (part.checksum_sha256.clone(), part.checksum_crc64nvme.clone()) {
                return Err(s3_error!(InvalidPart));
            }
            if at + 1 < listed.len() && stored.bytes.len() < MIN_PART_BYTES {
                return Err(s3_error!(EntityTooSmall));
            }
            bytes.extend_from_slice(&stored.bytes);
            digests.update(Md5::digest(&stored.bytes));
        }
        Ok(Stored { bytes: bytes.freeze(), etag: format!("{}-{}", hex(&digests.finalize()), listed.len()) })
    }
}

/// Takes a body in, and holds it to the length and the digest it was announced with.
async fn received(body: Option<StreamingBlob>, length: Option<i64>, md5: Option<String>) -> S3Result<Stored> {
    let mut bytes = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|_| s3_error!(IncompleteBody))?);
        }
    }
    if length.is_none_or(|length| usize::try_from(length) != Ok(bytes.len())) {
        return Err(s3_error!(IncompleteBody));
    }
    let digest = Md5::digest(&bytes);
    if md5.is_some_and(|md5| md5 != base64::encode(digest)) {
        return Err(s3_error!(BadDigest));
    }
    Ok(Stored { bytes: bytes.freeze(), etag: hex(&digest) })
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
