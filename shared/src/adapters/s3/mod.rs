//! Objects in an S3 bucket, or in one of a server that speaks S3: AWS, Ceph, MinIO, LocalStack, MiniStack.
//!
//! What is sent is what all of them take: no checksum trailers, no conditional writes, no listing of objects.

mod body;
mod direct;
mod failure;
mod reader;
mod writer;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation};
use tokio::sync::OnceCell;

use self::writer::S3Writer;
use super::aws::{AwsSettings, sdk_config};
use crate::ports::{
    ByteStream, Chunks, ObjectWriter, Part, PartBody, PartError, PartLimits, PresentedPart, ReadTarget,
    SignedPart, Store, StoreError,
};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant};
use crate::time::Timestamp;

/// S3's limits of a multipart upload: 5 MiB to 5 GiB a part, the last one excepted, and 10,000 parts.
const LIMITS: PartLimits =
    PartLimits { min_bytes: 5 << 20, max_bytes: 5 << 30, max_parts: 10_000, max_object_bytes: 5 << 40 };

/// Which bucket, and how it is reached.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The server and who asks it.
    pub aws: AwsSettings,
    /// The server as those reach it who are given URLs, when it is not `aws.endpoint`.
    pub public_endpoint: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// What goes before every key, as it stands: `images/` makes a folder of it. May be empty.
    pub prefix: String,
    /// Whether the bucket is named in the path and not in the host name. Servers other than AWS mostly want it.
    pub path_style: bool,
    /// Whether parts are held to the checksums of S3. Google's store and older ones of Ceph know none of them.
    pub has_checksums: bool,
}

/// A store in a bucket. Clones share the client, which is built by the first call.
#[derive(Clone, Debug)]
pub struct S3Store {
    bucket: Arc<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    settings: S3Settings,
    client: OnceCell<Client>,
    /// What makes URLs for others, where they reach the server otherwise.
    signer: OnceCell<Client>,
}

impl S3Store {
    /// A store in a bucket that exists. Nothing is sent before it is used.
    pub fn new(settings: S3Settings) -> Self {
        Self { bucket: Arc::new(Bucket { settings, client: OnceCell::new(), signer: OnceCell::new() }) }
    }
}

impl Bucket {
    async fn client(&self) -> &Client {
        self.client.get_or_init(async || self.connect(None).await).await
    }

    /// What signs URLs: it sends nothing.
    async fn signer(&self) -> &Client {
        match &self.settings.public_endpoint {
            None => self.client().await,
            endpoint => self.signer.get_or_init(async || self.connect(endpoint.as_deref()).await).await,
        }
    }

    async fn connect(&self, endpoint: Option<&str>) -> Client {
        let config = Builder::from(&sdk_config(&self.settings.aws).await)
            .force_path_style(self.settings.path_style)
            // By default the SDK sends a checksum as a trailer of the body, which some servers refuse.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let config = match endpoint {
            None => config,
            Some(endpoint) => config.endpoint_url(endpoint),
        };
        Client::from_conf(config.build())
    }

    fn name(&self) -> &str {
        &self.settings.bucket
    }

    fn path(&self, key: &ObjectKey) -> String {
        match key.name() {
            Some(name) => name.to_owned(),
            None => format!("{}{key}", self.settings.prefix),
        }
    }
}

#[async_trait]
impl Store for S3Store {
    fn part_limits(&self) -> PartLimits {
        LIMITS
    }

    fn checksums(&self) -> &'static [ChecksumKind] {
        if self.bucket.settings.has_checksums { &ChecksumKind::ALL } else { &[] }
    }

    /// Cost: one request.
    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        writer::put(&self.bucket, self.bucket.path(key), &bytes).await
    }

    /// Cost: one request, and one for each part and for completing.
    async fn begin(&self, key: &ObjectKey, _size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        Ok(Arc::new(S3Writer::begin(Arc::clone(&self.bucket), self.bucket.path(key)).await?))
    }

    /// Cost: one request, and one more for each time the connection breaks.
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        reader::read(Arc::clone(&self.bucket), self.bucket.path(key), range).await
    }

    /// Cost: two requests, and one for each upload that was begun. In a versioned bucket older versions stay until
    /// its lifecycle rules remove them.
    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        writer::remove(&self.bucket, &self.bucket.path(key)).await
    }

    /// Cost: one request.
    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        direct::size(&self.bucket, &self.bucket.path(key)).await
    }

    /// Cost: none, or the credentials, when they have to be had anew. A URL ends with them.
    async fn sign_read(&self, grant: &ReadGrant, now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        let url = direct::sign_read(&self.bucket, &self.bucket.path(&grant.key), grant, now).await?;
        Ok(Some(ReadTarget::Store(url)))
    }

    /// Cost: one request.
    async fn begin_direct(
        &self,
        key: &ObjectKey,
        _size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        if let Some(kind) = checksum.filter(|kind| !self.checksums().contains(kind)) {
            let why = format!("the bucket holds parts to no {}", kind.name());
            return Err(StoreError::Failed(why.into()));
        }
        direct::begin(&self.bucket, &self.bucket.path(key), checksum).await
    }

    /// Cost: no request; the credentials, when they have to be had anew. A URL ends with them.
    async fn sign_part(&self, grant: &PartGrant, now: Timestamp) -> Result<SignedPart, StoreError> {
        direct::sign(&self.bucket, &self.bucket.path(&grant.key), grant, now).await
    }

    async fn take_part(
        &self,
        _part: &PresentedPart,
        _now: Timestamp,
        _body: PartBody,
    ) -> Result<String, PartError> {
        Err(PartError::Elsewhere)
    }

    /// Cost: one request.
    async fn bring_part(&self, key: &ObjectKey, upload: &str, part: Part) -> Result<(), StoreError> {
        writer::write(&self.bucket, &self.bucket.path(key), upload, &part).await.map(drop)
    }

    /// Cost: one request.
    async fn arrived(
        &self,
        key: &ObjectKey,
        upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        direct::arrived(&self.bucket, &self.bucket.path(key), upload, after, limit).await
    }

    /// Cost: one request, and one more when its answer was lost.
    async fn assemble(&self, key: &ObjectKey, upload: &str, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        direct::assemble(&self.bucket, &self.bucket.path(key), upload, parts).await
    }
}
