//! The container: the suite, and what a network and a busy server do to it.

use axum::http::{Method, Uri};
use shared::adapters::swift::{SwiftSettings, SwiftStore};
use shared::contract::store::{key, parts, pattern, pieces, try_read};
use shared::ports::{Store as _, StoreError};
use tests::engines::swift::{Fault, Swift};

use super::Keeper;

/// Manifests of manifests from the third part on, as otherwise from the thousand and first.
async fn fresh() -> (SwiftStore, Keeper<Swift>) {
    let swift = Swift::start().await;
    let settings = SwiftSettings { manifest_entries: 2, ..swift.settings() };
    (SwiftStore::new(settings).unwrap(), Keeper { kept: swift, is_used: |swift| swift.tokens() > 0 })
}

shared::store_contract!(fresh);
shared::direct_contract!(fresh);

struct Container {
    swift: Swift,
    store: SwiftStore,
}

impl Container {
    async fn new() -> Self {
        let swift = Swift::start().await;
        Self { store: SwiftStore::new(swift.settings()).unwrap(), swift }
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

fn segment(method: &Method, uri: &Uri) -> bool {
    method == Method::PUT && uri.path().contains("/segments/") && !uri.path().ends_with("begun")
}

fn manifest(method: &Method, uri: &Uri) -> bool {
    method == Method::PUT && uri.query().is_some()
}

fn get(method: &Method, uri: &Uri) -> bool {
    method == Method::GET && uri.query().is_none()
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    for status in [408, 429, 498, 500, 502, 503, 504] {
        let container = Container::new().await;
        container.swift.meets(any, [Fault::Answer(status), Fault::None, Fault::Lost(status), Fault::None]);
        container.store.put(&key(1, 1), pieces(b"patience", 3)).await.unwrap();
        assert_eq!(container.read(8).await.unwrap(), b"patience");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_ever_is_unavailable() {
    let container = Container::new().await;
    container.store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    container.swift.meets(any, [Fault::Answer(503)]);
    let key = key(1, 1);
    let (read, removed) = tokio::join!(container.read(1), container.store.remove(&key));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(matches!(removed, Err(StoreError::Unavailable(_))), "{removed:?}");
}

#[tokio::test]
async fn a_token_that_is_taken_no_longer_is_asked_for_anew() {
    let container = Container::new().await;
    container.swift.meets(segment, [Fault::None, Fault::Stale, Fault::None]);
    let bytes = container.write_in_parts().await.unwrap();
    assert_eq!(container.swift.tokens(), 3, "the first, the one that made it stale, and another");
    container.swift.meets(get, [Fault::Stale, Fault::None]);
    assert!(container.read(bytes.len()).await.unwrap() == bytes);
}

#[tokio::test]
async fn who_is_given_no_token_is_refused_and_told_apart_from_who_may_try_again() {
    let container = Container::new().await;
    container.swift.shut();
    let Err(StoreError::Failed(cause)) = container.read(1).await else { panic!("must fail") };
    assert_eq!(cause.to_string(), "the request for a token was answered 401 Unauthorized");
    assert!(!format!("{:?}", container.store).contains("hush"), "no secret is shown");
}

#[tokio::test]
async fn a_refusal_is_a_failure_that_says_what_was_refused() {
    let container = Container::new().await;
    container.store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    container.swift.meets(any, [Fault::Answer(403)]);
    let Err(StoreError::Failed(cause)) = container.read(1).await else { panic!("must fail") };
    let told = format!("{cause} {}", cause.source().unwrap());
    assert!(told.contains(&key(1, 1).to_string()) && told.contains("403"), "{told}");
    assert!(!told.contains("token"), "{told}");
    assert_eq!(container.swift.seen(), 1, "refused once is refused");
    for status in [413, 507] {
        container.swift.meets(any, [Fault::Answer(status)]);
        let put = container.store.put(&key(1, 2), pieces(&[1], 1)).await;
        assert!(matches!(put, Err(StoreError::Full)), "{status}: {put:?}");
    }
}

#[tokio::test]
async fn a_part_is_sent_again_after_an_error_and_lies_there_once() {
    let container = Container::new().await;
    container.swift.meets(segment, [Fault::Answer(500), Fault::Lost(500), Fault::None]);
    let bytes = container.write_in_parts().await.unwrap();
    assert_eq!(container.swift.seen(), 6, "four parts and two repetitions");
    assert!(container.read(bytes.len()).await.unwrap() == bytes);
    assert_eq!(container.swift.names().len(), 5, "four segments and a manifest");
}

#[tokio::test]
async fn completing_is_done_when_only_its_answer_was_lost() {
    let container = Container::new().await;
    container.swift.meets(manifest, [Fault::Lost(504), Fault::None]);
    let bytes = container.write_in_parts().await.unwrap();
    assert!(container.read(bytes.len()).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_broken_stream_goes_on_at_the_byte_it_reached() {
    let container = Container::new().await;
    let bytes = container.write_in_parts().await.unwrap();
    let faults = [Fault::Cut(1), Fault::Cut(100_000), Fault::Cut(0), Fault::None];
    container.swift.meets(get, faults);
    assert!(container.read(bytes.len()).await.unwrap() == bytes);
    container.swift.meets(get, [Fault::Cut(10), Fault::Cut(0)]);
    let read = container.read(bytes.len()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{:?}", read.map(|all| all.len()));
    assert!(container.swift.seen() < 10);
}

#[tokio::test]
async fn removal_takes_every_segment_and_nothing_of_others() {
    let swift = Swift::start().await;
    for manifest_entries in [2, 1000] {
        let settings = SwiftSettings { manifest_entries, ..swift.settings() };
        let container = Container { store: SwiftStore::new(settings).unwrap(), swift: Swift::start().await };
        drop(container.store.begin(&key(1, 2), None).await.unwrap());
        let before = swift.names();
        container.write_in_parts().await.unwrap();
        assert!(swift.names().len() >= before.len() + 5);
        container.store.remove(&key(1, 1)).await.unwrap();
        assert_eq!(swift.names(), before);
    }
}

#[tokio::test]
async fn the_account_is_where_the_catalogue_of_keystone_says() {
    let swift = Swift::start().await;
    let store = SwiftStore::new(swift.settings_of_keystone("hush", "here")).unwrap();
    store.put(&key(1, 1), pieces(b"by Keystone", 4)).await.unwrap();
    swift.meets(get, [Fault::Stale, Fault::None]);
    assert_eq!(try_read(&store, &key(1, 1), 0..11).await.unwrap(), b"by Keystone");
    assert_eq!(swift.tokens(), 3, "one, the one that made it stale, and another");
    for (secret, region, why) in [
        ("wrong", "here", "Keystone does not accept the credentials of this service: 401 Unauthorized"),
        ("hush", "nowhere", "its catalogue has no internal endpoint of object-store in region nowhere"),
    ] {
        let store = SwiftStore::new(swift.settings_of_keystone(secret, region)).unwrap();
        let Err(StoreError::Failed(cause)) = store.size(&key(1, 1)).await else { panic!("must fail") };
        assert!(cause.to_string().ends_with(why), "{cause}");
    }
}
