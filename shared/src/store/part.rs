//! Parts that clients bring themselves: how an object is cut into them, and leave to bring one.

use std::ops::{Range, RangeInclusive};

use crate::store::{Checksum, MOST_AT_A_TIME, ObjectKey};
use crate::time::Timestamp;

/// How an object of a known size is cut: parts of one size, but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLayout {
    /// The object's size, in bytes.
    pub size: u64,
    /// The size of every part but the last, in bytes; at least 1.
    pub part_bytes: u64,
}

impl PartLayout {
    /// How many parts there are; none in an empty object.
    pub fn count(self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_bytes.max(1))).unwrap_or(u32::MAX)
    }

    /// Which bytes a part holds, counted from 1; `None` when there is no such part.
    pub fn range(self, number: u32) -> Option<Range<u64>> {
        let start = u64::from(number.checked_sub(1)?).checked_mul(self.part_bytes)?;
        let end = start.saturating_add(self.part_bytes).min(self.size);
        (start < end).then_some(start..end)
    }

    /// The numbers of at most `limit` parts behind part `after`, and the number to go on behind, when there are more.
    pub fn page(self, after: u32, limit: u32) -> (RangeInclusive<u32>, Option<u32>) {
        let (count, limit) = (self.count(), limit.clamp(1, MOST_AT_A_TIME));
        let last = after.saturating_add(limit).min(count);
        // What is behind the largest number would be that number again.
        let page = if after < last { after + 1..=last } else { RangeInclusive::new(1, 0) };
        (page, (last < count).then_some(last))
    }
}

/// Leave to bring one part of one object, until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartGrant {
    /// The object.
    pub key: ObjectKey,
    /// What its store calls the upload it is begun by.
    pub upload: String,
    /// The part, counted from 1.
    pub number: u32,
    /// Which bytes of the object it holds.
    pub range: Range<u64>,
    /// What its bytes must add up to, if the client has said.
    pub checksum: Option<Checksum>,
    /// Not after this time.
    pub until: Timestamp,
}

impl PartGrant {
    /// Its number of bytes.
    pub fn len(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }
}

/// A part that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivedPart {
    /// Its number, counted from 1.
    pub number: u32,
    /// Its size, in bytes.
    pub len: u64,
    /// What the store tells its content apart by, quoted.
    pub etag: String,
    /// Its checksum, when the store has one.
    pub checksum: Option<Checksum>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_cover_every_byte_once(size in 0_u64..10_000, part_bytes in 1_u64..500) {
            let layout = PartLayout { size, part_bytes };
            let mut at = 0;
            for number in 1..=layout.count() {
                let range = layout.range(number).unwrap();
                prop_assert_eq!(range.start, at);
                prop_assert!(range.end - range.start == part_bytes || range.end == size);
                at = range.end;
            }
            prop_assert_eq!(at, size);
            prop_assert_eq!((layout.range(0), layout.range(layout.count() + 1)), (None, None));
        }
    }
}
