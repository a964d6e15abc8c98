//! What a project uses: counters that move in the same transaction as what they count.
//!
//! A limit is a bound on the counter that the same transaction moves, so nothing is read to hold it, and two requests at once
//! cannot both have what is left for one. A project's counters are one item: what happens to its images at the same moment
//! meets there, and the table's adapter tries again what met.

use std::collections::BTreeMap;

use super::record::{USAGE_CHANGES, UsageRecord, counter, decode, encode, unmoved_since};
use super::{Catalog, ChangeError, Listed, Scope, Walk, key};
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::image::{Image, Order, SortKey, Status};
use crate::ports::{Addition, Change, Item, Write};
use crate::usage::{Allowance, Exceeded, Resource, Usage};

/// How many images a query of a count reads.
const STEP: usize = 100;

/// The counters, in the order they are written.
const ORDER: [Resource; 4] = [
    Resource::ImageCountTotal,
    Resource::ImageSizeTotal,
    Resource::ImageCountUploading,
    Resource::ImageStageTotal,
];

impl Catalog {
    /// Reads a project's usage. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn usage(&self, project: &ProjectId) -> Result<Usage> {
        let Some(item) = self.table.get(&key::usage(project)).await? else { return Ok(Usage::default()) };
        Ok(decode::<UsageRecord>(item.attributes)?.into())
    }

    /// Which limit a change is beyond, as usage is now; `None` when there is room. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn exceeded(
        &self,
        before: Option<&Image>,
        after: &Image,
        allowed: &Allowance,
    ) -> Result<Option<Exceeded>> {
        let Some(owner) = &after.owner else { return Ok(None) };
        let used = self.usage(owner).await?;
        let before = before.filter(|before| before.owner == after.owner);
        let of = |image: Option<&Image>, resource| image.map_or(0, |image| amount(image, resource));
        let wanted = Usage::by(|resource| of(Some(after), resource).saturating_sub(of(before, resource)));
        let open = incoming(after).filter(|_| wanted.uploading > 0);
        Ok(allowed.exceeded(&used, &wanted, open))
    }

    /// Counts what a project's images are, one by one, past the counters. It is what they should say, as long as none of the
    /// images changes meanwhile. Cost: a query and a batch of reads for each 100 images, for more in larger steps.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn count_usage(&self, project: &ProjectId) -> Result<Usage> {
        let (scope, by_id) = ([Scope::Owner(project.clone())], Order { key: SortKey::Id, descending: false });
        // Rows of this order only name images: their records are read.
        let mut images = self.list(Walk::new(&scope, by_id, STEP));
        let mut counted = Usage::default();
        while let Some(Listed { image, .. }) = images.next().await? {
            if image.owner.as_ref() == Some(project) {
                counted = counted.plus(Usage::by(|resource| amount(&image, resource)));
            }
        }
        Ok(counted)
    }

    /// Sets a project's counters to what its images are. Answers what they said, and what they say now. `Lost` when one of
    /// them moved meanwhile: what was counted may be of two times. A second run changes nothing. Cost: as
    /// [`Self::count_usage`], one read and at most two writes.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn recount_usage(&self, project: &ProjectId) -> Result<(Usage, Usage), ChangeError> {
        // Counters without a number of changes, or none at all, get one to be held to.
        let noted = Change::Add(key::usage(project), vec![Addition::new(USAGE_CHANGES, 1)]);
        self.commit(Write::default().with(noted)).await?;
        let item = self.table.get(&key::usage(project)).await.map_err(Error::from)?;
        let record: UsageRecord = item.map(|item| decode(item.attributes)).transpose()?.unwrap_or_default();
        let counted = self.count_usage(project).await?;
        let attributes = encode(&UsageRecord::new(&counted, record.changes.saturating_add(1)))?;
        let put = Change::Put(Item { key: key::usage(project), attributes }, unmoved_since(record.changes));
        self.commit(Write::default().with(put)).await?;
        Ok((record.into(), counted))
    }
}

/// Of which resource the bytes are that are on their way to an image, if any are.
fn incoming(image: &Image) -> Option<Resource> {
    match image.status {
        Status::Saving => Some(Resource::ImageSizeTotal),
        Status::Uploading | Status::Importing => Some(Resource::ImageStageTotal),
        Status::Queued
        | Status::Active
        | Status::Deactivated
        | Status::Killed
        | Status::Deleted
        | Status::PendingDelete => None,
    }
}

/// How much of a resource an image is.
fn amount(image: &Image, resource: Resource) -> u64 {
    match resource {
        _ if !image.status.is_live() => 0,
        Resource::ImageCountTotal => 1,
        Resource::ImageCountUploading => u64::from(incoming(image).is_some()),
        Resource::ImageSizeTotal if !image.locations.is_empty() => {
            image.size.unwrap_or(0).saturating_mul(image.locations.len() as u64)
        }
        // Until they are there, as many as were announced.
        Resource::ImageSizeTotal if incoming(image) == Some(resource) => image.reserved,
        Resource::ImageStageTotal if incoming(image) == Some(resource) => {
            image.size.unwrap_or(image.reserved)
        }
        Resource::ImageSizeTotal | Resource::ImageStageTotal => 0,
    }
}

/// The counters' changes when one image becomes another: none, one project's, or two when the owner changes. What its owner
/// gets more of must stay within what is allowed; and bytes on their way, of which nobody may have said how many they are, may
/// come only while those that are there are within it.
pub(super) fn difference(before: Option<&Image>, after: &Image, allowed: &Allowance) -> Vec<Change> {
    let mut amounts: BTreeMap<&ProjectId, [i64; 4]> = BTreeMap::new();
    for (image, sign) in before.map(|image| (image, -1)).into_iter().chain([(after, 1)]) {
        let Some(owner) = &image.owner else { continue };
        let moved = amounts.entry(owner).or_default();
        for (sum, resource) in moved.iter_mut().zip(ORDER) {
            *sum += sign * i64::try_from(amount(image, resource)).unwrap_or(i64::MAX);
        }
    }
    let moved = amounts.into_iter().filter(|(_, amounts)| *amounts != [0; 4]);
    moved
        .map(|(project, amounts)| {
            let amounts = ORDER.into_iter().zip(amounts);
            let begins = amounts
                .clone()
                .any(|(resource, amount)| resource == Resource::ImageCountUploading && amount > 0);
            let open = incoming(after).filter(|_| begins);
            let additions = amounts.filter_map(|(resource, amount)| {
                let limited = amount > 0 || open == Some(resource);
                let most = allowed.of(resource).filter(|_| limited && after.owner.as_ref() == Some(project));
                let addition = Addition::new(counter(resource), amount);
                match most {
                    Some(most) => Some(addition.at_most(i64::try_from(most).unwrap_or(i64::MAX))),
                    None => (amount != 0).then_some(addition),
                }
            });
            let noted = Addition::new(USAGE_CHANGES, 1);
            Change::Add(key::usage(project), additions.chain([noted]).collect())
        })
        .collect()
}
