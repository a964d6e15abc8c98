//! What every [`Store`] does. Each case wants a store without objects.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a suite fails by panicking, as tests do")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};

use crate::ports::{Chunks, ObjectWriter, Part, Store, StoreError};
use crate::store::ObjectKey;

mod material;

pub use material::{key, parts, pattern, pieces, try_read};

const MIB: usize = 1 << 20;

/// Runs every case of the suite as a test of its own. Takes a function whose future is a pair: a fresh store, and
/// whatever must live as long as it.
#[macro_export]
macro_rules! store_contract {
    ($fresh:path) => {
        $crate::store_contract! { @each $fresh:
            an_object_reads_back_as_it_was_put
            an_object_may_be_empty
            parts_make_one_object_in_any_order
            parts_may_be_written_side_by_side
            one_part_makes_an_object
            pieces_of_odd_sizes_keep_their_order
            the_size_need_not_be_known_at_the_beginning
            a_range_holds_exactly_its_bytes
            a_range_beyond_the_end_is_an_error
            an_absent_object_is_not_found
            an_object_is_not_found_before_it_is_complete
            an_object_is_not_found_after_its_removal
            a_half_written_object_is_removed_too
            removing_again_is_no_error
            completing_again_is_no_error
            removing_one_attempt_leaves_the_others_of_its_image
            a_big_object_keeps_every_byte
            a_stream_dropped_midway_leaves_the_store_usable
            many_objects_go_in_and_out_side_by_side
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, _alive) = $fresh().await;
                $crate::contract::store::$case(&store).await;
            }
        )*
    };
}

/// One request, read in one go.
pub async fn an_object_reads_back_as_it_was_put(store: &dyn Store) {
    for (number, len) in [(1, 1), (2, 4096), (3, 100_003)] {
        let bytes = pattern(number, len);
        store.put(&key(1, number), pieces(&bytes, 4096)).await.unwrap();
        assert_eq!(read_all(store, &key(1, number), len).await, bytes);
    }
}

/// An object without bytes is there, though no range of it can be asked for.
pub async fn an_object_may_be_empty(store: &dyn Store) {
    let key = key(1, 1);
    store.put(&key, Chunks::default()).await.unwrap();
    let error = try_read(store, &key, 0..1).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    store.remove(&key).await.unwrap();
    assert_not_found(store, &key).await;
}

/// What counts is a part's number and offset, not when it comes.
pub async fn parts_make_one_object_in_any_order(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, parts) = object_of(store, 3, 12_345);
    let writer = begin(store, &key, &bytes).await;
    for at in [2, 0, 3, 1] {
        writer.write(parts[at].clone()).await.unwrap();
    }
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
}

/// Writes of one object overlap.
pub async fn parts_may_be_written_side_by_side(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, parts) = object_of(store, 4, 1);
    let writer = begin(store, &key, &bytes).await;
    write_all(&writer, parts).await;
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
}

/// The last part may be small, so the only one may.
pub async fn one_part_makes_an_object(store: &dyn Store) {
    let bytes = pattern(1, 777);
    let writer = begin(store, &key(1, 1), &bytes).await;
    writer.write(Part { number: 1, offset: 0, bytes: pieces(&bytes, 100) }).await.unwrap();
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key(1, 1), 777).await, bytes);
}

/// Pieces are as the network cut them, empty ones included.
pub async fn pieces_of_odd_sizes_keep_their_order(store: &dyn Store) {
    let bytes = pattern(1, 3 * MIB + 11);
    let mut cut = Vec::new();
    let mut rest = Bytes::from(bytes.clone());
    for len in [0, 1, 4095, 4097, MIB, 65_536, 2, MIB - 1].into_iter().cycle() {
        cut.push(rest.split_to(len.min(rest.len())));
        if rest.is_empty() {
            break;
        }
    }
    store.put(&key(1, 1), Chunks::from(cut)).await.unwrap();
    assert_eq!(read_all(store, &key(1, 1), bytes.len()).await, bytes);
}

