//! Tasks: what `POST /v2/tasks` asks for, what imports report, and what people read of both.
//!
//! `create`, `begin`, `succeed` and `fail` are a task's life; whoever works on one calls them, and no client can.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::progress::{StoreProgress, progress};
use super::{ATTEMPTS, Context, Images, ImportCall, Imports};
use crate::catalog::{ChangeError, StoredTask};
use crate::egress::Rules;
use crate::error::{Error, Result};
use crate::id::{ImageId, RequestId, TaskId};
use crate::identity::Caller;
use crate::image::PageLimits;
use crate::policy::{Operation, Target};
use crate::task::{NewTask, Task, TaskListRequest, TaskStatus, TaskType};
use crate::time::Timestamp;

/// How many rows one request looks at, at the most. A filter that matches almost nothing answers a short page with a
/// `next` link.
const MAX_ROWS: usize = 10_000;

/// How many rows a query reads when many of them may fail the filter.
const FILTERED_STEP: usize = 250;

/// Operations on tasks.
#[derive(Clone, Debug)]
pub struct Tasks {
    context: Context,
    settings: TasksSettings,
    importing: Option<Arc<(Images, Imports)>>,
}

/// What is configured about tasks.
#[derive(Clone, Debug)]
pub struct TasksSettings {
    /// How long a task is kept once it has ended.
    pub time_to_live: Duration,
    /// How long pages of a list are.
    pub pages: PageLimits,
    /// What may be fetched from.
    pub sources: Arc<Rules>,
}

/// A page of a list of tasks. They come without what they were told and made.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPage {
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    /// The marker of the page that follows, unless this is known to be the last.
    pub next: Option<TaskId>,
}

impl Tasks {
    /// Operations in a context.
    pub fn new(context: Context, settings: TasksSettings) -> Self {
        Self { context, settings, importing: None }
    }

    /// The same, with what makes images and has their data imported.
    #[must_use]
    pub fn importing(self, images: Images, imports: Imports) -> Self {
        Self { importing: Some(Arc::new((images, imports))), ..self }
    }

    /// How long pages of a list are.
    pub fn pages(&self) -> PageLimits {
        self.settings.pages
    }

    /// Takes a task from an administrator (`POST /v2/tasks`): an image is made of its properties, and what lies at a URL becomes its
    /// data, as by `web-download`. What cannot be begun ends the task as failed, and it says why. Cost: a write, then as
    /// [`Images::create`] and [`Imports::import`]. A second run is a second task.
    ///
    /// # Errors
    /// `Forbidden` before anything else; `Invalid`, `LimitExceeded` as [`NewTask::parse`] says.
    pub async fn submit(&self, call: &ImportCall<'_>, body: Value) -> Result<Task> {
        self.check_for(Operation::AddTask, call.caller)?;
        let NewTask { kind, input } = NewTask::parse(body, &self.settings.sources)?;
        let task = self.create(call.caller, call.request, kind, None, input).await?;
        let shown = task.task.clone();
        if let Err(error) = self.begin_import(call, &task).await {
            self.fail(task, &error.to_string()).await?;
        }
        // The answer is the task as it was taken; what became of it is to be asked for, as ever.
        Ok(shown)
    }

    /// Makes the image of a task, and has its data imported. Without that it is not left behind.
    async fn begin_import(&self, call: &ImportCall<'_>, task: &StoredTask) -> Result<()> {
        let Some((images, imports)) = self.importing.as_deref().filter(|(_, imports)| imports.downloads())
        else {
            return Err(Error::Conflict(NO_IMPORT.to_owned()));
        };
        let input = &task.task.input;
        let properties = input.get("image_properties").cloned().unwrap_or_else(|| json!({}));
        let image = images.create(call.caller, properties).await?;
        let body = json!({ "method": { "name": "web-download", "uri": input.get("import_from") } });
        let begun = imports.import_by(call, &image.id, &body, Some(task)).await;
        if begun.is_err()
            && let Err(error) = images.delete(call.caller, &image.id).await
        {
            tracing::warn!(image = %image.id, %error, "the image of a task that failed is left");
        }
        begun
    }

