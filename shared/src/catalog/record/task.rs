//! The shapes of a task's items.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_default;
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId, RequestId, TaskId};
use crate::task::{Task, TaskStatus, TaskType};
use crate::time::Timestamp;

/// The shape written today. A reader knows every shape up to it; a past one keeps a golden file.
const SCHEMA: u32 = 1;

/// A task as it lies in the table. Times are microseconds since 1970; what is unset is left out. What the task was told
/// and what it made are JSON in a text: an attribute takes neither every number nor every depth.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskRecord {
    schema: u32,
    #[serde(default)]
    pub(crate) revision: i64,
    id: TaskId,
    #[serde(rename = "type")]
    kind: TaskType,
    status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<ProjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<ImageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    message: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Not `expires_at`: by that name the table forgets items on its own, and knows nothing of the rows beside them.
    due_at: Timestamp,
}

impl TaskRecord {
    pub(crate) fn new(task: &Task, revision: i64) -> Self {
        Self {
            input: text(&task.input),
            result: text(&task.result),
            message: task.message.clone(),
            ..Self::stub(task, revision)
        }
    }

    /// The record without what may be long, as a list shows it.
    pub(crate) fn stub(task: &Task, revision: i64) -> Self {
        let task = task.clone();
        Self {
            schema: SCHEMA,
            revision,
            id: task.id,
            kind: task.kind,
            status: task.status,
            owner: task.owner,
            user: task.user,
            request: task.request,
            image: task.image,
            input: None,
            result: None,
            message: String::new(),
            created_at: task.created_at,
            updated_at: task.updated_at,
            due_at: task.due_at,
        }
    }
}

fn text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

fn value(text: Option<String>) -> Result<Value> {
    text.map_or(Ok(Value::Null), |text| serde_json::from_str(&text).map_err(Error::internal))
}

impl TryFrom<TaskRecord> for Task {
    type Error = Error;

    fn try_from(record: TaskRecord) -> Result<Self> {
        Ok(Self {
            id: record.id,
            kind: record.kind,
            status: record.status,
            owner: record.owner,
            user: record.user,
            request: record.request,
            image: record.image,
            input: value(record.input)?,
            result: value(record.result)?,
            message: record.message,
            created_at: record.created_at,
            updated_at: record.updated_at,
            due_at: record.due_at,
        })
    }
}

/// What names a task elsewhere than at its record: in an order of the list, among an image's items, among what is due.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskReference {
    pub(crate) id: TaskId,
    /// When it is due; left out where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Timestamp>,
}
