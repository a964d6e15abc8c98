//! What lies on the disk, which the port does not show.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tempfile::TempDir;

use super::FileStore;
use super::blocks::BLOCK;
use crate::contract::store::{key, parts, pattern, pieces, try_read};
use crate::ports::{Part, Store, StoreError};

fn fresh() -> (FileStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (FileStore::open(directory.path().join("data")).unwrap(), directory)
}

/// Everything below a directory, by name relative to it, sorted.
fn below(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(directory).unwrap().display().to_string());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_complete_object_is_one_file_in_its_images_directory() {
    let (store, directory) = fresh();
    let key = key(1, 1);
    let writer = store.begin(&key, Some(9)).await.unwrap();
    let name = format!("data/writing/{}.{}", key.image(), key.blob());
    assert_eq!(
        below(directory.path()),
        ["data", "data/objects", "data/seal.key", "data/writing", name.as_str()]
    );
    writer.write(Part { number: 1, offset: 0, bytes: pieces(b"nine byte", 4) }).await.unwrap();
    writer.complete().await.unwrap();
    let (image, name) = (format!("data/objects/{}", key.image()), format!("data/objects/{key}"));
    assert_eq!(
        below(directory.path()),
        ["data", "data/objects", &image, &name, "data/seal.key", "data/writing"]
    );
    assert_eq!(fs::read(directory.path().join(name)).unwrap(), b"nine byte");
}

#[tokio::test]
async fn removal_leaves_nothing_of_an_object_or_of_an_attempt_a_crash_left() {
    let (store, directory) = fresh();
    let empty = below(directory.path());
    store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    drop(store.begin(&key(1, 2), Some(5_000_000)).await.unwrap());
    let store = FileStore::open(directory.path().join("data")).unwrap();
    store.remove(&key(1, 1)).await.unwrap();
    store.remove(&key(1, 2)).await.unwrap();
    assert_eq!(below(directory.path()), empty);
}

#[tokio::test]
async fn a_writer_whose_object_was_removed_leaves_nothing() {
    let (store, directory) = fresh();
    let empty = below(directory.path());
    let writer = store.begin(&key(1, 1), None).await.unwrap();
    store.remove(&key(1, 1)).await.unwrap();
    writer.write(Part { number: 1, offset: 0, bytes: pieces(&[1], 1) }).await.unwrap();
    writer.complete().await.unwrap_err();
    assert_eq!(below(directory.path()), empty);
}

#[tokio::test]
async fn more_than_the_disk_holds_is_full_at_the_beginning_and_leaves_nothing() {
    let (store, directory) = fresh();
    let empty = below(directory.path());
    let begun = store.begin(&key(1, 1), Some(1 << 62)).await;
    assert!(matches!(begun, Err(StoreError::Full)), "{begun:?}");
    assert_eq!(below(directory.path()), empty);
}

#[tokio::test]
async fn an_object_with_a_gap_is_never_complete() {
    let (store, _directory) = fresh();
    for (attempt, size) in [(1, None), (2, Some(30))] {
        let writer = store.begin(&key(1, attempt), size).await.unwrap();
        writer.write(Part { number: 2, offset: 10, bytes: pieces(&[7; 20], 20) }).await.unwrap();
        let error = writer.complete().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        writer.write(Part { number: 1, offset: 0, bytes: pieces(&[6; 10], 3) }).await.unwrap();
        writer.complete().await.unwrap();
    }
}

#[tokio::test]
async fn an_object_that_lost_bytes_is_an_error_and_never_a_short_stream() {
    let (store, directory) = fresh();
    let len = 3 * BLOCK as u64;
    store.put(&key(1, 1), pieces(&pattern(1, 3 * BLOCK), 65_536)).await.unwrap();
    let stream = store.read(&key(1, 1), 0..len).await.unwrap();
    let file =
        fs::File::options().write(true).open(directory.path().join(format!("data/objects/{}", key(1, 1))));
    file.unwrap().set_len(len - 1).unwrap();
    let read = stream.try_collect::<Vec<_>>().await;
    assert!(matches!(read, Err(StoreError::Failed(_))), "{read:?}");
    let read = try_read(&store, &key(1, 1), 0..len).await;
    assert!(matches!(read, Err(StoreError::Failed(_))), "{read:?}");
}

#[tokio::test]
async fn whole_blocks_and_their_edges_meet_without_a_seam() {
    let (store, _directory) = fresh();
    let bytes = pattern(1, 6 * BLOCK + 4097);
    for (attempt, part_bytes) in
        [BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 4096, 2 * BLOCK + 5, 7 * BLOCK].into_iter().enumerate()
    {
        let key = key(1, attempt as u64);
        let writer = store.begin(&key, Some(bytes.len() as u64)).await.unwrap();
        let written = parts(&bytes, part_bytes, 70_001).into_iter().map(|part| writer.write(part));
        join_all(written).await.into_iter().collect::<Result<Vec<()>, _>>().unwrap();
        writer.complete().await.unwrap();
        assert!(try_read(&store, &key, 0..bytes.len() as u64).await.unwrap() == bytes, "{part_bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_of_one_image_come_and_go_without_losing_one() {
    let (store, directory) = fresh();
    let empty = below(directory.path());
    let store = Arc::new(store);
    let attempt = |number: u64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let bytes = pattern(number, 100);
            store.put(&key(1, number), pieces(&bytes, 100)).await.unwrap();
            assert_eq!(try_read(&*store, &key(1, number), 0..100).await.unwrap(), bytes);
            store.remove(&key(1, number)).await.unwrap();
        })
    };
    for done in join_all((0..64).map(attempt)).await {
        done.unwrap();
    }
    assert_eq!(below(directory.path()), empty);
}
