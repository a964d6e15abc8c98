//! What the cases write: the same bytes under the same keys on every run.

use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;

use crate::id::{ImageId, Ulid};
use crate::ports::{Chunks, Part, Store, StoreError};
use crate::store::ObjectKey;

/// A key that is the same for the same numbers.
pub fn key(image: u64, attempt: u64) -> ObjectKey {
    ObjectKey::new(ImageId::from_random(image.into()), Ulid::from_parts(1, attempt.into()))
}

/// Bytes that look random and are the same for the same numbers.
pub fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The bytes cut into pieces of a length.
pub fn pieces(bytes: &[u8], len: usize) -> Chunks {
    Chunks::from(bytes.chunks(len).map(Bytes::copy_from_slice).collect::<Vec<_>>())
}

/// The bytes cut into parts of a length, and those into pieces.
pub fn parts(bytes: &[u8], part_bytes: usize, piece_bytes: usize) -> Vec<Part> {
    let numbered = (1..).zip(bytes.chunks(part_bytes));
    let part = |(number, run)| Part {
        number,
        offset: u64::from(number - 1) * part_bytes as u64,
        bytes: pieces(run, piece_bytes),
    };
    numbered.map(part).collect()
}

/// Reads a range to its end.
///
/// # Errors
/// As the read or its stream fails.
pub async fn try_read(store: &dyn Store, key: &ObjectKey, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
    let mut stream = store.read(key, range).await?;
    let mut all = Vec::new();
    while let Some(bytes) = stream.try_next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}
