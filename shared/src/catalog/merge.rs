//! A list as it is read: ordered streams of rows, merged, and the records that some rows only name.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::listing::{Listed, Start, Walk};
use super::record::{ImageRecord, MemberRow, decode};
use super::{Catalog, key};
use crate::error::Result;
use crate::id::ImageId;
use crate::image::{MemberStatus, Order, SortKey};
use crate::ports::{Attributes, Direction, Item, Position, Query};

/// The most records that one batch reads.
const MAX_BATCH: usize = 250;

/// The most rows that a query reads, unless more were asked for at first.
const MAX_STEP: usize = 250;

/// An open list: a merge of ordered streams.
#[derive(Debug)]
pub struct Listing {
    streams: Vec<Stream>,
    descending: bool,
    last: Option<Place>,
    ready: VecDeque<Listed>,
    batch: usize,
    rows: usize,
    catalog: Catalog,
}

/// What orders rows: the value of an index, if any, then a sort key. Places of one list are all of one kind.
type Place = (String, String);

#[derive(Debug)]
struct Stream {
    source: Source,
    /// The next query, unless everything was read.
    query: Option<Query>,
    rows: VecDeque<(Place, Row)>,
}

/// What a stream's rows are, and how one is placed.
#[derive(Debug)]
enum Source {
    /// Rows in the order of the list itself.
    Ordered(key::Rows),
    /// Rows of one value, in the default order.
    OfValue(key::Rows, RangeInclusive<String>),
    /// Rows of members, of one status or any.
    Shared(Option<MemberStatus>),
    /// What was found before.
    Found,
}

#[derive(Debug)]
enum Row {
    Whole(Attributes),
    Reference(ImageId, Option<MemberStatus>),
    Found(Box<Listed>),
}

impl Listing {
    pub(super) fn open(catalog: Catalog, shards: u32, walk: Walk<'_>) -> Self {
        let mut streams = Vec::new();
        let read = walk.within.as_ref().map_or(walk.order.key, |(key, _)| *key);
        let ranges = match &walk.within {
            Some((key, bounds)) => key::ranges(*key, bounds).into_iter().map(Some).collect(),
            None => vec![None],
        };
        for scope in walk.scopes {
            for shard in 0..key::shards_of(scope, shards) {
                streams.extend(ranges.iter().map(|range| stream(&walk, read, scope, shard, range.clone())));
            }
        }
        if let Some((project, status)) = walk.shared {
            let query = Query {
                // What is within bounds of another key, a row of a member does not tell.
                range: ranges.first().cloned().flatten().filter(|_| read == SortKey::CreatedAt),
                after: start(&walk, SortKey::CreatedAt, None),
                ..of(&walk, key::shared_with(project))
            };
            streams.push(Stream {
                source: Source::Shared(status),
                query: Some(query),
                rows: VecDeque::new(),
            });
        }
        let descending = walk.order.descending;
        let batch = walk.wanted.clamp(1, MAX_BATCH);
        streams.push(found(walk));
        Self { streams, descending, last: None, ready: VecDeque::new(), batch, rows: 0, catalog }
    }

