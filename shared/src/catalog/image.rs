//! Image records, and what is written with them.

use super::record::{ImageRecord, at_revision, decode, encode};
use super::{BoundedError, Catalog, ChangeError, key, listing, usage};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::Image;
use crate::ports::{Change, Condition, Item, Write};
use crate::usage::Allowance;

/// Counts the changes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(i64);

impl Revision {
    /// That of a record which was just made.
    pub(super) const FIRST: Self = Self(1);

    pub(super) const fn of(number: i64) -> Self {
        Self(number)
    }

    pub(super) const fn number(self) -> i64 {
        self.0
    }

    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An image as it was read: a change says what it was based on.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The image.
    pub image: Image,
    revision: Revision,
}

impl Catalog {
    /// Reads an image, deleted ones included. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn find(&self, id: &ImageId) -> Result<Option<Stored>> {
        let Some(item) = self.table.get(&key::image(id)).await? else { return Ok(None) };
        let record: ImageRecord = decode(item.attributes)?;
        Ok(Some(Stored { revision: Revision(record.revision), image: record.into() }))
    }

    /// Registers an image. Cost: one write. `Lost` when the id was ever taken, `OverLimit` when its owner may have no more.
    ///
    /// # Errors
    /// `Lost` and `OverLimit` as said, or a fault of the table.
    pub async fn create(&self, image: &Image, allowed: &Allowance) -> Result<(), BoundedError> {
        self.commit_bounded(self.change_within(None, image, allowed)?).await
    }

    /// Writes an image over the one that was read. Cost: one write. `Lost` when it has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn replace(&self, seen: &Stored, image: &Image) -> Result<Stored, ChangeError> {
        self.commit(self.change(Some(seen), image)?).await?;
        Ok(Self::stored_after(Some(seen), image))
    }

    /// What an image's record becomes once a change of it was written.
    pub(super) fn stored_after(seen: Option<&Stored>, image: &Image) -> Stored {
        Stored { image: image.clone(), revision: next(seen) }
    }

    /// The record and all that follows from it: listing rows that come, change and go, and the counters' difference. Rows that
    /// stay as they are are not written. The record is the write's first change.
    pub(super) fn change(&self, seen: Option<&Stored>, image: &Image) -> Result<Write> {
        self.change_within(seen, image, &Allowance::default())
    }

    /// As [`Self::change`], as long as its owner uses no more than is allowed.
    pub(super) fn change_within(
        &self,
        seen: Option<&Stored>,
        image: &Image,
        allowed: &Allowance,
    ) -> Result<Write> {
        let condition = seen.map_or(Condition::Absent, |seen| at_revision(seen.revision.0));
        let record = encode(&ImageRecord::new(image, next(seen).0))?;
        let mut write = Write::default()
            .with(Change::Put(Item { key: key::image(&image.id), attributes: record }, condition));

        write.extend(listing::changes(seen.map(|seen| &seen.image), image, self.listing_shards)?);
        write.extend(usage::difference(seen.map(|seen| &seen.image), image, allowed));
        Ok(write)
    }
}

fn next(seen: Option<&Stored>) -> Revision {
    seen.map_or(Revision::FIRST, |seen| seen.revision.next())
}
