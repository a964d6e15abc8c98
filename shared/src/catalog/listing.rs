//! Listing rows: images in the order of lists, and what is read of them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::merge::Listing;
use super::record::{ImageRecord, MemberRecord, MemberRow, decode, encode};
use super::{Catalog, Scope, key};
use crate::error::Result;
use crate::id::{ImageId, ProjectId};
use crate::image::{Bounds, Image, MemberStatus, Order, SortKey};
use crate::ports::{Attributes, Change, Condition, Item, Key, Position, Query};

/// How many member rows a query reads.
const STEP: usize = 250;

/// An image as a list finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The image; without its locations, or with them.
    pub image: Image,
    /// What the project that asks makes of it, when it was found as shared with that project.
    pub member: Option<MemberStatus>,
}

/// What to read, and in which order.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// The sets of images.
    pub scopes: &'a [Scope],
    /// Images found before, to be merged in.
    pub found: Vec<Listed>,
    /// Images shared with a project, of one status or any, beside those of the scopes: in the default order alone, for
    /// rows of members are in no other.
    pub shared: Option<(&'a ProjectId, Option<MemberStatus>)>,
    /// The order; ties by time of registration, then id, in its direction.
    pub order: Order,
    /// Read only what lies within bounds of this key: the order's own, or, in the default order, one whose bounds are
    /// single values.
    pub within: Option<(SortKey, Bounds)>,
    /// Where to start.
    pub from: Start<'a>,
    /// How many rows the first query of each stream reads (1 or more); each that follows reads twice as many, up to 250.
    pub step: usize,
    /// How many images are wanted, as far as is known: records that rows only name are read that many at first.
    pub wanted: usize,
}

impl<'a> Walk<'a> {
    /// A walk of whole sets of images from the beginning, `step` rows by the first query.
    pub fn new(scopes: &'a [Scope], order: Order, step: usize) -> Self {
        Self {
            scopes,
            found: Vec::new(),
            shared: None,
            order,
            within: None,
            from: Start::First,
            step,
            wanted: step,
        }
    }
}

/// Where a walk starts.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// At the beginning.
    First,
    /// Behind an image, which need not exist any more.
    Behind(&'a Image),
    /// At the first of the images that tie with one.
    Tied(&'a Image),
}

/// The rows that follow from an image: their keys, and what they hold.
pub(super) fn rows(image: &Image, shards: u32) -> Result<Vec<Item>> {
    let scopes = Scope::of(image);
    if scopes.is_empty() {
        return Ok(Vec::new());
    }
    let mut whole = encode(&ImageRecord::row(image))?;
    whole.extend(places(key::Rows::Whole, image));
    let reference: Attributes = places(key::Rows::References, image).collect();
    let items = scopes.iter().flat_map(|scope| {
        [
            Item { key: key::listing(scope, shards, image), attributes: whole.clone() },
            Item { key: key::reference(scope, shards, image), attributes: reference.clone() },
        ]
    });
    Ok(items.collect())
}

fn places(kind: key::Rows, image: &Image) -> impl Iterator<Item = (String, Value)> {
    key::indexes(kind, image).map(|(index, value)| (index.name().to_owned(), value.into()))
}

/// What becomes of the rows when an image changes: some go, some come, some change. Those that stay as they are are not
/// written.
pub(super) fn changes(before: Option<&Image>, after: &Image, shards: u32) -> Result<Vec<Change>> {
    let before = before.map_or(Ok(Vec::new()), |image| rows(image, shards))?;
    let after = rows(after, shards)?;
    let gone = before.iter().filter(|row| after.iter().all(|kept| kept.key != row.key));
    let mut changes: Vec<_> = gone.map(|row| Change::Remove(row.key.clone(), Condition::Always)).collect();
    let new = after.into_iter().filter(|row| !before.contains(row));
    changes.extend(new.map(|row| Change::Put(row, Condition::Always)));
    Ok(changes)
}

impl Catalog {
    /// Opens a list: images in one order, each once, read as they are asked for. Cost: one query a scope, shard and
    /// range to begin with, then one whenever the rows of the last are used up; in orders that rows only name images of, and for
    /// what is shared, a batch of reads too.
    pub fn list(&self, walk: Walk<'_>) -> Listing {
        Listing::open(self.clone(), self.listing_shards, walk)
    }

    /// Reads the records of some images, in no promised order; absent ones are left out. Cost: one batch of reads.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn find_all(&self, ids: &[ImageId]) -> Result<Vec<Image>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // An image that moved while rows were read is named twice, and a batch takes each key once.
        let ids: BTreeSet<_> = ids.iter().collect();
        let keys: Vec<Key> = ids.into_iter().map(key::image).collect();
        let items = self.table.get_batch(&keys).await?;
        items.into_iter().map(|item| Ok(decode::<ImageRecord>(item.attributes)?.into())).collect()
    }

    /// What a project makes of those of some images that are shared with it. Cost: one batch of reads.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn memberships(
        &self,
        images: &[ImageId],
        project: &ProjectId,
    ) -> Result<Vec<(ImageId, MemberStatus)>> {
        let keys = images.iter().map(|image| key::member(image, project));
        let keys: Vec<_> = keys.filter(Key::is_possible).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.table.get_batch(&keys).await?;
        let read = |item: Item| {
            let id = key::image_of(&item.key);
            let record: MemberRecord = decode(item.attributes)?;
            Ok(id.map(|id| (id, record.status)))
        };
        items.into_iter().filter_map(|item| read(item).transpose()).collect()
    }

    /// Reads all images that are shared with a project, of one status or any, in no promised order; `None` when it has
    /// more than `most` rows. An image that is shared no more may be among them. Cost: one query for each 250 rows, and
    /// one batch of reads.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn shared_with(
        &self,
        project: &ProjectId,
        status: Option<MemberStatus>,
        most: usize,
    ) -> Result<Option<Vec<Listed>>> {
        let partition = key::shared_with(project);
        let mut query = Query::partition(partition, STEP);
        let (mut members, mut rows) = (Vec::new(), 0);
        loop {
            let page = self.table.query(&query).await?;
            rows += page.items.len();
            if rows > most {
                return Ok(None);
            }
            query.after =
                page.items.last().map(|last| Position { sort: last.key.sort.clone(), indexed: None });
            for item in page.items {
                let row: MemberRow = decode(item.attributes)?;
                if status.is_none_or(|status| status == row.status) {
                    members.push((row.image, row.status));
                }
            }
            if !page.more {
                break;
            }
        }
        let ids: Vec<_> = members.iter().map(|(id, _)| id.clone()).collect();
        let images = self.find_all(&ids).await?.into_iter();
        let mut images: HashMap<_, _> = images.map(|image| (image.id.clone(), image)).collect();
        let listed = members
            .into_iter()
            .filter_map(|(id, status)| Some(Listed { image: images.remove(&id)?, member: Some(status) }));
        Ok(Some(listed.collect()))
    }
}
