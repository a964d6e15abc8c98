//! Every adapter of the object store.

mod azblob;
mod gcs;
mod s3;
mod swift;

use async_trait::async_trait;
use shared::contract::direct::{AtGateway, Bring};
use shared::ports::{ReadTarget, SignedPart, Store};
use shared::store::{ObjectKey, PartGrant};

mod memory {
    use std::future::{Ready, ready};

    use shared::adapters::memory::MemoryStore;
    use shared::contract::direct::AtGateway;

    fn fresh() -> Ready<(MemoryStore, AtGateway)> {
        ready((MemoryStore::new(), AtGateway))
    }

    shared::store_contract!(fresh);
    shared::direct_contract!(fresh);
}

/// A client at the gateway that keeps what its store is on.
struct Keeper<T> {
    kept: T,
    /// Whether it is still there, and was asked.
    is_used: fn(&T) -> bool,
}

#[async_trait]
impl<T: Sync> Bring for Keeper<T> {
    async fn bring(
        &self,
        store: &dyn Store,
        grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String> {
        assert!((self.is_used)(&self.kept));
        AtGateway.bring(store, grant, signed, bytes).await
    }

    async fn fetch(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String> {
        assert!((self.is_used)(&self.kept));
        AtGateway.fetch(store, key, target).await
    }
}

mod directory {
    use std::future::{Ready, ready};

    use shared::adapters::file::FileStore;

    use super::Keeper;

    fn fresh() -> Ready<(FileStore, Keeper<tempfile::TempDir>)> {
        let directory = tempfile::tempdir().unwrap();
        ready((
            FileStore::open(directory.path()).unwrap(),
            Keeper { kept: directory, is_used: |directory| directory.path().exists() },
        ))
    }

    shared::store_contract!(fresh);
    shared::direct_contract!(fresh);
}

/// Opened again for every call: nothing but the disk remembers.
mod reopened_directory {
    use std::future::{Ready, ready};
    use std::ops::Range;
    use std::sync::Arc;

    use async_trait::async_trait;
    use shared::adapters::file::FileStore;
    use shared::contract::direct::AtGateway;
    use shared::ports::{
        ByteStream, Chunks, ObjectWriter, Part, PartBody, PartError, PartLimits, PresentedPart, ReadError,
        ReadTarget, SignedPart, Store, StoreError,
    };
    use shared::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant};
    use shared::time::Timestamp;
    use tempfile::TempDir;

    #[derive(Debug)]
    struct Reopened(TempDir);

    impl Reopened {
        fn open(&self) -> FileStore {
            FileStore::open(self.0.path()).unwrap()
        }
    }

    #[async_trait]
    impl Store for Reopened {
        fn part_limits(&self) -> PartLimits {
            self.open().part_limits()
        }

        async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
            self.open().put(key, bytes).await
        }

        async fn begin(
            &self,
            key: &ObjectKey,
            size: Option<u64>,
        ) -> Result<Arc<dyn ObjectWriter>, StoreError> {
            self.open().begin(key, size).await
        }

        async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
            self.open().read(key, range).await
        }

        async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
            self.open().remove(key).await
        }

        async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
            self.open().size(key).await
        }

        async fn begin_direct(
            &self,
            key: &ObjectKey,
            size: u64,
            checksum: Option<ChecksumKind>,
        ) -> Result<String, StoreError> {
            self.open().begin_direct(key, size, checksum).await
        }

        async fn sign_part(&self, grant: &PartGrant, now: Timestamp) -> Result<SignedPart, StoreError> {
            self.open().sign_part(grant, now).await
        }

        async fn sign_read(
            &self,
            grant: &ReadGrant,
            now: Timestamp,
        ) -> Result<Option<ReadTarget>, StoreError> {
            self.open().sign_read(grant, now).await
        }

        fn open_read(
            &self,
            key: &ObjectKey,
            query: &[(String, String)],
            now: Timestamp,
        ) -> Result<ReadGrant, ReadError> {
            self.open().open_read(key, query, now)
        }

        async fn take_part(
            &self,
            part: &PresentedPart,
            now: Timestamp,
            body: PartBody,
        ) -> Result<String, PartError> {
            self.open().take_part(part, now, body).await
        }

        async fn bring_part(&self, key: &ObjectKey, upload: &str, part: Part) -> Result<(), StoreError> {
            self.open().bring_part(key, upload, part).await
        }

        async fn arrived(
            &self,
            key: &ObjectKey,
            upload: &str,
            after: u32,
            limit: u32,
        ) -> Result<Vec<ArrivedPart>, StoreError> {
            self.open().arrived(key, upload, after, limit).await
        }

        async fn assemble(
            &self,
            key: &ObjectKey,
            upload: &str,
            parts: &[ArrivedPart],
        ) -> Result<(), StoreError> {
            self.open().assemble(key, upload, parts).await
        }
    }

    fn fresh() -> Ready<(Reopened, AtGateway)> {
        ready((Reopened(tempfile::tempdir().unwrap()), AtGateway))
    }

    shared::store_contract!(fresh);
    shared::direct_contract!(fresh);
}
