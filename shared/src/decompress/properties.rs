//! What holds for any packed data: the bodies of property tests and of fuzz targets.

#![expect(clippy::expect_used, reason = "a property that does not hold fails by panicking")]

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{Bounds, Error, Packing, decompress};

/// What is taken here of what comes out.
pub const BOUNDS: Bounds = Bounds { max_bytes: 4 << 20, max_ratio: 1000, floor: 1 << 20 };

/// Unpacks bytes that come in pieces of a length.
///
/// # Errors
/// What the stream ends with.
pub async fn unpacked(
    packing: Packing,
    packed: &[u8],
    piece: usize,
    bounds: Bounds,
) -> Result<Vec<u8>, Error> {
    let pieces: Vec<_> = packed.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut stream = decompress(packing, Box::pin(stream::iter(pieces)), bounds);
    let mut all = Vec::new();
    while let Some(bytes) = stream.next().await {
        all.extend_from_slice(&bytes?);
        assert!(all.len() as u64 <= bounds.max_bytes, "more than may come out");
    }
    Ok(all)
}

/// Whatever is unpacked as whatever: within its bounds, however it is cut, and an error is one short line of plain text.
pub fn any_bytes_are_unpacked_within_bounds(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let told = Packing::sniff(bytes);
    for packing in Packing::ALL.iter().filter(|packing| told.is_none_or(|told| told == **packing)) {
        let (whole, cut) = runtime.block_on(async {
            (
                unpacked(*packing, bytes, usize::MAX, BOUNDS).await,
                unpacked(*packing, bytes, 777, BOUNDS).await,
            )
        });
        assert_eq!(whole.as_ref().ok(), cut.as_ref().ok(), "{packing:?}");
        if let Err(error) = whole {
            let text = error.to_string();
            assert!(text.len() < 1024 && !text.contains(char::is_control), "{text:?}");
        }
    }
}