/// A body may come without its length.
pub async fn the_size_need_not_be_known_at_the_beginning(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, parts) = object_of(store, 2, 99);
    let writer = store.begin(&key, None).await.unwrap();
    write_all(&writer, parts).await;
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
}

/// No byte before it, none after it, across parts too.
pub async fn a_range_holds_exactly_its_bytes(store: &dyn Store) {
    let key = key(1, 1);
    let bytes = written_in_parts(store, &key, 2, 4321).await;
    let (len, part) = (bytes.len(), part_bytes(store));
    for range in [0..1, len - 1..len, 1..2, part - 1..part + 1, part..2 * part, 17..len - 17, 0..len] {
        let read = try_read(store, &key, range.start as u64..range.end as u64).await.unwrap();
        assert!(read == bytes[range.clone()], "{range:?}");
    }
}

/// Never a short stream.
pub async fn a_range_beyond_the_end_is_an_error(store: &dyn Store) {
    store.put(&key(1, 1), pieces(&pattern(1, 100), 100)).await.unwrap();
    for range in [99..101, 100..101, 500..600] {
        let error = try_read(store, &key(1, 1), range.clone()).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{range:?}: {error:?}");
    }
}

/// Neither a key of an unknown image nor another attempt of a known one.
pub async fn an_absent_object_is_not_found(store: &dyn Store) {
    assert_not_found(store, &key(1, 1)).await;
    store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    assert_not_found(store, &key(1, 2)).await;
    assert_not_found(store, &key(2, 1)).await;
}

/// Not one byte shows before all are there.
pub async fn an_object_is_not_found_before_it_is_complete(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, parts) = object_of(store, 1, 5);
    let writer = begin(store, &key, &bytes).await;
    assert_not_found(store, &key).await;
    write_all(&writer, parts).await;
    assert_not_found(store, &key).await;
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
}

/// Whichever way it was written.
pub async fn an_object_is_not_found_after_its_removal(store: &dyn Store) {
    let (put, in_parts) = (key(1, 1), key(1, 2));
    store.put(&put, pieces(&[1, 2, 3], 2)).await.unwrap();
    written_in_parts(store, &in_parts, 1, 1).await;
    for key in [put, in_parts] {
        store.remove(&key).await.unwrap();
        assert_not_found(store, &key).await;
    }
}

/// What was begun is removed under its key alone, and cannot be completed any more.
pub async fn a_half_written_object_is_removed_too(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, mut parts) = object_of(store, 1, 5);
    let writer = begin(store, &key, &bytes).await;
    writer.write(parts.remove(0)).await.unwrap();
    store.remove(&key).await.unwrap();
    // A late write may be refused or lost, but it brings nothing back.
    let _ = writer.write(parts.remove(0)).await;
    writer.complete().await.unwrap_err();
    assert_not_found(store, &key).await;
}

/// Also of what never was.
pub async fn removing_again_is_no_error(store: &dyn Store) {
    store.remove(&key(1, 1)).await.unwrap();
    store.put(&key(1, 1), pieces(&[1], 1)).await.unwrap();
    store.remove(&key(1, 1)).await.unwrap();
    store.remove(&key(1, 1)).await.unwrap();
}

/// An answer that was lost on its way is asked for again.
pub async fn completing_again_is_no_error(store: &dyn Store) {
    let key = key(1, 1);
    let (bytes, parts) = object_of(store, 1, 5);
    let writer = begin(store, &key, &bytes).await;
    write_all(&writer, parts).await;
    writer.complete().await.unwrap();
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
}

/// The loser of a race is removed while the winner is read, or still written.
pub async fn removing_one_attempt_leaves_the_others_of_its_image(store: &dyn Store) {
    let (loser, winner, writing) = (key(1, 1), key(1, 2), key(1, 3));
    store.put(&loser, pieces(&[1], 1)).await.unwrap();
    store.put(&winner, pieces(&[2], 1)).await.unwrap();
    let (bytes, parts) = object_of(store, 1, 5);
    let writer = begin(store, &writing, &bytes).await;
    store.remove(&loser).await.unwrap();
    assert_eq!(read_all(store, &winner, 1).await, [2]);
    store.remove(&winner).await.unwrap();
    write_all(&writer, parts).await;
    writer.complete().await.unwrap();
    assert_eq!(read_all(store, &writing, bytes.len()).await, bytes);
}