    /// Shows a task (`GET /v2/tasks/{task_id}`). Cost: one read.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when it is absent or has expired.
    pub async fn show(&self, caller: &Caller, id: &str) -> Result<Task> {
        self.check_for(Operation::GetTask, caller)?;
        let absent = || Error::NotFound(format!("No task found with ID {id}"));
        let id = id.parse::<TaskId>().map_err(|_| absent())?;
        let found = self.context.catalog.task(&id).await?.map(|stored| stored.task);
        found.filter(|task| !task.is_expired(self.context.clock.now())).ok_or_else(absent)
    }

    /// Lists tasks (`GET /v2/tasks`). Cost: one query, and one read when there is a marker; a filter may cost a query for
    /// each 250 rows it passes over, at most 10,000 rows; an order by what never changes, a read of each task.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` when the marker is no task.
    pub async fn list(&self, caller: &Caller, request: &TaskListRequest) -> Result<TaskPage> {
        self.check_for(Operation::GetTasks, caller)?;
        let marker = match &request.marker {
            Some(id) => Some(self.marker(id).await?),
            None => None,
        };
        let mut page = TaskPage { tasks: Vec::new(), next: None };
        if request.limit == 0 {
            return Ok(page);
        }
        let filter = &request.filter;
        let step = if filter.is_selective() { request.limit.max(FILTERED_STEP) } else { request.limit };
        let now = self.context.clock.now();
        let mut listing = self.context.catalog.tasks(request.sort, filter, marker.as_ref(), step);
        let mut rows = 0;
        while let Some(task) = listing.next().await? {
            rows += 1;
            let id = task.id.clone();
            if filter.matches(&task) && !task.is_expired(now) {
                page.tasks.push(task);
            }
            if page.tasks.len() == request.limit || rows == MAX_ROWS {
                page.next = Some(id);
                break;
            }
        }
        Ok(page)
    }

    /// Says that no task is ever deleted by a request (`DELETE /v2/tasks/{task_id}`). Costs nothing.
    ///
    /// # Errors
    /// `Forbidden`, else always `Unsupported`.
    pub fn delete(&self, caller: &Caller) -> Result<()> {
        self.check(caller)?;
        Err(Error::Unsupported {
            message: "Tasks cannot be deleted: each goes by itself at the time its expires_at tells."
                .to_owned(),
            offered: "GET",
        })
    }

    /// Lists what was done and is being done to an image, oldest first (`GET /v2/images/{image_id}/tasks`), and who asked for an import, or is an
    /// administrator, how far its stores are. Cost: one read, one query and a read of each task, and of each store that is being filled.
    ///
    /// # Errors
    /// `NotFound` when the image is absent or the caller may not see it.
    pub async fn of_image(
        &self,
        caller: &Caller,
        id: &ImageId,
    ) -> Result<Vec<(Task, Option<Vec<StoreProgress>>)>> {
        let seen = super::find(&self.context, Operation::GetImage, caller, id).await?;
        let now = self.context.clock.now();
        let mut tasks = Vec::new();
        for task in self.context.catalog.image_tasks(id).await? {
            if task.is_expired(now) {
                continue;
            }
            let progress = if self.may_know(caller, &task) {
                progress(&self.context.catalog, &seen.image, &task).await?
            } else {
                None
            };
            tasks.push((task, progress));
        }
        Ok(tasks)
    }

