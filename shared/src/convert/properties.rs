//! What holds for any source: the bodies of property tests and of fuzz targets.

#![expect(clippy::expect_used, reason = "a property that does not hold fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{Conversion, Disk, Result, Settings, Target, samples};
use crate::format::samples::at;
use crate::image::DiskFormat;

/// Small pieces and small disks, so that a run is short.
pub const SETTINGS: Settings =
    Settings { piece_bytes: 64 << 10, pieces_in_flight: 2, max_disk_bytes: 64 << 20 };

/// What a target is from an offset on.
///
/// # Errors
/// Why it is not made.
pub async fn converted(image: &Bytes, declared: DiskFormat, target: Target, from: u64) -> Result<Vec<u8>> {
    let disk = Disk::open(Arc::new(image.clone()), declared, &SETTINGS).await?;
    let conversion = Conversion::plan(disk, target, SETTINGS).await?;
    let mut stream = conversion.stream(from);
    let mut all = Vec::new();
    let size = conversion.size().saturating_sub(from);
    while let Some(bytes) = stream.next().await {
        all.extend_from_slice(&bytes?);
        assert!(all.len() as u64 <= size, "a target of {size} bytes goes on");
    }
    assert_eq!(all.len() as u64, size, "a target ends short");
    Ok(all)
}

/// Whatever an image says, it becomes a disk of the size that was told, or an error in one short line of plain text; and a run that
/// goes on brings what the first one would have.
pub fn any_image_is_converted_or_refused(image: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let image = Bytes::copy_from_slice(image);
    for declared in DiskFormat::ALL {
        for target in Target::ALL {
            let whole = match runtime.block_on(converted(&image, *declared, *target, 0)) {
                Ok(whole) => whole,
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.len() < 4096 && !text.contains(char::is_control), "{text:?}");
                    continue;
                }
            };
            let from = whole.len() / 3;
            let rest =
                runtime.block_on(converted(&image, *declared, *target, from as u64)).expect("it was whole");
            assert!(whole.get(from..) == Some(rest.as_slice()), "{declared:?} to {target:?} from {from}");
        }
    }
}

/// Images of every format, written over anywhere: a byte chooses the image, then come runs of a place (three bytes), a length
/// (one) and what to write there.
pub fn patched_images_are_converted_or_refused(script: &[u8]) {
    let mut images = samples::all();
    let Some((choice, mut rest)) = script.split_first() else { return };
    let (_, _, mut image) = images.swap_remove(usize::from(*choice) % images.len());
    while let Some(([high, middle, low, len], behind)) = rest.split_first_chunk() {
        let place = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let (bytes, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        image = at(image, place % (4 << 20), bytes);
        rest = behind;
    }
    any_image_is_converted_or_refused(&image);
}
