//! Tasks as the API shows them (schemas `task` and `tasks`), and as it tells what was done to an image.

use serde::Serialize;
use serde_json::Value;
use shared::operations::{StoreProgress, TaskPage};
use shared::task::Task;
use shared::time::Timestamp;

/// A task in a list.
#[derive(Debug, Serialize)]
pub(crate) struct TaskStubView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    owner: Option<String>,
    image_id: Option<String>,
    request_id: Option<String>,
    user_id: Option<String>,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(rename = "self")]
    this: String,
    schema: &'static str,
}

/// One task.
#[derive(Debug, Serialize)]
pub(crate) struct TaskView {
    #[serde(flatten)]
    stub: TaskStubView,
    input: Value,
    result: Value,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<Vec<StoreProgressView>>,
}

/// How far a store of an import is.
#[derive(Debug, Serialize)]
struct StoreProgressView {
    id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

fn stores(progress: Option<Vec<StoreProgress>>) -> Option<Vec<StoreProgressView>> {
    let view = |StoreProgress { store, state, bytes }| StoreProgressView {
        id: store.as_str().to_owned(),
        status: state,
        bytes,
    };
    Some(progress?.into_iter().map(view).collect())
}

impl From<Task> for TaskStubView {
    fn from(task: Task) -> Self {
        Self {
            this: format!("/v2/tasks/{}", task.id),
            kind: task.kind.name(),
            status: task.status.name(),
            expires_at: task.expires_at().map(|time| time.to_string()),
            created_at: task.created_at.to_string(),
            updated_at: task.updated_at.to_string(),
            id: task.id.into(),
            owner: task.owner.map(String::from),
            image_id: task.image.map(String::from),
            request_id: task.request.map(String::from),
            user_id: task.user,
            schema: "/v2/schemas/task",
        }
    }
}

impl From<Task> for TaskView {
    fn from(mut task: Task) -> Self {
        let (input, result) = (task.input.take(), task.result.take());
        let message = std::mem::take(&mut task.message);
        Self { stub: task.into(), input, result, message, stores: None }
    }
}

impl TaskView {
    /// The same, with how far the stores of its import are.
    pub(crate) fn told(self, progress: Option<Vec<StoreProgress>>) -> Self {
        Self { stores: stores(progress), ..self }
    }
}

/// A page of a list, with the links of its neighbours.
#[derive(Debug, Serialize)]
pub(crate) struct TasksView {
    tasks: Vec<TaskStubView>,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    schema: &'static str,
}

impl TasksView {
    /// The page that answers a query. Links repeat the query; only the marker differs.
    pub(crate) fn new(page: TaskPage, query: &[(String, String)]) -> Self {
        let first = link(query, None);
        let next = page.next.map(|marker| link(query, Some(marker.as_str())));
        let tasks = page.tasks.into_iter().map(TaskStubView::from).collect();
        Self { tasks, first, next, schema: "/v2/schemas/tasks" }
    }
}

fn link(query: &[(String, String)], marker: Option<&str>) -> String {
    let kept =
        query.iter().map(|(key, value)| (key.as_str(), value.as_str())).filter(|(key, _)| *key != "marker");
    let marker = marker.map(|marker| ("marker", marker));
    let mut link = form_urlencoded::Serializer::new(String::new());
    let query = link.extend_pairs(kept.chain(marker)).finish();
    if query.is_empty() { "/v2/tasks".to_owned() } else { format!("/v2/tasks?{query}") }
}

/// What was done to an image.
#[derive(Debug, Serialize)]
pub(crate) struct ImageTasksView {
    tasks: Vec<ImageTaskView>,
}

/// A task of an image: as a row of Glance's database, times and all.
#[derive(Debug, Serialize)]
struct ImageTaskView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    owner: Option<String>,
    expires_at: Option<String>,
    created_at: String,
    updated_at: String,
    deleted_at: Option<String>,
    deleted: bool,
    image_id: Option<String>,
    request_id: Option<String>,
    user_id: Option<String>,
    input: Value,
    result: Value,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<Vec<StoreProgressView>>,
}

impl ImageTasksView {
    /// Each with how far the stores of its import are, where that is told.
    pub(crate) fn new(tasks: Vec<(Task, Option<Vec<StoreProgress>>)>) -> Self {
        let view = |(task, progress)| ImageTaskView { stores: stores(progress), ..ImageTaskView::from(task) };
        Self { tasks: tasks.into_iter().map(view).collect() }
    }
}

impl From<Task> for ImageTaskView {
    fn from(task: Task) -> Self {
        Self {
            kind: task.kind.name(),
            status: task.status.name(),
            expires_at: task.expires_at().map(raw),
            created_at: raw(task.created_at),
            updated_at: raw(task.updated_at),
            deleted_at: None,
            deleted: false,
            id: task.id.into(),
            owner: task.owner.map(String::from),
            image_id: task.image.map(String::from),
            request_id: task.request.map(String::from),
            user_id: task.user,
            input: task.input,
            result: task.result,
            message: task.message,
            stores: None,
        }
    }
}

/// A time as a row of a database has it: to the microsecond, without its zone.
fn raw(time: Timestamp) -> String {
    time.sortable().trim_end_matches('Z').to_owned()
}