    /// Tells administrators how far the stores of an import's task are, while it goes on. Cost: a read of the image, and of each store that is being
    /// filled; nothing for another task.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn progress(&self, task: &Task) -> Result<Option<Vec<StoreProgress>>> {
        let Some(image) = task.image.as_ref().filter(|_| !task.status.is_final()) else { return Ok(None) };
        match self.context.catalog.find(image).await? {
            Some(seen) => progress(&self.context.catalog, &seen.image, task).await,
            None => Ok(None),
        }
    }

    /// Where images are stored is for their owners.
    fn may_know(&self, caller: &Caller, task: &Task) -> bool {
        let owns = task.owner.is_some() && task.owner.as_ref() == caller.project();
        owns || self.context.policy.is_admin(caller)
    }

    /// Writes a pending task down. Cost: one write.
    ///
    /// # Errors
    /// `LimitExceeded` for an input too large to keep, or a fault of the table.
    pub async fn create(
        &self,
        caller: &Caller,
        request: &RequestId,
        kind: TaskType,
        image: Option<ImageId>,
        input: Value,
    ) -> Result<StoredTask> {
        let now = self.context.clock.now();
        let task = Task {
            id: self.context.ids.task_id(),
            kind,
            status: TaskStatus::Pending,
            owner: caller.project().cloned(),
            user: caller.user().map(str::to_owned),
            request: Some(request.clone()),
            image,
            input,
            result: Value::Null,
            message: String::new(),
            created_at: now,
            updated_at: now,
            due_at: now.plus(self.settings.time_to_live),
        };
        match self.context.catalog.create_task(&task).await {
            Ok(stored) => Ok(stored),
            Err(ChangeError::Lost) => Err(Error::internal("a new task's id is taken")),
            Err(ChangeError::Table(error)) => Err(error),
        }
    }

    /// Notes that work on a task has begun. Cost: one write.
    ///
    /// # Errors
    /// `Conflict` when it is not pending any more; `Stale` when others keep changing it.
    pub async fn begin(&self, task: StoredTask) -> Result<StoredTask> {
        let life = self.settings.time_to_live;
        self.change(task, |task, now| task.begun(now, now.plus(life))).await
    }

    /// Notes that a task is done, and what it made. Cost: one write.
    ///
    /// # Errors
    /// `Conflict` when it is not at work; `Stale` when others keep changing it.
    pub async fn succeed(&self, task: StoredTask, result: Value) -> Result<StoredTask> {
        let life = self.settings.time_to_live;
        self.change(task, |task, now| task.succeeded(result.clone(), now, now.plus(life))).await
    }

    /// Notes that a task was given up, and why, in words for people. Cost: one write.
    ///
    /// # Errors
    /// `Conflict` when it has ended already; `Stale` when others keep changing it.
    pub async fn fail(&self, task: StoredTask, message: &str) -> Result<StoredTask> {
        let life = self.settings.time_to_live;
        self.change(task, |task, now| task.failed(message, now, now.plus(life))).await
    }

    /// Changes a task by a rule, again on what is there whenever somebody else came first.
    async fn change(
        &self,
        mut seen: StoredTask,
        rule: impl Fn(&Task, Timestamp) -> Result<Task> + Send,
    ) -> Result<StoredTask> {
        let id = seen.task.id.clone();
        for _ in 0..ATTEMPTS {
            let changed = rule(&seen.task, self.context.clock.now())?;
            match self.context.catalog.replace_task(&seen, &changed).await {
                Ok(stored) => return Ok(stored),
                Err(ChangeError::Table(error)) => return Err(error),
                Err(ChangeError::Lost) => {
                    let found = self.context.catalog.task(&id).await?;
                    seen = found.ok_or_else(|| Error::NotFound(format!("No task found with ID {id}")))?;
                }
            }
        }
        Err(Error::Stale(format!("task {id} is being changed by other requests, try again")))
    }

    async fn marker(&self, id: &TaskId) -> Result<Task> {
        let found = self.context.catalog.task(id).await?;
        let expected = || Error::Invalid(format!("marker: must be the id of a task, and {id} is not"));
        found.map(|stored| stored.task).ok_or_else(expected)
    }

    /// Lets the caller through to tasks, whatever is asked for.
    ///
    /// # Errors
    /// `Forbidden` when the rule refuses.
    pub fn check(&self, caller: &Caller) -> Result<()> {
        self.context.policy.check(Operation::TasksApiAccess, caller, Target::own())
    }

    /// Lets the caller through to one operation on tasks.
    fn check_for(&self, operation: Operation, caller: &Caller) -> Result<()> {
        self.check(caller)?;
        self.context.policy.check(operation, caller, Target::own())
    }
}

/// Why an import ends as soon as it was taken.
const NO_IMPORT: &str = "Import is not available: no method of import is enabled in this deployment.";
