//! Every adapter of the object store.

mod s3;

mod memory {
    use std::future::{Ready, ready};

    use shared::adapters::memory::MemoryStore;

    fn fresh() -> Ready<(MemoryStore, ())> {
        ready((MemoryStore::new(), ()))
    }

    shared::store_contract!(fresh);
}

mod directory {
    use std::future::{Ready, ready};

    use shared::adapters::file::FileStore;
    use tempfile::TempDir;

    fn fresh() -> Ready<(FileStore, TempDir)> {
        let directory = tempfile::tempdir().unwrap();
        ready((FileStore::open(directory.path()).unwrap(), directory))
    }

    shared::store_contract!(fresh);
}

/// Opened again for every call: nothing but the disk remembers.
mod reopened_directory {
    use std::future::{Ready, ready};
    use std::ops::Range;
    use std::sync::Arc;

    use async_trait::async_trait;
    use shared::adapters::file::FileStore;
    use shared::ports::{ByteStream, Chunks, ObjectWriter, PartLimits, Store, StoreError};
    use shared::store::ObjectKey;
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
    }

    fn fresh() -> Ready<(Reopened, ())> {
        ready((Reopened(tempfile::tempdir().unwrap()), ()))
    }

    shared::store_contract!(fresh);
}
