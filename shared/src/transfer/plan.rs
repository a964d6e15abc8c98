//! How large each part of an object is.

use crate::error::{Error, Result};
use crate::ports::PartLimits;
use crate::store::PartLayout;

const MIB: u64 = 1 << 20;

/// Parts of an object of unknown size double so often at most: 8 MiB parts then reach 8 TiB in 10,000 parts. They are spread over as many
/// parts as a store allows, but not over more than these.
const DOUBLINGS: u32 = 10;
const MOST_OF_ONE_SIZE: u32 = 1000;

/// The sizes of an object's parts. Unless a store's limits demand more, all are of the size that was configured.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartPlan {
    bytes: u64,
    grows: bool,
    limits: PartLimits,
}

impl PartPlan {
    /// A plan for an object of `size` bytes, or of a size not known yet.
    pub(super) fn new(limits: PartLimits, configured: u64, size: Option<u64>) -> Self {
        let least = size.map_or(0, |size| size.div_ceil(limits.max_parts.max(1).into()));
        let wanted = if least > configured { least.next_multiple_of(MIB) } else { configured };
        let bytes = wanted.clamp(limits.min_bytes.max(1), limits.max_bytes);
        Self { bytes, grows: size.is_none(), limits }
    }

    /// The size of a part, counted from 1, in bytes.
    pub(super) fn bytes_of(&self, number: u32) -> u64 {
        let of_one_size = (self.limits.max_parts / DOUBLINGS).min(MOST_OF_ONE_SIZE);
        let doublings = if self.grows { number.saturating_sub(1).checked_div(of_one_size) } else { None };
        let doublings = doublings.unwrap_or(0);
        self.bytes.checked_shl(doublings).unwrap_or(u64::MAX).min(self.limits.max_bytes)
    }

    /// Whether an object may have a part of this number.
    pub(super) fn allows(&self, number: u32) -> bool {
        number <= self.limits.max_parts
    }
}

/// The most parts a client is asked to bring: S3's limit, and a list that can be worked through.
const MOST_PARTS: u32 = 10_000;

/// How an object of `size` bytes is cut for clients: into parts as configured, larger ones when there would be too many.
///
/// # Errors
/// `LimitExceeded` when the store takes no object of that size, naming the most it takes.
pub fn layout(limits: PartLimits, configured: u64, size: u64) -> Result<PartLayout> {
    fits(limits, size)?;
    let limits = PartLimits { max_parts: limits.max_parts.min(MOST_PARTS), ..limits };
    Ok(PartLayout { size, part_bytes: PartPlan::new(limits, configured, Some(size)).bytes_of(1) })
}

/// Whether a store takes an object of `size` bytes.
pub(super) fn fits(limits: PartLimits, size: u64) -> Result<()> {
    let most = limits.most();
    if size <= most {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!(
        "size: {size} bytes are more than the image store takes of an image, {most} bytes"
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// S3's.
    const LIMITS: PartLimits =
        PartLimits { min_bytes: 5 * MIB, max_bytes: 5 << 30, max_parts: 10_000, max_object_bytes: 5 * TIB };
    const TIB: u64 = 1 << 40;

    #[test]
    fn a_plan_of_unknown_size_reaches_the_size_cap() {
        let plan = PartPlan::new(LIMITS, 8 * MIB, None);
        assert_eq!(
            (plan.bytes_of(1), plan.bytes_of(1000), plan.bytes_of(1001)),
            (8 * MIB, 8 * MIB, 16 * MIB)
        );
        assert!((1..=LIMITS.max_parts).map(|number| plan.bytes_of(number)).sum::<u64>() > TIB);
        assert!(plan.allows(10_000) && !plan.allows(10_001));
    }

    #[test]
    fn parts_are_as_configured_unless_there_would_be_too_many() {
        for (configured, size, expected) in [
            (64, 200, 64),
            (8 * MIB, 100, 8 * MIB),
            (8 * MIB, 80_000 * MIB, 8 * MIB),
            (8 * MIB, 80_000 * MIB + 1, 9 * MIB),
        ] {
            let limits = PartLimits { min_bytes: 1, ..LIMITS };
            assert_eq!(PartPlan::new(limits, configured, Some(size)).bytes_of(1), expected, "{size}");
        }
    }

    #[test]
    fn what_no_store_takes_is_refused_with_the_most_it_takes() {
        let told = |limits, size| {
            layout(limits, 64 * MIB, size).map(PartLayout::count).map_err(|error| error.to_string())
        };
        assert_eq!(told(LIMITS, 5 * TIB), Ok(9_987));
        let text =
            "size: 5497558138881 bytes are more than the image store takes of an image, 5497558138880 bytes";
        assert_eq!(told(LIMITS, 5 * TIB + 1), Err(text.to_owned()));
        let few = PartLimits { max_parts: 2, ..LIMITS };
        let text =
            "size: 10737418241 bytes are more than the image store takes of an image, 10737418240 bytes";
        assert_eq!((told(few, 10 << 30), told(few, (10 << 30) + 1)), (Ok(2), Err(text.to_owned())));
    }

    proptest! {
        #[test]
        fn a_known_size_fits_its_parts(size in 0..=5 * TIB, configured in 5 * MIB..=64 * MIB) {
            let plan = PartPlan::new(LIMITS, configured, Some(size));
            let bytes = plan.bytes_of(1);
            prop_assert!(bytes >= configured && bytes <= LIMITS.max_bytes);
            prop_assert!(size.div_ceil(bytes) <= LIMITS.max_parts.into());
            prop_assert_eq!(layout(LIMITS, configured, size).unwrap().part_bytes, bytes);
            let boundless =
                PartLimits { min_bytes: 1, max_bytes: u64::MAX, max_parts: u32::MAX, max_object_bytes: u64::MAX };
            prop_assert!(layout(boundless, configured, size).unwrap().count() <= MOST_PARTS);
        }
    }
}
