//! Objects in a container of Azure Blob Storage, or of a server that speaks its API, such as Azurite.
//!
//! What comes in parts is block blobs: each part an uncommitted block, whose id says its number, when it was written and what was
//! declared of it. The list of blocks that makes the object is written once, for the name must not be there yet. A mark beside it
//! says that parts may come. Clients bring them through the gateway: a shared access signature holds nobody to a length, a
//! checksum or a block.

mod account;
mod blob;
mod blocks;
mod direct;
mod names;
mod reader;
mod signing;
mod writer;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;

use self::account::Account;
use self::names::Names;
use self::writer::BlockWriter;
use crate::ports::{
    ByteStream, Cause, Chunks, Clock, ObjectWriter, Part, PartBody, PartError, PartLimits, PartTarget,
    PresentedPart, ReadError, ReadTarget, SignedPart, Store, StoreError,
};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant, Sealer};
use crate::time::Timestamp;

pub use self::signing::{AccountKey, SasToken};

/// Azure's limits of a block blob: 4000 MiB a block, 50,000 blocks.
const LIMITS: PartLimits = PartLimits {
    min_bytes: 1,
    max_bytes: 4000 << 20,
    max_parts: 50_000,
    max_object_bytes: 50_000 * (4000 << 20),
};

/// Which container, and how it is reached.
#[derive(Clone)]
pub struct AzureSettings {
    /// Who asks.
    pub access: Access,
    /// URL of the account, without a slash at its end: `https://<account>.blob.core.windows.net`.
    pub endpoint: String,
    /// The same as those reach it who are given URLs; `endpoint` when absent.
    pub public_endpoint: Option<String>,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// The container's name.
    pub container: String,
    /// Whether the container is made when it is not there.
    pub create_container: bool,
    /// What goes before every name, as it stands. May be empty.
    pub prefix: String,
    /// What seals the URLs that lead through the gateway: the same in every process that is asked by them.
    pub sealer: Sealer,
    /// How long an answer may take to begin, beside the time that bytes take on their way.
    pub timeout: Duration,
    /// What requests are dated by, which are good for a quarter of an hour, and parts that come twice told apart.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for AzureSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, endpoint, container, prefix, .. } = self;
        let mut shown = f.debug_struct("AzureSettings");
        shown.field("access", access).field("endpoint", endpoint).field("container", container);
        shown.field("prefix", prefix).finish_non_exhaustive()
    }
}

/// By what leave the account is asked.
#[derive(Clone, Debug)]
pub enum Access {
    /// By a key of the account, which signs requests, and URLs that read objects.
    Key {
        /// The account's name.
        account: String,
        /// One of its two keys.
        key: AccountKey,
    },
    /// By a shared access signature for the container, with leave to read, add, create, write, delete and list. Objects are read
    /// through the gateway.
    Signature(SasToken),
}

/// A store in a container. Clones share connections.
#[derive(Clone, Debug)]
pub struct AzureStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    account: Account,
    names: Names,
    sealer: Sealer,
    public_endpoint: String,
    clock: Arc<dyn Clock>,
    /// The time of the block written last, in microseconds: no two of this process have one.
    latest: AtomicU64,
}

impl AzureStore {
    /// A store in a container. Nothing is sent before it is used.
    ///
    /// # Errors
    /// A URL that is none, or authorities that cannot be read.
    pub fn new(settings: AzureSettings) -> Result<Self, Cause> {
        let names = Names::new(&settings.container, &settings.prefix);
        let public_endpoint = settings.public_endpoint.as_ref().unwrap_or(&settings.endpoint);
        let inner = Inner {
            names,
            sealer: settings.sealer.clone(),
            public_endpoint: public_endpoint.trim_end_matches('/').to_owned(),
            clock: Arc::clone(&settings.clock),
            latest: AtomicU64::default(),
            account: Account::new(settings)?,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

#[async_trait]
impl Store for AzureStore {
    fn part_limits(&self) -> PartLimits {
        LIMITS
    }

    /// Cost: one request.
    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.inner.put(&self.inner.names.object(key), "put", &bytes).await
    }

    /// Cost: one request, two for each part, and three for completing.
    async fn begin(&self, key: &ObjectKey, _size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        Ok(Arc::new(BlockWriter::begin(Arc::clone(&self.inner), key.clone()).await?))
    }

    /// Cost: one request, and one more for each time the connection breaks.
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        reader::read(Arc::clone(&self.inner), key, range).await
    }

    /// Cost: one request.
    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.inner.size(key).await
    }

    /// Cost: two requests; five, when only parts of it had come. Snapshots go with it. What soft delete, versions or a policy of the
    /// account keep stays as long as they say.
    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.inner.remove(key).await
    }

    /// Cost: none.
    async fn sign_read(&self, grant: &ReadGrant, _now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        Ok(Some(match self.inner.signed_read(grant)? {
            Some(url) => ReadTarget::Store(url),
            None => ReadTarget::Gateway(self.inner.sealer.read_query(grant)),
        }))
    }

    fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, ReadError> {
        if self.inner.account.signs() {
            return Err(ReadError::Elsewhere);
        }
        Ok(self.inner.sealer.open_read(key, query, now)?)
    }

    /// Cost: one request.
    async fn begin_direct(
        &self,
        key: &ObjectKey,
        _size: u64,
        _checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        self.inner.mark(key).await?;
        Ok(names::UPLOAD.to_owned())
    }

    /// Cost: none.
    async fn sign_part(&self, grant: &PartGrant, _now: Timestamp) -> Result<SignedPart, StoreError> {
        Ok(SignedPart { target: PartTarget::Gateway(self.inner.sealer.query(grant)), headers: Vec::new() })
    }

    /// Cost: three requests.
    async fn take_part(
        &self,
        part: &PresentedPart,
        now: Timestamp,
        body: PartBody,
    ) -> Result<String, PartError> {
        let sealer = &self.inner.sealer;
        let grant = sealer.open(&part.key, names::UPLOAD, part.number, &part.query, now)?;
        self.inner.take(&grant, body).await
    }

    /// Cost: three requests.
    async fn bring_part(&self, key: &ObjectKey, _upload: &str, part: Part) -> Result<(), StoreError> {
        self.inner.bring(key, &part).await
    }

    /// Cost: two requests. Azure tells of all blocks at once, some 130 bytes each.
    async fn arrived(
        &self,
        key: &ObjectKey,
        _upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        self.inner.arrived(key, after, limit).await
    }

    /// Cost: four requests, and one more when an answer was lost.
    async fn assemble(
        &self,
        key: &ObjectKey,
        _upload: &str,
        parts: &[ArrivedPart],
    ) -> Result<(), StoreError> {
        self.inner.assemble(key, parts).await
    }
}
