//! The container of Azure: the suite, and what a network and a busy server do to it. `tests/blobs` runs the suite on Azurite.

use axum::http::{Method, Uri};
use shared::adapters::azblob::AzureStore;
use shared::contract::store::{key, parts, pattern, pieces, try_read};
use shared::ports::{Part, Store as _, StoreError};
use tests::engines::azure::{Azure, Fault};

use super::Keeper;

async fn fresh() -> (AzureStore, Keeper<Azure>) {
    let azure = Azure::start().await;
    (AzureStore::new(azure.settings()).unwrap(), Keeper { kept: azure, is_used: Azure::has_container })
}

shared::store_contract!(fresh);
shared::direct_contract!(fresh);

struct Container {
    azure: Azure,
    store: AzureStore,
}

impl Container {
    async fn new() -> Self {
        let azure = Azure::start().await;
        Self { store: AzureStore::new(azure.settings_by_key()).unwrap(), azure }
    }

    /// Writes 3 MiB and a bit in four parts.
    async fn write_in_parts(&self) -> Result<Vec<u8>, StoreError> {
        let bytes = pattern(1, (3 << 20) + 7);
        let writer = self.store.begin(&key(1, 1), None).await?;
        for part in parts(&bytes, 1 << 20, 65_536) {
            writer.write(part).await?;
        }
        writer.complete().await?;
        Ok(bytes)
    }

    async fn read(&self, len: usize) -> Result<Vec<u8>, StoreError> {
        try_read(&self.store, &key(1, 1), 0..len as u64).await
    }
}

fn any(_: &Method, _: &Uri) -> bool {
    true
}

fn block(method: &Method, uri: &Uri) -> bool {
    method == Method::PUT
        && uri.query().is_some_and(|query| query.contains("comp=block&") || query.ends_with("comp=block"))
}

fn list(method: &Method, uri: &Uri) -> bool {
    method == Method::PUT && uri.query().is_some_and(|query| query.contains("comp=blocklist"))
}

fn get(method: &Method, uri: &Uri) -> bool {
    method == Method::GET && uri.query().is_none()
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    for status in [408, 429, 500, 502, 503, 504] {
        let container = Container::new().await;
        container.azure.meets(any, [Fault::Answer(status), Fault::None, Fault::Lost(status), Fault::None]);
        container.store.put(&key(1, 1), pieces(b"patience", 3)).await.unwrap();
        assert_eq!(container.read(8).await.unwrap(), b"patience");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_ever_is_unavailable() {
    let container = Container::new().await;
    container.store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    container.azure.meets(any, [Fault::Answer(503)]);
    let key = key(1, 1);
    let (read, removed) = tokio::join!(container.read(1), container.store.remove(&key));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(matches!(removed, Err(StoreError::Unavailable(_))), "{removed:?}");
}

#[tokio::test]
async fn a_refusal_is_a_failure_that_says_what_was_refused_and_no_secret() {
    let container = Container::new().await;
    container.store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    container.azure.meets(any, [Fault::Answer(403)]);
    let Err(StoreError::Failed(cause)) = container.read(1).await else { panic!("must fail") };
    let told = format!("{cause} {}", cause.source().unwrap());
    assert!(told.contains(&key(1, 1).to_string()) && told.contains("403"), "{told}");
    assert_eq!(container.azure.seen(), 1, "refused once is refused");
    let by_signature = AzureStore::new(container.azure.settings()).unwrap();
    let Err(StoreError::Failed(cause)) = by_signature.size(&key(1, 1)).await else { panic!("must fail") };
    let shown = format!("{cause:?} {by_signature:?} {:?} {:?}", container.store, container.azure.settings());
    assert!(!shown.contains("hush") && !shown.contains("aHVzaA"), "{shown}");
}

#[tokio::test]
async fn a_container_that_is_not_there_is_no_absent_object() {
    let azure = Azure::start().await;
    let mut settings = azure.settings();
    settings.create_container = false;
    let size = AzureStore::new(settings).unwrap().size(&key(1, 1)).await;
    let Err(StoreError::Failed(cause)) = size else { panic!("{size:?}") };
    assert_eq!(cause.source().unwrap().to_string(), "the server answered 404 Not Found, ContainerNotFound");
}

#[tokio::test]
async fn a_part_and_the_list_of_parts_are_sent_again_after_an_error() {
    for concerns in [block, list] {
        let container = Container::new().await;
        container.azure.meets(concerns, [Fault::Answer(500), Fault::Lost(500), Fault::None]);
        let bytes = container.write_in_parts().await.unwrap();
        assert!(container.read(bytes.len()).await.unwrap() == bytes);
        assert_eq!(container.azure.names(), [format!("glint/{}", key(1, 1))], "the mark is gone");
    }
}

#[tokio::test]
async fn a_read_goes_on_from_the_byte_where_it_broke() {
    let container = Container::new().await;
    let bytes = container.write_in_parts().await.unwrap();
    container.azure.meets(get, [Fault::Cut(100_000), Fault::Cut(0), Fault::Cut(1 << 20), Fault::None]);
    assert!(container.read(bytes.len()).await.unwrap() == bytes);
    assert_eq!(container.azure.seen(), 4);
    container.azure.meets(get, [Fault::Cut(0)]);
    let broken = container.read(bytes.len()).await;
    assert!(matches!(broken, Err(StoreError::Unavailable(_))), "{broken:?}");
}

#[tokio::test]
async fn a_completion_that_was_stopped_before_its_end_is_gone_on_with() {
    let container = Container::new().await;
    let (key, store) = (key(1, 1), &container.store);
    let upload = store.begin_direct(&key, 5, None).await.unwrap();
    let part = Part { number: 1, offset: 0, bytes: pieces(b"whole", 2) };
    store.bring_part(&key, &upload, part).await.unwrap();
    let arrived = store.arrived(&key, &upload, 0, 10).await.unwrap();
    container.azure.meets(|method, _| method == Method::DELETE, [Fault::Answer(403)]);
    store.assemble(&key, &upload, &arrived).await.unwrap_err();
    container.azure.meets(any, [Fault::None]);
    store.assemble(&key, &upload, &arrived).await.unwrap();
    assert_eq!(container.read(5).await.unwrap(), b"whole");
    assert_eq!(container.azure.names(), [format!("glint/{key}")]);
}

#[tokio::test]
async fn what_was_begun_goes_with_its_object_and_leaves_others() {
    let container = Container::new().await;
    drop(container.store.begin(&key(1, 2), None).await.unwrap());
    let before = container.azure.names();
    let writer = container.store.begin(&key(1, 1), None).await.unwrap();
    for part in parts(&pattern(1, 10), 4, 4) {
        writer.write(part).await.unwrap();
    }
    container.store.remove(&key(1, 1)).await.unwrap();
    assert_eq!(container.azure.names(), before);
}
