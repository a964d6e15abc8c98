//! Every key of the table, and the attributes that order listing rows. No other file builds one.

use super::scope::Scope;
use crate::id::{ImageId, ProjectId, TaskId};
use crate::image::{Image, SortKey};
use crate::ports::{Index, Key};
use crate::store::ObjectKey;
use crate::task::{Column, Task, TaskStatus};
use crate::time::Timestamp;

/// Sorts below every character a name is likely to hold, so that `web` comes before `web-base` whatever follows.
const SEPARATOR: char = '\u{1}';

fn key(partition: String, sort: impl Into<String>) -> Key {
    Key { partition, sort: sort.into() }
}

/// An image's record.
pub(super) fn image(id: &ImageId) -> Key {
    key(format!("image#{id}"), "record")
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
pub(super) fn members() -> std::ops::RangeInclusive<String> {
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

/// A listing row.
pub(super) fn listing(scope: &Scope, shards: u32, image: &Image) -> Key {
    key(listing_partition(scope, shard_of(scope, shards, &image.id)), listing_sort(image))
}

/// The partition of one shard of a scope.
pub(super) fn listing_partition(scope: &Scope, shard: u32) -> String {
    match scope {
        Scope::All => format!("list#all#{shard}"),
        Scope::Public => format!("list#public#{shard}"),
        Scope::Community => format!("list#community#{shard}"),
        Scope::Owner(project) => format!("list#owner#{project}#{shard}"),
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

/// The index that a sort key's order is read from; `None` is the default order, which needs none.
pub(super) fn index(sort: SortKey) -> Option<Index> {
    match sort {
        SortKey::CreatedAt => None,
        SortKey::Name => Some(Index::First),
        SortKey::Status => Some(Index::Second),
        SortKey::Size => Some(Index::Third),
        SortKey::UpdatedAt => Some(Index::Fourth),
    }
}

/// An image's place in an index: what it orders by, then its place in the default order. Unset counts as empty or 0.
pub(super) fn indexed(index: Index, image: &Image) -> String {
    let leading = match index {
        Index::First => image.name.clone().unwrap_or_default(),
        Index::Second => image.status.name().to_owned(),
        Index::Third => format!("{:020}", image.size.unwrap_or(0)),
        Index::Fourth => image.updated_at.sortable(),
    };
    format!("{leading}{SEPARATOR}{}", listing_sort(image))
}

/// The range of the name index that holds exactly the images of one name.
pub(super) fn named(name: &str) -> std::ops::RangeInclusive<String> {
    let end = char::from_u32(u32::from(SEPARATOR) + 1).unwrap_or(SEPARATOR);
    format!("{name}{SEPARATOR}")..=format!("{name}{end}")
}

/// A task's record.
pub(super) fn task(id: &TaskId) -> Key {
    key(format!("task#{id}"), "record")
}

/// What names a task among its image's items.
pub(super) fn image_task(image: &ImageId, task: &Task) -> Key {
    key(format!("image#{image}"), format!("{IMAGE_TASK}{}", task_place(task)))
}

const IMAGE_TASK: &str = "task#";

/// The partition of an image's items, and the range of it that names tasks.
pub(super) fn image_tasks(image: &ImageId) -> (String, std::ops::RangeInclusive<String>) {
    (format!("image#{image}"), IMAGE_TASK.to_owned()..="task$".to_owned())
}

/// The partition of the tasks' rows, in the order of a column. Those that change in a task's life are orders of one
/// partition; each of the others has its own, whose rows are written once.
pub(super) fn tasks(order: Column) -> String {
    match order {
        Column::CreatedAt | Column::UpdatedAt | Column::ExpiresAt | Column::Status => {
            "list#task#0".to_owned()
        }
        Column::Type => "list#task-type#0".to_owned(),
        Column::Id => "list#task-id#0".to_owned(),
        Column::Owner => "list#task-owner#0".to_owned(),
        Column::ImageId => "list#task-image#0".to_owned(),
        Column::RequestId => "list#task-request#0".to_owned(),
        Column::UserId => "list#task-user#0".to_owned(),
    }
}

/// A task's row in the order of a column.
pub(super) fn task_row(order: Column, task: &Task) -> Key {
    let sort = if Column::FIXED.contains(&order) { task_indexed(order, task) } else { task_place(task) };
    key(tasks(order), sort)
}

/// A task's place in the default order.
fn task_place(task: &Task) -> String {
    format!("{}#{}", task.created_at.sortable(), task.id)
}

/// The index that a column's order is read from, where it is not that of sort keys.
pub(super) fn task_index(order: Column) -> Option<Index> {
    match order {
        Column::Status => Some(Index::First),
        Column::UpdatedAt => Some(Index::Second),
        Column::ExpiresAt => Some(Index::Third),
        _ => None,
    }
}

/// A task's place in the order of a column: what it orders by, as far as it fits in a key, then its place in the default
/// order.
pub(super) fn task_indexed(order: Column, task: &Task) -> String {
    let value = order.value(task);
    let most = value.floor_char_boundary(900);
    format!("{}{SEPARATOR}{}", value.get(..most).unwrap_or_default(), task_place(task))
}

/// The range of the order by status that holds exactly the tasks of one.
pub(super) fn tasks_of(status: TaskStatus) -> std::ops::RangeInclusive<String> {
    named(status.name())
}

/// Where a task lies in the range of its filter's status, whatever its own is by now.
pub(super) fn task_among(status: TaskStatus, task: &Task) -> String {
    format!("{}{SEPARATOR}{}", status.name(), task_place(task))
}

/// The partition of tasks that are to be forgotten.
pub(super) fn due_tasks() -> String {
    "due#task#0".to_owned()
}

/// That a task is to be forgotten, and when.
pub(super) fn due_task(at: Timestamp, id: &TaskId) -> Key {
    key(due_tasks(), format!("{}#{id}", at.sortable()))
}