    /// How many rows were looked at so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The next image, or `None` at the end.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn next(&mut self) -> Result<Option<Listed>> {
        loop {
            if let Some(listed) = self.ready.pop_front() {
                return Ok(Some(listed));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Takes rows up to a batch, and reads what they only name. False at the end.
    async fn fill(&mut self) -> Result<bool> {
        let mut rows = Vec::new();
        while rows.len() < self.batch {
            let Some(row) = self.take().await? else { break };
            rows.push(row);
        }
        let more = !rows.is_empty();
        let named = |row: &Row| match row {
            Row::Reference(id, _) => Some(id.clone()),
            Row::Whole(_) | Row::Found(_) => None,
        };
        let ids: Vec<_> = rows.iter().filter_map(named).collect();
        if !ids.is_empty() {
            self.batch = (self.batch * 2).min(MAX_BATCH);
        }
        let images = self.catalog.find_all(&ids).await?.into_iter();
        let mut images: HashMap<_, _> = images.map(|image| (image.id.clone(), image)).collect();
        for row in rows {
            match row {
                Row::Whole(attributes) => {
                    let image = decode::<ImageRecord>(attributes)?.into();
                    self.ready.push_back(Listed { image, member: None });
                }
                Row::Reference(id, member) => {
                    self.ready.extend(images.remove(&id).map(|image| Listed { image, member }));
                }
                Row::Found(listed) => self.ready.push_back(*listed),
            }
        }
        Ok(more)
    }

    /// The next row of all streams.
    async fn take(&mut self) -> Result<Option<Row>> {
        loop {
            let read = try_join_all(self.streams.iter_mut().map(|stream| stream.fill(&self.catalog))).await?;
            self.rows += read.into_iter().sum::<usize>();
            let heads = self.streams.iter_mut().filter(|stream| !stream.rows.is_empty());
            let first = heads.min_by(|a, b| {
                let order = a.head().cmp(&b.head());
                if self.descending { order.reverse() } else { order }
            });
            let Some((place, row)) = first.and_then(|stream| stream.rows.pop_front()) else {
                return Ok(None);
            };
            // An image in two scopes has the same place in both streams: its rows meet here.
            if self.last.as_ref() == Some(&place) {
                continue;
            }
            self.last = Some(place);
            return Ok(Some(row));
        }
    }
}

/// A query of a partition in the direction of the walk.
fn of(walk: &Walk<'_>, partition: String) -> Query {
    let direction = if walk.order.descending { Direction::Descending } else { Direction::Ascending };
    Query { direction, ..Query::partition(partition, walk.step.max(1)) }
}

fn stream(
    walk: &Walk<'_>,
    read: SortKey,
    scope: &super::Scope,
    shard: u32,
    range: Option<RangeInclusive<String>>,
) -> Stream {
    let (kind, index) = key::order(read);
    let query = Query {
        index,
        range: range.clone(),
        after: start(walk, read, range.as_ref()),
        ..of(walk, key::rows(kind, scope, shard))
    };
    let source = match range {
        Some(range) if read != walk.order.key => Source::OfValue(kind, range),
        _ => Source::Ordered(kind),
    };
    Stream { source, query: Some(query), rows: VecDeque::new() }
}

/// Where a stream begins that is read in the order of a key.
fn start(walk: &Walk<'_>, read: SortKey, range: Option<&RangeInclusive<String>>) -> Option<Position> {
    match (walk.from, range) {
        (Start::First, _) => None,
        (Start::Behind(image), Some(range)) if read != walk.order.key => {
            Some(key::place_in(read, range, image))
        }
        (Start::Behind(image), _) => Some(key::place(read, image)),
        (Start::Tied(image), _) => Some(key::before_ties(Order { key: read, ..walk.order }, image)),
    }
}

/// What was found before, in the order of the walk.
fn found(walk: Walk<'_>) -> Stream {
    let key = walk.order.key;
    let behind = start(&walk, key, None).map(place);
    let descending = walk.order.descending;
    let rows = walk.found.into_iter().map(|listed| (place(key::place(key, &listed.image)), listed));
    let mut rows: Vec<_> = rows
        .filter(|(place, _)| {
            let order = behind.as_ref().map_or(Ordering::Greater, |behind| place.cmp(behind));
            order == if descending && behind.is_some() { Ordering::Less } else { Ordering::Greater }
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
    let rows = rows.into_iter().map(|(place, listed)| (place, Row::Found(Box::new(listed))));
    Stream { source: Source::Found, query: None, rows: rows.collect() }
}

fn place(position: Position) -> Place {
    (position.indexed.unwrap_or_default(), position.sort)
}

impl Stream {
    /// What orders the next row.
    fn head(&self) -> Option<&Place> {
        self.rows.front().map(|(place, _)| place)
    }

    /// Reads the next rows, when those read before are used up. Answers how many.
    async fn fill(&mut self, catalog: &Catalog) -> Result<usize> {
        let mut read = 0;
        while self.rows.is_empty() {
            let Some(query) = &mut self.query else { break };
            let page = catalog.table.query(query).await?;
            read += page.items.len();
            query.after = page.items.last().map(|last| position(query, last)).or(query.after.take());
            // Whoever reads on passes over rows: fewer, larger queries.
            query.limit = query.limit.max(query.limit.saturating_mul(2).min(MAX_STEP));
            for item in page.items {
                let at = position(query, &item);
                self.rows.extend(self.source.row(at, item)?);
            }
            if !page.more {
                self.query = None;
            }
        }
        Ok(read)
    }
}

/// Where an item is in the order of a query.
fn position(query: &Query, item: &Item) -> Position {
    let indexed = query.index.map(|index| text(&item.attributes, index.name()).to_owned());
    Position { sort: item.key.sort.clone(), indexed }
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> &'a str {
    attributes.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Source {
    /// An item as a row of the list, unless it is none.
    fn row(&self, at: Position, item: Item) -> Result<Option<(Place, Row)>> {
        let kind = match self {
            Self::Ordered(kind) | Self::OfValue(kind, ..) => *kind,
            Self::Shared(status) => {
                let row: MemberRow = decode(item.attributes)?;
                let wanted = status.is_none_or(|status| status == row.status);
                return Ok(wanted.then(|| (place(at), Row::Reference(row.image, Some(row.status)))));
            }
            Self::Found => return Ok(None),
        };
        let place = match self {
            Self::OfValue(_, range) => match key::default_place(kind, range, &at) {
                Some(place) => (String::new(), place),
                None => return Ok(None),
            },
            _ => place(at),
        };
        let row = match kind {
            key::Rows::Whole => Row::Whole(item.attributes),
            key::Rows::References => {
                Row::Reference(item.key.sort.parse().map_err(crate::error::Error::internal)?, None)
            }
        };
        Ok(Some((place, row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a member lies where the image's own row does in the default order.
    #[test]
    fn a_place_of_a_value_is_a_place_of_the_default_order() {
        let image = crate::image::NewImage::parse(serde_json::json!({"name": "web", "disk_format": "raw"}))
            .unwrap()
            .into_image(
                ImageId::from_random(1),
                None,
                crate::time::Timestamp::from_microseconds(1_790_841_600_000_001),
            )
            .unwrap();
        for key in SortKey::ALL {
            let (kind, index) = key::order(key);
            if index.is_none() || key == SortKey::UpdatedAt {
                continue;
            }
            let at = key::place(key, &image);
            let value = at.indexed.clone().unwrap();
            let (start, _) = value.split_at(value.len() - 14);
            let range = start.to_owned()..=value.clone();
            let place = key::default_place(kind, &range, &at);
            assert_eq!(place, Some(key::place(SortKey::CreatedAt, &image).sort), "{key:?}");
            assert_eq!(key::place_in(key, &range, &image), at, "{key:?}");
        }
    }
}
