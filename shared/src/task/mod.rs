//! What a task is: work that goes on after its request was answered, and what became of it. Pure.

mod input;
mod list;
pub mod schema;
mod status;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::id::{ImageId, ProjectId, RequestId, TaskId};
use crate::time::Timestamp;

pub use input::{MAX_INPUT_BYTES, NewTask};
pub use list::{Column, TaskFilter, TaskListRequest, TaskSort};
pub use status::TaskStatus;

/// A task (API reference, "Tasks").
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it does.
    pub kind: TaskType,
    /// Where it stands.
    pub status: TaskStatus,
    /// The project whose request it comes from.
    pub owner: Option<ProjectId>,
    /// The user whose request it comes from.
    pub user: Option<String>,
    /// The request it comes from.
    pub request: Option<RequestId>,
    /// The image it is about.
    pub image: Option<ImageId>,
    /// What it was told: an object, or null.
    pub input: Value,
    /// What it made: an object, or null.
    pub result: Value,
    /// What there is to say about it, for people; empty for nothing.
    pub message: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it will be forgotten if it has ended, and given up if it has not.
    pub due_at: Timestamp,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    /// Makes an image of what lies at a URL, as administrators ask for it by `POST /v2/tasks`.
    Import,
    /// Imports an image, as its owner asks for it by `POST /v2/images/{image_id}/import`.
    ApiImageImport,
    /// Takes an image's data where it lies, as asked for by `POST /v2/images/{image_id}/locations`.
    LocationImport,
}

impl TaskType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Import, Self::ApiImageImport, Self::LocationImport];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::ApiImageImport => "api_image_import",
            Self::LocationImport => "location_import",
        }
    }

    /// The type of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Task {
    /// The task at work; given up when nothing is heard of it by `due`.
    ///
    /// # Errors
    /// `Conflict` unless it is pending.
    pub fn begun(&self, now: Timestamp, due: Timestamp) -> Result<Self> {
        self.moved(TaskStatus::Processing, now, due)
    }

    /// The task done, with what it made. It is forgotten at `due`.
    ///
    /// # Errors
    /// `Conflict` unless it is at work.
    pub fn succeeded(&self, result: Value, now: Timestamp, due: Timestamp) -> Result<Self> {
        Ok(Self { result, ..self.moved(TaskStatus::Success, now, due)? })
    }

    /// The task failed, and why. It is forgotten at `due`.
    ///
    /// # Errors
    /// `Conflict` when it has ended already.
    pub fn failed(&self, message: &str, now: Timestamp, due: Timestamp) -> Result<Self> {
        Ok(Self { message: message.to_owned(), ..self.moved(TaskStatus::Failure, now, due)? })
    }

    fn moved(&self, status: TaskStatus, now: Timestamp, due: Timestamp) -> Result<Self> {
        Ok(Self { status: self.status.advance_to(status)?, updated_at: now, due_at: due, ..self.clone() })
    }

    /// When it will be forgotten, once it has ended.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.status.is_final().then_some(self.due_at)
    }

    /// Whether it is to be forgotten by now, and so not shown any more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|expires| expires <= now)
    }
}
