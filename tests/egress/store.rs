//! Data that is read at its URL, as a store.

use futures_util::TryStreamExt as _;
use shared::adapters::http_store::HttpStore;
use shared::ports::StoreError;

use super::*;

async fn store() -> (HttpStore, Origin) {
    (HttpStore::new(Arc::new(egress(here(), &Names::default()))), Origin::start().await)
}

/// The bytes of a range, or how reading it fails.
async fn read(store: &HttpStore, url: &str, range: std::ops::Range<u64>) -> Result<Vec<u8>, StoreError> {
    let pieces: Vec<_> = store.read(url, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_range_holds_exactly_its_bytes() {
    let (store, origin) = store().await;
    for range in [0..300_000, 0..1, 299_999..300_000, 1000..200_000] {
        let (from, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        assert_eq!(read(&store, &origin.url("/data"), range).await.unwrap(), bytes()[from..end]);
    }
    assert_eq!(store.size(&origin.url("/data")).await.unwrap(), Some(300_000));
    assert_eq!(store.size(&origin.url("/chunked")).await.unwrap(), None);
    assert_eq!(read(&store, &origin.url("/rangeless"), 0..10).await.unwrap(), bytes()[..10]);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_from_what_fails() {
    let (store, origin) = store().await;
    for status in [404, 410] {
        let told = read(&store, &origin.url(&format!("/status/{status}")), 0..1).await;
        assert!(matches!(told, Err(StoreError::NotFound)), "{told:?}");
    }
    for path in ["/status/503", "/broken"] {
        let told = read(&store, &origin.url(path), 0..300_000).await;
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{path}: {told:?}");
    }
    for (url, range) in [
        (origin.url("/data"), 0..300_001),
        (origin.url("/data"), 299_999..300_001),
        (origin.url("/data"), 300_001..300_002),
        (origin.url("/rangeless"), 5..6),
        (origin.url("/status/403"), 0..1),
        ("http://127.0.0.2/".to_owned(), 0..1),
        ("file:///etc/passwd".to_owned(), 0..1),
    ] {
        let told = read(&store, &url, range).await;
        assert!(matches!(told, Err(StoreError::Failed(_))), "{url}: {told:?}");
    }
    assert!(matches!(store.size("http://10.0.0.1/").await, Err(StoreError::Failed(_))));
}
