//! What a project uses: counters that move in the same transaction as what they count.

use std::collections::BTreeMap;

use super::record::{USAGE_ATTRIBUTES, UsageRecord, decode};
use super::{Catalog, key};
use crate::error::Result;
use crate::id::ProjectId;
use crate::image::Image;
use crate::ports::Change;

/// A project's usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Images that are not deleted.
    pub images: u64,
    /// Bytes stored for them.
    pub bytes: u64,
}

impl Catalog {
    /// Reads a project's usage. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn usage(&self, project: &ProjectId) -> Result<Usage> {
        let Some(item) = self.table.get(&key::usage(project)).await? else { return Ok(Usage::default()) };
        let record: UsageRecord = decode(item.attributes)?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Usage { images: count(record.images), bytes: count(record.bytes) })
    }
}

/// The counters' changes when one image becomes another: none, one project's, or two when the owner changes.
pub(super) fn difference(before: Option<&Image>, after: &Image) -> Vec<Change> {
    let mut amounts: BTreeMap<&ProjectId, [i64; 2]> = BTreeMap::new();
    for (image, sign) in before.map(|image| (image, -1)).into_iter().chain([(after, 1)]) {
        let (Some(owner), true) = (&image.owner, image.status.is_live()) else { continue };
        let stored = image.location.as_ref().and(image.size).unwrap_or(0);
        let [images, bytes] = amounts.entry(owner).or_default();
        *images += sign;
        *bytes += sign * i64::try_from(stored).unwrap_or(i64::MAX);
    }
    let moved = amounts.into_iter().filter(|(_, amounts)| *amounts != [0, 0]);
    moved
        .map(|(project, amounts)| {
            let named = USAGE_ATTRIBUTES.iter().map(|name| (*name).to_owned()).zip(amounts);
            Change::Add(key::usage(project), named.filter(|(_, amount)| *amount != 0).collect())
        })
        .collect()
}
