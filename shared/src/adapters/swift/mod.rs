//! Objects in a container of Swift, or of a server that speaks its API, such as Ceph's gateway.
//!
//! What comes in parts is one segment a part, and a manifest of them (static large object) under the object's own name. Names of
//! segments are never used twice, so what a manifest names does not change. Clients bring parts through the gateway: a signed
//! URL of Swift's own holds nobody to a length or a checksum, and is good for writing over what it wrote.

mod account;
mod direct;
mod failure;
mod login;
mod names;
mod object;
mod reader;
mod temp_url;
mod writer;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::account::Account;
use self::names::Names;
use self::writer::SwiftWriter;
use crate::ports::{
    ByteStream, Cause, Chunks, ObjectWriter, Part, PartBody, PartError, PartLimits, PartTarget,
    PresentedPart, ReadError, ReadTarget, SignedPart, Store, StoreError,
};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant, Sealer};
use crate::time::Timestamp;

pub use self::temp_url::TempUrlKey;
pub use super::keystone::Credentials;

/// Swift's limits: 5 GiB a segment, and 1000 segments a manifest, which may be manifests. From 1 MiB on, reading is not slowed.
const LIMITS: PartLimits =
    PartLimits { min_bytes: 1 << 20, max_bytes: 5 << 30, max_parts: 10_000, max_object_bytes: 50 << 40 };

/// The segments of a manifest at most: what Swift and Ceph are told by default.
pub const MANIFEST_ENTRIES: usize = 1000;

/// Which container, and how it is reached.
#[derive(Clone, Debug)]
pub struct SwiftSettings {
    /// Who asks, and whom for leave.
    pub access: Access,
    /// URL of the account, when it is not the one that is told with the token.
    pub storage_url: Option<String>,
    /// The server as those reach it who are given URLs, without the account; the account's own when absent.
    pub public_endpoint: Option<String>,
    /// PEM file of the authorities to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// The container's name.
    pub container: String,
    /// Whether the container is made when it is not there.
    pub create_container: bool,
    /// What goes before every name, as it stands. May be empty.
    pub prefix: String,
    /// What URLs that read objects are signed by. Without it, objects are read through the gateway.
    pub temp_url_key: Option<TempUrlKey>,
    /// What seals the URLs that lead through the gateway: the same in every process that is asked by them.
    pub sealer: Sealer,
    /// How long an answer may take to begin, beside the time that bytes take on their way.
    pub timeout: Duration,
    /// The segments of a manifest at most, 2 or more: [`MANIFEST_ENTRIES`], unless the server was told otherwise.
    pub manifest_entries: usize,
    /// Whether a manifest may name manifests: not with Ceph.
    pub nested_manifests: bool,
}

/// How a token is had.
#[derive(Clone, Debug)]
pub enum Access {
    /// From Keystone (v3), whose catalogue says where the account is.
    Keystone {
        /// Its URL, with or without `/v3`.
        auth_url: String,
        /// Who asks.
        credentials: Credentials,
        /// The region whose Swift is asked; the catalogue's first when absent.
        region: Option<String>,
        /// Which of the URLs of an endpoint: `public`, `internal` or `admin`.
        interface: String,
    },
    /// From Swift itself (v1: tempauth, Ceph).
    V1 {
        /// The URL that gives tokens.
        auth_url: String,
        /// Account and user.
        user: String,
        /// The user's key.
        key: V1Key,
    },
}

/// A user's key, which is not shown.
#[derive(Clone)]
pub struct V1Key(String);

impl V1Key {
    /// Takes it.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl std::fmt::Debug for V1Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A store in a container. Clones share connections and token.
#[derive(Clone, Debug)]
pub struct SwiftStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    account: Account,
    names: Names,
    sealer: Sealer,
    temp_url_key: Option<TempUrlKey>,
    manifest_entries: usize,
    limits: PartLimits,
}

impl SwiftStore {
    /// A store in a container. Nothing is sent before it is used.
    ///
    /// # Errors
    /// A URL that is none, or authorities that cannot be read.
    pub fn new(settings: SwiftSettings) -> Result<Self, Cause> {
        let names = Names::new(&settings.container, &settings.prefix);
        let (sealer, temp_url_key) = (settings.sealer.clone(), settings.temp_url_key.clone());
        let manifest_entries = settings.manifest_entries.max(2);
        let most = u32::try_from(manifest_entries).unwrap_or(u32::MAX).min(LIMITS.max_parts);
        let max_parts = if settings.nested_manifests { LIMITS.max_parts } else { most };
        let limits = PartLimits { max_parts, ..LIMITS };
        let account = Account::new(settings)?;
        let inner = Inner { account, names, sealer, temp_url_key, manifest_entries, limits };
        Ok(Self { inner: Arc::new(inner) })
    }
}

#[async_trait]
impl Store for SwiftStore {
    fn part_limits(&self) -> PartLimits {
        self.inner.limits
    }

    /// Cost: one request.
    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.inner.put(key, &bytes).await
    }

    /// Cost: one request, two for each part, and two for completing; one more for each thousand parts.
    async fn begin(&self, key: &ObjectKey, _size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        Ok(Arc::new(SwiftWriter::begin(Arc::clone(&self.inner), key.clone()).await?))
    }

    /// Cost: one request, and one more for each time the connection breaks.
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        reader::read(Arc::clone(&self.inner), key, range).await
    }

    /// Cost: one request.
    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.inner.size(key).await
    }

    /// Cost: four requests, one for each segment, and one for each thousand of them. A segment that a listing does not tell of yet,
    /// and no manifest, stays.
    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.inner.remove(key).await
    }

    /// Cost: none, or a token, when there is none yet.
    async fn sign_read(&self, grant: &ReadGrant, now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        let _ = now;
        let Some(signing) = &self.inner.temp_url_key else {
            return Ok(Some(ReadTarget::Gateway(self.inner.sealer.read_query(grant))));
        };
        let url = temp_url::sign(&self.inner.account, &self.inner.names, signing, grant).await?;
        Ok(Some(ReadTarget::Store(url)))
    }

    fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, ReadError> {
        match self.inner.temp_url_key {
            Some(_) => Err(ReadError::Elsewhere),
            None => Ok(self.inner.sealer.open_read(key, query, now)?),
        }
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

    /// Cost: four requests.
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

    /// Cost: four requests.
    async fn bring_part(&self, key: &ObjectKey, _upload: &str, part: Part) -> Result<(), StoreError> {
        self.inner.bring(key, &part).await
    }

    /// Cost: two requests, and one for each thousand segments. A part that was brought a moment ago may be missing, where the
    /// server's listings lag.
    async fn arrived(
        &self,
        key: &ObjectKey,
        _upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        self.inner.arrived(key, after, limit).await
    }

    /// Cost: three requests, and one more for each thousand parts.
    async fn assemble(
        &self,
        key: &ObjectKey,
        _upload: &str,
        parts: &[ArrivedPart],
    ) -> Result<(), StoreError> {
        self.inner.assemble(key, parts).await
    }
}
