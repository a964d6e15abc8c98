//! What holds for any bytes: the bodies of property tests and of fuzz targets.

#![expect(clippy::indexing_slicing, reason = "a property that does not hold fails by panicking")]

use super::fields::MAX_DISK_BYTES;
use super::{Content, Examination, Inspector, Ranged, Rules, samples};
use crate::image::DiskFormat;

/// The most that one range of an inspection holds, in bytes.
const MAX_RANGE: u64 = 1 << 20;
/// The most ranges of an inspection: beginning, a vhdx's two tables and two items, end.
const MAX_RANGES: usize = 6;

/// What a stream in one piece is.
pub fn whole(bytes: &[u8]) -> Content {
    let mut inspector = Inspector::default();
    inspector.update(bytes);
    inspector.finish()
}

/// A stream that is cut anywhere is what the whole is. The lengths of the pieces begin anew at their end.
pub fn any_split_is_the_same(bytes: &[u8], lengths: &[usize]) {
    let mut inspector = Inspector::default();
    let (mut rest, mut lengths) = (bytes, lengths.iter().copied().filter(|length| *length > 0).cycle());
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(lengths.next().unwrap_or(rest.len()).min(rest.len()));
        inspector.update(piece);
        rest = behind;
    }
    assert_eq!(inspector.finish(), whole(bytes));
}

/// Reading by ranges tells the same as the stream, within bounds: of how much is read, and of how often.
pub fn ranges_tell_what_the_stream_tells(bytes: &[u8]) {
    let mut inspection = Ranged::new(bytes.len() as u64);
    let mut asked = 0;
    while let Some(range) = inspection.wants() {
        asked += 1;
        assert!(range.start < range.end && range.end <= bytes.len() as u64, "{range:?} of {}", bytes.len());
        assert!(range.end - range.start <= MAX_RANGE && asked <= MAX_RANGES, "{range:?}, the {asked}.");
        inspection.see(
            &bytes[usize::try_from(range.start).unwrap_or(usize::MAX)
                ..usize::try_from(range.end).unwrap_or(usize::MAX)],
        );
    }
    assert_eq!(inspection.finish(), whole(bytes));
}

/// Images of every format are judged, written over anywhere: a byte chooses the image, then come runs of a place (three bytes),
/// a length (one) and what to write there.
pub fn patched_images_are_judged(script: &[u8]) {
    let mut images = samples::all();
    let Some((choice, mut rest)) = script.split_first() else { return };
    let (_, mut image) = images.swap_remove(usize::from(*choice) % images.len());
    while let Some(([high, middle, low, len], behind)) = rest.split_first_chunk() {
        let place = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let (bytes, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        image = samples::at(image, place % (4 << 20), bytes);
        rest = behind;
    }
    ranges_tell_what_the_stream_tells(&image);
    any_bytes_are_judged(&image);
}

/// Whatever is declared, there is an answer: no disk is larger than can be counted, an error is short and one line of plain
/// text, and what is refused early is refused at the end.
pub fn any_bytes_are_judged(bytes: &[u8]) {
    let content = whole(bytes);
    assert!(
        content.formats.iter().all(|found| found.virtual_size.is_none_or(|size| size <= MAX_DISK_BYTES)),
        "{content:?}"
    );
    for declared in DiskFormat::ALL {
        let mut examination = Examination::new(Rules::default(), *declared);
        let early = examination.update([bytes]);
        let late = examination.conclude();
        assert!(early.is_ok() || late.is_err(), "{declared:?}: {early:?}, then {late:?}");
        if let Err(refusal) = late {
            let text = refusal.to_string();
            assert!(text.len() < 4096 && !text.contains(char::is_control), "{text:?}");
        }
    }
}
