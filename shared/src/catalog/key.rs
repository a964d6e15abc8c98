//! Every key of the table, and the attributes that order listing rows. No other file builds one.

mod task;

use std::ops::RangeInclusive;

use super::scope::Scope;
use crate::id::{ImageId, ProjectId};
use crate::image::{Bounds, ContainerFormat, DiskFormat, Image, Order, SortKey};
use crate::ports::{Index, Key, Position};
use crate::store::ObjectKey;
use crate::time::Timestamp;

pub(super) use task::{
    due_task, due_tasks, image_task, image_tasks, task, task_among, task_index, task_indexed, task_row,
    tasks, tasks_of,
};

/// Ends a value of an index. It sorts below every letter of one, so that `web` comes before `web-base` whatever follows.
const SEPARATOR: char = '\u{1}';

fn key(partition: String, sort: impl Into<String>) -> Key {
    Key { partition, sort: sort.into() }
}

/// An image's record.
pub(super) fn image(id: &ImageId) -> Key {
    key(format!("image#{id}"), "record")
}

/// The image in whose partition an item lies.
pub(super) fn image_of(key: &Key) -> Option<ImageId> {
    key.partition.strip_prefix("image#")?.parse().ok()
}

/// What is known of one object ever begun for an image.
pub(super) fn blob(object: &ObjectKey) -> Key {
    key(format!("image#{}", object.image()), format!("blob#{}", object.blob()))
}

/// What begins the sort key of a member.
const MEMBER: &str = "member#";

/// A project that an image is shared with.
pub(super) fn member(image: &ImageId, project: &ProjectId) -> Key {
    key(format!("image#{image}"), format!("{MEMBER}{project}"))
}

/// The range of an image's partition that holds exactly its members: `$` is what follows `#`.
pub(super) fn members() -> RangeInclusive<String> {
    MEMBER.to_owned()..="member$".to_owned()
}

/// The project of a member's key.
pub(super) fn member_project(key: &Key) -> Option<&str> {
    key.sort.strip_prefix(MEMBER)
}

/// The partition of what is shared with a project, whatever the project makes of it.
pub(super) fn shared_with(project: &ProjectId) -> String {
    format!("list#member#{project}#0")
}

/// An image's row in the list of what is shared with a project.
pub(super) fn member_row(image: &Image, project: &ProjectId) -> Key {
    key(shared_with(project), listing_sort(image))
}

/// The partition of deleted images that still have members.
pub(super) fn due_images() -> String {
    "due#image#0".to_owned()
}

/// A deleted image whose members are to be removed, and when.
pub(super) fn due_image(at: Timestamp, image: &ImageId) -> Key {
    key(due_images(), format!("{}#{image}", at.sortable()))
}

/// A project's counters.
pub(super) fn usage(project: &ProjectId) -> Key {
    key(format!("project#{project}"), "usage")
}

/// The partition of everything due to blobs.
pub(super) fn due_blobs() -> String {
    "due#blob#0".to_owned()
}

/// What is due to a blob, and when.
pub(super) fn due_blob(at: Timestamp, object: &ObjectKey) -> Key {
    key(due_blobs(), format!("{}#{object}", at.sortable()))
}

/// Sorts behind every due row up to a time, and before every later one.
pub(super) fn due_until(now: Timestamp) -> String {
    format!("{}$", now.sortable())
}

/// A listing row: one that tells all of an image.
pub(super) fn listing(scope: &Scope, shards: u32, image: &Image) -> Key {
    key(rows(Rows::Whole, scope, shard_of(scope, shards, &image.id)), listing_sort(image))
}

/// A row that only names an image, for the orders that few lists ask for.
pub(super) fn reference(scope: &Scope, shards: u32, image: &Image) -> Key {
    key(rows(Rows::References, scope, shard_of(scope, shards, &image.id)), image.id.as_str())
}

/// The two kinds of rows that an image has in each of its scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// In the default order: all that a list answers.
    Whole,
    /// In the order of ids: the id alone.
    References,
}

/// The partition of one shard of a scope.
pub(super) fn rows(kind: Rows, scope: &Scope, shard: u32) -> String {
    let kind = match kind {
        Rows::Whole => "list",
        Rows::References => "ids",
    };
    match scope {
        Scope::All => format!("{kind}#all#{shard}"),
        Scope::Public => format!("{kind}#public#{shard}"),
        Scope::Community => format!("{kind}#community#{shard}"),
        Scope::Owner(project) => format!("{kind}#owner#{project}#{shard}"),
    }
}

/// How many shards a scope has: only those that hold every project's images are spread.
pub(super) fn shards_of(scope: &Scope, shards: u32) -> u32 {
    match scope {
        Scope::All | Scope::Public => shards,
        Scope::Community | Scope::Owner(_) => 1,
    }
}

fn shard_of(scope: &Scope, shards: u32, id: &ImageId) -> u32 {
    // FNV-1a: spreads ids that a client chose, and stays the same for ever.
    let hash = id
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % shards_of(scope, shards).max(1)
}

/// The sort key of an image's listing rows: its place in the default order.
pub(super) fn listing_sort(image: &Image) -> String {
    format!("{}#{}", image.created_at.sortable(), image.id)
}

/// Which rows hold a sort key's order, and the index it is read from: `None` is the order of their own keys.
pub(super) const fn order(sort: SortKey) -> (Rows, Option<Index>) {
    match sort {
        SortKey::CreatedAt => (Rows::Whole, None),
        SortKey::Name => (Rows::Whole, Some(Index::First)),
        SortKey::Status => (Rows::Whole, Some(Index::Second)),
        SortKey::Size => (Rows::Whole, Some(Index::Third)),
        SortKey::UpdatedAt => (Rows::Whole, Some(Index::Fourth)),
        SortKey::Id => (Rows::References, None),
        SortKey::ContainerFormat => (Rows::References, Some(Index::First)),
        SortKey::DiskFormat => (Rows::References, Some(Index::Second)),
    }
}

