//! What holds for anything that a client of an upload session sends: the bodies of property tests and of fuzz targets.

#![expect(clippy::indexing_slicing, reason = "a property that does not hold fails by panicking")]

use serde_json::{Value, json};

use super::{
    Checksum, ChecksumKind, MOST_AT_A_TIME, ObjectKey, PartGrant, PartLayout, SEAL_KEY_BYTES, Sealer,
    SessionRequest, Unsealed, read_parts,
};
use crate::error::Error;
use crate::id::{ImageId, Ulid};
use crate::time::Timestamp;

/// Pages that are turned at most.
const MOST_PAGES: u32 = 64;

/// Bytes with others written over them, by runs of a place (two bytes) and what to write there (one).
pub fn patched(mut bytes: Vec<u8>, script: &[u8]) -> Vec<u8> {
    let len = bytes.len().max(1);
    for run in script.chunks_exact(3) {
        let [high, low, new] = [run[0], run[1], run[2]];
        if let Some(byte) = bytes.get_mut((usize::from(high) << 8 | usize::from(low)) % len) {
            *byte = new;
        }
    }
    bytes
}

/// Numbers from the front of some bytes; 0 when they are used up.
#[derive(Debug)]
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self, bytes: usize) -> u64 {
        let (number, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

/// Any body is read, or refused as the client's fault. What is read says the same when it is told again, and parts that may be
/// signed are parts of the object.
pub fn any_request_is_read(body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    match SessionRequest::read(&body) {
        Ok(read) => {
            let (md5, sha512) = (&read.expected.md5, &read.expected.sha512);
            let checksum = read.checksum.map(ChecksumKind::name);
            let told = json!({"size": read.size, "md5": md5, "sha512": sha512, "checksum": checksum});
            assert_eq!(SessionRequest::read(&told).ok(), Some(read));
        }
        Err(error) => assert!(matches!(error, Error::Invalid(_)), "{error:?}"),
    }
    let layout = PartLayout { size: 100, part_bytes: 7 };
    for kind in ChecksumKind::ALL {
        match read_parts(&body, layout, kind) {
            Ok(parts) => {
                assert!((1..=MOST_AT_A_TIME as usize).contains(&parts.len()));
                for (number, sum) in parts {
                    assert!(layout.range(number).is_some_and(|range| !range.is_empty()), "{number}");
                    assert_eq!(Checksum::parse(kind, sum.value()), Some(sum));
                }
            }
            Err(error) => assert!(matches!(error, Error::Invalid(_)), "{error:?}"),
        }
    }
}

/// Wherever a client goes on, and however many it asks for, pages hold the parts behind the marker, each once and in order, and
/// the last one says that it is the last. The bytes say what is asked of which object.
pub fn pages_hold_each_part_once(script: &[u8]) {
    let mut numbers = Numbers(script);
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let layout = PartLayout { size: numbers.next(8), part_bytes: numbers.next(5).max(1) };
    let (mut after, limit) = (number(numbers.next(4)), number(numbers.next(4)));
    for _ in 0..MOST_PAGES {
        let (parts, next) = layout.page(after, limit);
        let mut at = after;
        for part in parts {
            assert_eq!(at.checked_add(1), Some(part), "behind {at}");
            let range = layout.range(part);
            assert!(range.is_some_and(|range| range.end <= layout.size), "{part} of {layout:?}");
            at = part;
        }
        assert!(at - after <= MOST_AT_A_TIME, "{at} behind {after}");
        let Some(next) = next else {
            assert!(at >= layout.count() || after >= layout.count(), "{at} is the last of {layout:?}");
            return;
        };
        assert!(next == at && at > after, "{next} behind {after}");
        after = at;
    }
}

/// A sealed URL is good for what it was sealed for, however it is written over, or for nothing. So is any other query, which the
/// last bytes are.
pub fn a_seal_is_good_for_one_part(script: &[u8]) {
    let mut numbers = Numbers(script);
    let (start, len) = (numbers.next(4), numbers.next(4));
    let sums = ["", "rosUhgp5mIg=", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="];
    let sum = sums[usize::try_from(numbers.next(1)).unwrap_or_default() % sums.len()];
    let grant = PartGrant {
        key: ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1)),
        upload: "upload".to_owned(),
        number: 1,
        range: start..start + len,
        checksum: ChecksumKind::ALL.into_iter().find_map(|kind| Checksum::parse(kind, sum)),
        until: Timestamp::from_microseconds(1_000_000),
    };
    let sealer = Sealer::new([7; SEAL_KEY_BYTES]);
    let open = |query: &[u8]| {
        let query = String::from_utf8_lossy(query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        sealer.open(&grant.key, &grant.upload, grant.number, &pairs, Timestamp::from_microseconds(0))
    };
    let query = sealer.query(&grant).into_bytes();
    assert_eq!(open(&query).as_ref(), Ok(&grant));
    match open(&patched(query, numbers.0)) {
        Ok(opened) => assert_eq!(opened, grant),
        Err(why) => assert_eq!(why, Unsealed::Forged),
    }
    assert_eq!(open(numbers.0), Err(Unsealed::Forged));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Bodies that are nearly right.
    fn bodies() -> impl Strategy<Value = Vec<u8>> {
        let right = prop::sample::select(vec![
            r#"{"size": 100, "md5": "D41D8CD98F00B204E9800998ECF8427E", "sha512": null, "checksum": "sha256"}"#,
            r#"{"size": 18446744073709551615, "checksum": "crc64nvme"}"#,
            r#"{"parts": [{"number": 2, "crc64nvme": "rosUhgp5mIg="}, {"number": 15, "crc64nvme": "rosUhgp5mIg="}]}"#,
        ]);
        (right, vec(any::<u8>(), 0..12)).prop_map(|(body, script)| patched(body.into(), &script))
    }

    proptest! {
        #[test]
        fn requests(body in bodies()) {
            any_request_is_read(&body);
        }

        #[test]
        fn pages(script in vec(any::<u8>(), 0..24)) {
            pages_hold_each_part_once(&script);
        }

        #[test]
        fn small_pages(size in 0_u8..200, part_bytes in 1_u8..9, after in 0_u8..99, limit in 0_u8..40) {
            let mut script = [0; 21];
            (script[7], script[12], script[16], script[20]) = (size, part_bytes, after, limit);
            pages_hold_each_part_once(&script);
        }

        #[test]
        fn seals(script in vec(any::<u8>(), 9..40)) {
            a_seal_is_good_for_one_part(&script);
        }
    }

    #[test]
    fn behind_the_last_number_there_is_no_part() {
        let layout = PartLayout { size: u64::MAX, part_bytes: 1 };
        assert!(layout.page(u32::MAX, 10).0.is_empty());
        assert_eq!(layout.page(u32::MAX, 10).1, None);
        assert_eq!(layout.page(u32::MAX - 3, 10), (u32::MAX - 2..=u32::MAX, None));
    }
}
