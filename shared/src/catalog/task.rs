//! Tasks, and what is written with them: a row that every change rewrites, for the orders by what changes; a row that is
//! written once for each order by what does not; one among its image's items; and a due row, so that it ends, and once it
//! has ended goes, whoever dies.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::image::Revision;
use super::record::{TaskRecord, TaskReference, at_revision, decode, encode};
use super::{Catalog, ChangeError, key};
use crate::error::Result;
use crate::id::{ImageId, TaskId};
use crate::ports::{Attributes, Change, Condition, Direction, Item, Key, Position, Query, Write};
use crate::task::{Column, Task, TaskFilter, TaskSort};
use crate::time::Timestamp;

/// The columns whose orders are read from the row that changes with its task.
const INDEXED: [Column; 3] = [Column::Status, Column::UpdatedAt, Column::ExpiresAt];

/// How many of an image's tasks a query reads.
const STEP: usize = 100;

/// A task as it was read: a change says what it was based on.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTask {
    /// The task.
    pub task: Task,
    revision: Revision,
}

/// A task that must be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTask {
    /// Not before this time.
    pub at: Timestamp,
    /// The task.
    pub id: TaskId,
}

impl Catalog {
    /// Writes a new task down. Cost: one write. `Lost` when the id is taken.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn create_task(&self, task: &Task) -> Result<StoredTask, ChangeError> {
        self.commit(created(task)?).await?;
        Ok(StoredTask { task: task.clone(), revision: Revision::FIRST })
    }

    /// Reads a task, expired ones included. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn task(&self, id: &TaskId) -> Result<Option<StoredTask>> {
        let Some(item) = self.table.get(&key::task(id)).await? else { return Ok(None) };
        stored(item.attributes).map(Some)
    }

    /// Writes a task over the one that was read. Its id, its image and whom it comes from stay as they are. Cost: one write. `Lost` when it has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn replace_task(&self, seen: &StoredTask, task: &Task) -> Result<StoredTask, ChangeError> {
        self.commit(replaced(seen, task)?).await?;
        Ok(StoredTask { task: task.clone(), revision: seen.revision.next() })
    }

    /// Opens a list of tasks, without what they were told and made, read as they are asked for.
    ///
    /// `after` is the task to start behind. `step` is how many rows a query reads (1 or more). Cost: one query for each
    /// `step` rows taken; in an order by what never changes, one read of each task more.
    pub fn tasks(
        &self,
        sort: TaskSort,
        filter: &TaskFilter,
        after: Option<&Task>,
        step: usize,
    ) -> TaskListing {
        let status = filter.status.filter(|_| sort.key == Column::CreatedAt);
        let index = key::task_index(if status.is_some() { Column::Status } else { sort.key });
        let after = after.map(|task| Position {
            sort: key::task_row(sort.key, task).sort,
            indexed: index.map(|_| {
                status
                    .map_or_else(|| key::task_indexed(sort.key, task), |status| key::task_among(status, task))
            }),
        });
        let query = Query {
            partition: key::tasks(sort.key),
            index,
            range: status.map(key::tasks_of),
            direction: if sort.descending { Direction::Descending } else { Direction::Ascending },
            after,
            limit: step.max(1),
        };
        let references = Column::FIXED.contains(&sort.key);
        TaskListing { query, references, rows: VecDeque::new(), more: true, catalog: self.clone() }
    }

    /// Reads an image's tasks, oldest first, expired ones included. Cost: one query and a read of each task.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn image_tasks(&self, image: &ImageId) -> Result<Vec<Task>> {
        let (partition, range) = key::image_tasks(image);
        let mut query = Query { range: Some(range), ..Query::partition(partition, STEP) };
        let mut tasks = Vec::new();
        loop {
            let page = self.table.query(&query).await?;
            query.after =
                page.items.last().map(|item| Position { sort: item.key.sort.clone(), indexed: None });
            tasks.extend(self.referred(page.items).await?);
            if !page.more {
                return Ok(tasks);
            }
        }
    }

    /// Reads which tasks are due by a time, oldest first, behind `after`: at most `limit`. Cost: one query.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn due_tasks(
        &self,
        by: Timestamp,
        after: Option<&DueTask>,
        limit: usize,
    ) -> Result<Vec<DueTask>> {
        let query = Query {
            range: Some(String::from("0")..=key::due_until(by)),
            after: after.map(|due| Position { sort: key::due_task(due.at, &due.id).sort, indexed: None }),
            ..Query::partition(key::due_tasks(), limit)
        };
        let page = self.table.query(&query).await?;
        let due = |item: Item| {
            let TaskReference { id, at } = decode(item.attributes)?;
            Ok(DueTask { at: at.unwrap_or(by), id })
        };
        page.items.into_iter().map(due).collect()
    }

    /// Forgets a task and every row that names it. Cost: one write. `Lost` when it has changed since.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn forget_task(&self, seen: &StoredTask) -> Result<(), ChangeError> {
        let StoredTask { task, revision } = seen;
        let gone = |key| Change::Remove(key, Condition::Always);
        let mut write =
            Write::default().with(Change::Remove(key::task(&task.id), at_revision(revision.number())));
        write
            .extend([key::task_row(Column::CreatedAt, task), key::due_task(task.due_at, &task.id)].map(gone));
        write.extend(references(task).map(gone));
        self.commit(write).await
    }

    /// Forgets that a task was due. Cost: one write.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn settle_task(&self, due: &DueTask) -> Result<(), ChangeError> {
        let row = Change::Remove(key::due_task(due.at, &due.id), Condition::Always);
        self.commit(Write::default().with(row)).await
    }

    /// The tasks that rows name, in the rows' order. One that was forgotten meanwhile is left out.
    async fn referred(&self, rows: Vec<Item>) -> Result<Vec<Task>> {
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(decode::<TaskReference>(row.attributes)?.id);
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = ids.iter().map(key::task).collect();
        let mut found = HashMap::with_capacity(ids.len());
        for item in self.table.get_batch(&keys).await? {
            let StoredTask { task, .. } = stored(item.attributes)?;
            found.insert(task.id.clone(), task);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

fn stored(attributes: Attributes) -> Result<StoredTask> {
    let record: TaskRecord = decode(attributes)?;
    Ok(StoredTask { revision: Revision::of(record.revision), task: record.try_into()? })
}

/// What is written of a new task.
pub(super) fn created(task: &Task) -> Result<Write> {
    let mut write = written(task, Revision::FIRST, Condition::Absent)?;
    for key in references(task) {
        write.extend([put_reference(key, task, None)?]);
    }
    write.extend([put_due(task)?]);
    Ok(write)
}

/// What is written over a task that was read.
pub(super) fn replaced(seen: &StoredTask, task: &Task) -> Result<Write> {
    let mut write = written(task, seen.revision.next(), at_revision(seen.revision.number()))?;
    if task.due_at != seen.task.due_at {
        let due = key::due_task(seen.task.due_at, &task.id);
        write.extend([Change::Remove(due, Condition::Always), put_due(task)?]);
    }
    Ok(write)
}

/// The record, and the row that changes with it.
fn written(task: &Task, revision: Revision, condition: Condition) -> Result<Write> {
    let record = encode(&TaskRecord::new(task, revision.number()))?;
    let mut row = encode(&TaskRecord::stub(task, 0))?;
    for (index, column) in INDEXED.into_iter().filter_map(|column| Some((key::task_index(column)?, column))) {
        row.insert(index.name().to_owned(), key::task_indexed(column, task).into());
    }
    let row = Item { key: key::task_row(Column::CreatedAt, task), attributes: row };
    Ok(Write::default()
        .with(Change::Put(Item { key: key::task(&task.id), attributes: record }, condition))
        .with(Change::Put(row, Condition::Always)))
}

/// Where rows lie that only name the task, for its whole life.
fn references(task: &Task) -> impl Iterator<Item = Key> {
    let of_image = task.image.as_ref().map(|image| key::image_task(image, task));
    Column::FIXED.into_iter().map(|column| key::task_row(column, task)).chain(of_image)
}

fn put_due(task: &Task) -> Result<Change> {
    put_reference(key::due_task(task.due_at, &task.id), task, Some(task.due_at))
}

fn put_reference(key: Key, task: &Task, at: Option<Timestamp>) -> Result<Change> {
    let attributes = encode(&TaskReference { id: task.id.clone(), at })?;
    Ok(Change::Put(Item { key, attributes }, Condition::Always))
}

/// An open list of tasks.
#[derive(Debug)]
pub struct TaskListing {
    query: Query,
    references: bool,
    rows: VecDeque<Task>,
    more: bool,
    catalog: Catalog,
}

impl TaskListing {
    /// The next task, or `None` at the end.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn next(&mut self) -> Result<Option<Task>> {
        while self.rows.is_empty() && self.more {
            let page = self.catalog.table.query(&self.query).await?;
            self.more = page.more;
            if let Some(last) = page.items.last() {
                let indexed = self.query.index.map(|index| text(&last.attributes, index.name()).to_owned());
                self.query.after = Some(Position { sort: last.key.sort.clone(), indexed });
            }
            self.rows = if self.references {
                self.catalog.referred(page.items).await?.into()
            } else {
                let rows = page.items.into_iter().map(|row| Ok(stored(row.attributes)?.task));
                rows.collect::<Result<_>>()?
            };
        }
        Ok(self.rows.pop_front())
    }
}

fn text<'a>(attributes: &'a Attributes, name: &str) -> &'a str {
    attributes.get(name).and_then(Value::as_str).unwrap_or_default()
}