/// The index attributes of one kind of row.
pub(super) fn indexes(kind: Rows, image: &Image) -> impl Iterator<Item = (Index, String)> {
    let orders = SortKey::ALL.into_iter().map(|sort| (sort, order(sort)));
    orders.filter_map(move |(sort, (rows, index))| {
        Some((index.filter(|_| rows == kind)?, indexed(sort, image)))
    })
}

/// An image's place in an order: its sort key there, and its value in the index.
pub(super) fn place(sort: SortKey, image: &Image) -> Position {
    let (rows, index) = order(sort);
    let sort_key = match rows {
        Rows::Whole => listing_sort(image),
        Rows::References => image.id.to_string(),
    };
    Position { sort: sort_key, indexed: index.map(|_| indexed(sort, image)) }
}

/// What an index orders an image by: a value, then the time of registration. The index itself breaks what ties are left by
/// sort key, which holds the id.
pub(super) fn indexed(sort: SortKey, image: &Image) -> String {
    format!("{}{SEPARATOR}{}", value(sort, image), time(image.created_at))
}

/// What a sort key orders by, as text that sorts as it does. Unset counts as empty or 0.
fn value(sort: SortKey, image: &Image) -> String {
    match sort {
        SortKey::Name => text(image.name.as_deref().unwrap_or_default()),
        SortKey::Status => image.status.name().to_owned(),
        SortKey::ContainerFormat => image.container_format.map_or("", ContainerFormat::name).to_owned(),
        SortKey::DiskFormat => image.disk_format.map_or("", DiskFormat::name).to_owned(),
        SortKey::Size => number(image.size.unwrap_or(0)),
        SortKey::Id => image.id.to_string(),
        SortKey::CreatedAt => image.created_at.sortable(),
        SortKey::UpdatedAt => time(image.updated_at),
    }
}

/// Text that sorts as it did, and holds nothing that sorts below or as the separator: of three letters that would, each becomes
/// two.
fn text(text: &str) -> String {
    let mut sortable = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{0}' => sortable.push_str("\u{2}\u{1}"),
            '\u{1}' => sortable.push_str("\u{2}\u{2}"),
            '\u{2}' => sortable.push_str("\u{2}\u{3}"),
            other => sortable.push(other),
        }
    }
    sortable
}

/// How many digits a time has in an index: enough until the year 4253. Rows have copies in every index, so what orders them
/// is as short as it can be.
const TIME_DIGITS: usize = 14;

fn time(at: Timestamp) -> String {
    format!("{:0TIME_DIGITS$x}", at.microseconds().max(0))
}

fn number(number: u64) -> String {
    format!("{number:016x}")
}

/// Sorts behind everything that begins with a separator, and before every other letter but itself, which others follow.
const BEHIND: char = '\u{2}';

/// The range of an order that holds every image with this value, and no other.
fn with_value(value: &str) -> RangeInclusive<String> {
    format!("{value}{SEPARATOR}")..=format!("{value}{BEHIND}")
}

/// The ranges of a sort key's order outside of which nothing is within bounds.
pub(super) fn ranges(sort: SortKey, bounds: &Bounds) -> Vec<RangeInclusive<String>> {
    match bounds {
        Bounds::Texts(texts) => texts.iter().map(|value| with_value(&text(value))).collect(),
        Bounds::Numbers(low, high) if low == high => vec![with_value(&number(*low))],
        Bounds::Numbers(low, high) => vec![number(*low)..=format!("{}{BEHIND}", number(*high))],
        // The default order is by the text of the time, then `#`, which `$` follows.
        Bounds::Times(low, high) if sort == SortKey::CreatedAt => {
            vec![low.sortable()..=format!("{}$", high.sortable())]
        }
        Bounds::Times(low, high) => vec![time(*low)..=format!("{}{BEHIND}", time(*high))],
    }
}

/// Where an image is, or was, among those that share the value a range is of.
pub(super) fn place_in(sort: SortKey, range: &RangeInclusive<String>, image: &Image) -> Position {
    let indexed = format!("{}{}", range.start(), time(image.created_at));
    Position { indexed: Some(indexed), ..place(sort, image) }
}

/// The place in the default order of a row that was read by the value of a range; `None` for a row of another value.
pub(super) fn default_place(kind: Rows, range: &RangeInclusive<String>, row: &Position) -> Option<String> {
    let time = row.indexed.as_deref()?.strip_prefix(range.start().as_str())?;
    if time.len() != TIME_DIGITS {
        return None;
    }
    match kind {
        Rows::Whole => Some(row.sort.clone()),
        Rows::References => {
            let at = Timestamp::from_microseconds(i64::from_str_radix(time, 16).ok()?);
            Some(format!("{}#{}", at.sortable(), row.sort))
        }
    }
}

/// The place before the first image of those that tie with one, in the direction of a walk.
pub(super) fn before_ties(order: Order, image: &Image) -> Position {
    let edge = |start: String, end: String| if order.descending { end } else { start };
    let here = place(order.key, image);
    match (order.key, here.indexed) {
        (SortKey::CreatedAt, _) => {
            let time = image.created_at.sortable();
            Position { sort: edge(format!("{time}#"), format!("{time}$")), indexed: None }
        }
        (key, Some(_)) => {
            let (start, end) = with_value(&value(key, image)).into_inner();
            Position { sort: here.sort, indexed: Some(edge(start, end)) }
        }
        (_, None) => Position { sort: here.sort, indexed: None },
    }
}