/// 17 MiB and a bit in parts of 5 MiB, in pieces as a network brings them.
pub async fn a_big_object_keeps_every_byte(store: &dyn Store) {
    let bytes = pattern(1, 17 * MIB + 333);
    let writer = begin(store, &key(1, 1), &bytes).await;
    write_all(&writer, parts(&bytes, 5 * MIB, 60_001)).await;
    writer.complete().await.unwrap();
    assert!(read_all(store, &key(1, 1), bytes.len()).await == bytes);
}

/// A client that goes away ends a stream anywhere.
pub async fn a_stream_dropped_midway_leaves_the_store_usable(store: &dyn Store) {
    let key = key(1, 1);
    let bytes = written_in_parts(store, &key, 2, 7).await;
    let mut stream = store.read(&key, 0..bytes.len() as u64).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(bytes.starts_with(&first));
    drop(stream);
    drop(store.read(&key, 0..bytes.len() as u64).await.unwrap());
    assert!(read_all(store, &key, bytes.len()).await == bytes);
    store.remove(&key).await.unwrap();
}

/// Objects of the same image and of others do not get in each other's way.
pub async fn many_objects_go_in_and_out_side_by_side(store: &dyn Store) {
    let one = async |number: u64| {
        let (key, bytes) =
            (key(number % 5, number), pattern(number, 1000 + usize::try_from(number).unwrap()));
        store.put(&key, pieces(&bytes, 333)).await.unwrap();
        assert_eq!(read_all(store, &key, bytes.len()).await, bytes);
        if number.is_multiple_of(2) {
            store.remove(&key).await.unwrap();
            assert_not_found(store, &key).await;
        }
    };
    join_all((0..40).map(one)).await;
    for number in (1..40).step_by(2) {
        let len = 1000 + usize::try_from(number).unwrap();
        assert_eq!(read_all(store, &key(number % 5, number), len).await, pattern(number, len));
    }
}

/// The least a part may hold here, a little more where that is nearly nothing, and not a round number.
fn part_bytes(store: &dyn Store) -> usize {
    usize::try_from(store.part_limits().min_bytes).unwrap().max(300_000) + 13
}

/// So many full parts and a last one.
fn object_of(store: &dyn Store, full: usize, last: usize) -> (Vec<u8>, Vec<Part>) {
    let bytes = pattern(full as u64, full * part_bytes(store) + last);
    let parts = parts(&bytes, part_bytes(store), 65_536);
    (bytes, parts)
}

async fn written_in_parts(store: &dyn Store, key: &ObjectKey, full: usize, last: usize) -> Vec<u8> {
    let (bytes, parts) = object_of(store, full, last);
    let writer = begin(store, key, &bytes).await;
    write_all(&writer, parts).await;
    writer.complete().await.unwrap();
    bytes
}

async fn begin(store: &dyn Store, key: &ObjectKey, bytes: &[u8]) -> Arc<dyn ObjectWriter> {
    store.begin(key, Some(bytes.len() as u64)).await.unwrap()
}

async fn write_all(writer: &Arc<dyn ObjectWriter>, parts: Vec<Part>) {
    try_join_all(parts.into_iter().map(|part| writer.write(part))).await.unwrap();
}

async fn read_all(store: &dyn Store, key: &ObjectKey, len: usize) -> Vec<u8> {
    try_read(store, key, 0..len as u64).await.unwrap()
}

async fn assert_not_found(store: &dyn Store, key: &ObjectKey) {
    let read = try_read(store, key, 0..1).await;
    assert!(matches!(read, Err(StoreError::NotFound)), "{read:?}");
}
