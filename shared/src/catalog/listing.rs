//! Listing rows: images in the order of lists, and the merge that reads them.

use std::cmp::Ordering;
use std::collections::VecDeque;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::record::{ImageRecord, decode, encode};
use super::{Catalog, Scope, key};
use crate::error::Result;
use crate::image::{Image, Sort, SortKey};
use crate::ports::{Attributes, Direction, Index, Item, Key, Position, Query};

/// What a row carries: everything a list answers and its filters need, and its place in every index.
pub(super) fn attributes(image: &Image) -> Result<Attributes> {
    let listed = Image { location: None, upload: None, reserved: 0, members: 0, ..image.clone() };
    let mut attributes = encode(&ImageRecord::new(&listed, 0))?;
    for index in Index::ALL {
        attributes.insert(index.name().to_owned(), key::indexed(index, image).into());
    }
    Ok(attributes)
}

impl Catalog {
    /// The keys of an image's listing rows.
    pub(super) fn listing_keys(&self, image: &Image) -> Vec<Key> {
        Scope::of(image).iter().map(|scope| key::listing(scope, self.listing_shards, image)).collect()
    }

    /// Opens a list: the images of some scopes in one order, each once, read as they are asked for.
    ///
    /// `named` reads only images of that name, when the order is the default one. `after` is the image to start behind;
    /// it need not exist any more. `step` is how many rows a query reads (1 or more). Cost: one query a scope and
    /// shard to begin with, then one for each `step` rows taken from it.
    pub fn list(
        &self,
        scopes: &[Scope],
        sort: Sort,
        named: Option<&str>,
        after: Option<&Image>,
        step: usize,
    ) -> Listing {
        let by_name = named.filter(|_| sort.key == SortKey::CreatedAt);
        let index = if by_name.is_some() { Some(Index::First) } else { key::index(sort.key) };
        let after = after.map(|image| Position {
            sort: key::listing_sort(image),
            indexed: index.map(|index| key::indexed(index, image)),
        });
        let after = match (after, by_name) {
            // The marker of a list by name has that name, unless it was renamed since: its place is still by time.
            (Some(position), Some(name)) => {
                let range = key::named(name);
                Some(Position { indexed: Some(format!("{}{}", range.start(), position.sort)), ..position })
            }
            (after, _) => after,
        };
        let partitions = scopes.iter().flat_map(|scope| {
            (0..key::shards_of(scope, self.listing_shards)).map(|shard| key::listing_partition(scope, shard))
        });
        let streams = partitions.map(|partition| Stream {
            query: Query {
                partition,
                index,
                range: by_name.map(key::named),
                direction: if sort.descending { Direction::Descending } else { Direction::Ascending },
                after: after.clone(),
                limit: step.max(1),
            },
            rows: VecDeque::new(),
            more: true,
        });
        Listing { streams: streams.collect(), last: None, catalog: self.clone() }
    }
}

/// An open list: a merge of ordered streams.
#[derive(Debug)]
pub struct Listing {
    streams: Vec<Stream>,
    last: Option<String>,
    catalog: Catalog,
}

#[derive(Debug)]
struct Stream {
    query: Query,
    rows: VecDeque<Item>,
    more: bool,
}

impl Stream {
    /// Reads the next rows, when those read before are used up.
    async fn fill(&mut self, catalog: &Catalog) -> Result<()> {
        while self.rows.is_empty() && self.more {
            let page = catalog.table.query(&self.query).await?;
            self.more = page.more;
            if let Some(last) = page.items.last() {
                let indexed = self.query.index.map(|index| text(&last.attributes, index.name()).to_owned());
                self.query.after = Some(Position { sort: last.key.sort.clone(), indexed });
            }
            self.rows = page.items.into();
        }
        Ok(())
    }

    /// What orders the next row.
    fn head(&self) -> Option<&str> {
        let row = self.rows.front()?;
        Some(self.query.index.map_or(row.key.sort.as_str(), |index| text(&row.attributes, index.name())))
    }
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> &'a str {
    attributes.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Listing {
    /// The next image, or `None` at the end.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn next(&mut self) -> Result<Option<Image>> {
        loop {
            try_join_all(self.streams.iter_mut().map(|stream| stream.fill(&self.catalog))).await?;
            let first = self.streams.iter_mut().filter(|stream| stream.head().is_some()).min_by(|a, b| {
                let order = a.head().cmp(&b.head());
                if a.query.direction == Direction::Descending { order.reverse() } else { order }
            });
            let Some(stream) = first else { return Ok(None) };
            let place = stream.head().map(str::to_owned);
            let Some(row) = stream.rows.pop_front() else { return Ok(None) };
            // An image in two scopes has the same place in both streams: its rows meet here.
            if self.last.as_deref().cmp(&place.as_deref()) == Ordering::Equal {
                continue;
            }
            self.last = place;
            return Ok(Some(decode::<ImageRecord>(row.attributes)?.into()));
        }
    }
}
