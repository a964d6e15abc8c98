//! Keys of tasks.

use std::ops::RangeInclusive;

use super::{SEPARATOR, key, with_value};
use crate::id::{ImageId, TaskId};
use crate::ports::{Index, Key};
use crate::task::{Column, Task, TaskStatus};
use crate::time::Timestamp;

/// A task's record.
pub(in crate::catalog) fn task(id: &TaskId) -> Key {
    key(format!("task#{id}"), "record")
}

/// What names a task among its image's items.
pub(in crate::catalog) fn image_task(image: &ImageId, task: &Task) -> Key {
    key(format!("image#{image}"), format!("{IMAGE_TASK}{}", task_place(task)))
}

const IMAGE_TASK: &str = "task#";

/// The partition of an image's items, and the range of it that names tasks.
pub(in crate::catalog) fn image_tasks(image: &ImageId) -> (String, RangeInclusive<String>) {
    (format!("image#{image}"), IMAGE_TASK.to_owned()..="task$".to_owned())
}

/// The partition of the tasks' rows, in the order of a column. Those that change in a task's life are orders of one
/// partition; each of the others has its own, whose rows are written once.
pub(in crate::catalog) fn tasks(order: Column) -> String {
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
pub(in crate::catalog) fn task_row(order: Column, task: &Task) -> Key {
    let sort = if Column::FIXED.contains(&order) { task_indexed(order, task) } else { task_place(task) };
    key(tasks(order), sort)
}

/// A task's place in the default order.
fn task_place(task: &Task) -> String {
    format!("{}#{}", task.created_at.sortable(), task.id)
}

/// The index that a column's order is read from, where it is not that of sort keys.
pub(in crate::catalog) fn task_index(order: Column) -> Option<Index> {
    match order {
        Column::Status => Some(Index::First),
        Column::UpdatedAt => Some(Index::Second),
        Column::ExpiresAt => Some(Index::Third),
        _ => None,
    }
}

/// A task's place in the order of a column: what it orders by, as far as it fits in a key, then its place in the default
/// order.
pub(in crate::catalog) fn task_indexed(order: Column, task: &Task) -> String {
    let value = order.value(task);
    let most = value.floor_char_boundary(900);
    format!("{}{SEPARATOR}{}", value.get(..most).unwrap_or_default(), task_place(task))
}

/// The range of the order by status that holds exactly the tasks of one.
pub(in crate::catalog) fn tasks_of(status: TaskStatus) -> RangeInclusive<String> {
    with_value(status.name())
}

/// Where a task lies in the range of its filter's status, whatever its own is by now.
pub(in crate::catalog) fn task_among(status: TaskStatus, task: &Task) -> String {
    format!("{}{SEPARATOR}{}", status.name(), task_place(task))
}

/// The partition of tasks that are to be forgotten.
pub(in crate::catalog) fn due_tasks() -> String {
    "due#task#0".to_owned()
}

/// That a task is to be forgotten, and when.
pub(in crate::catalog) fn due_task(at: Timestamp, id: &TaskId) -> Key {
    key(due_tasks(), format!("{}#{id}", at.sortable()))
}
