//! What a list of tasks asks for: filters, order, page (API reference, "List tasks").

use super::{Task, TaskStatus, TaskType};
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::image::PageLimits;

/// A list request, read from its query.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskListRequest {
    /// Which tasks.
    pub filter: TaskFilter,
    /// In which order.
    pub sort: TaskSort,
    /// At most this many; 0 asks for none.
    pub limit: usize,
    /// Start behind this task.
    pub marker: Option<TaskId>,
}

/// Which tasks a list answers: those whose columns have these values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// The status asked for: such lists are read by status.
    pub status: Option<TaskStatus>,
    /// Columns and their values.
    values: Vec<(Column, String)>,
}

/// The order of a list. Ties are broken by `created_at`, then `id`, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSort {
    /// What orders.
    pub key: Column,
    /// Largest first.
    pub descending: bool,
}

/// What a task can be ordered and found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// When it was asked for.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it will be forgotten.
    ExpiresAt,
    /// Status, by its name.
    Status,
    /// Type, by its name.
    Type,
    /// Id.
    Id,
    /// Project.
    Owner,
    /// Image.
    ImageId,
    /// Request.
    RequestId,
    /// User.
    UserId,
}

impl Column {
    /// The columns whose value is the same for a task's whole life, but for `created_at`.
    pub const FIXED: [Self; 6] =
        [Self::Type, Self::Id, Self::Owner, Self::ImageId, Self::RequestId, Self::UserId];

    /// What a task has there, as a text that sorts as the value does; empty for nothing.
    pub fn value(self, task: &Task) -> String {
        match self {
            Self::CreatedAt => task.created_at.sortable(),
            Self::UpdatedAt => task.updated_at.sortable(),
            Self::ExpiresAt => task.expires_at().map(crate::time::Timestamp::sortable).unwrap_or_default(),
            Self::Status => task.status.name().to_owned(),
            Self::Type => task.kind.name().to_owned(),
            Self::Id => task.id.to_string(),
            Self::Owner => task.owner.clone().map(String::from).unwrap_or_default(),
            Self::ImageId => task.image.clone().map(String::from).unwrap_or_default(),
            Self::RequestId => task.request.clone().map(String::from).unwrap_or_default(),
            Self::UserId => task.user.clone().unwrap_or_default(),
        }
    }

    fn parse(key: &str) -> Option<Self> {
        Some(match key {
            // A task that is listed is not deleted: these two order nothing.
            "created_at" | "deleted" | "deleted_at" => Self::CreatedAt,
            "updated_at" => Self::UpdatedAt,
            "expires_at" => Self::ExpiresAt,
            "status" => Self::Status,
            "type" => Self::Type,
            "id" => Self::Id,
            "owner" => Self::Owner,
            "image_id" => Self::ImageId,
            "request_id" => Self::RequestId,
            "user_id" => Self::UserId,
            _ => return None,
        })
    }
}

impl TaskFilter {
    /// Whether a task is asked for.
    pub fn matches(&self, task: &Task) -> bool {
        self.status.is_none_or(|status| status == task.status)
            && self.values.iter().all(|(column, value)| column.value(task) == *value)
    }

    /// Whether many tasks may fail the filter, so that a page should be read in larger steps.
    pub fn is_selective(&self) -> bool {
        self.status.is_some() || !self.values.is_empty()
    }
}

impl TaskListRequest {
    /// Reads a decoded query. Of a repeated key the last one counts; what is no column is overlooked, as in Glance.
    ///
    /// # Errors
    /// `Invalid`, naming the parameter and what it takes.
    pub fn parse(query: &[(String, String)], limits: PageLimits) -> Result<Self> {
        let mut request = Self {
            filter: TaskFilter::default(),
            sort: TaskSort { key: Column::CreatedAt, descending: true },
            limit: limits.default.min(limits.max),
            marker: None,
        };
        for (at, (key, value)) in query.iter().enumerate() {
            if !query.iter().skip(at + 1).any(|(later, _)| later == key) {
                request.read(key, value, limits)?;
            }
        }
        Ok(request)
    }

    fn read(&mut self, key: &str, value: &str, limits: PageLimits) -> Result<()> {
        match key {
            "limit" => {
                let limit: usize = value.parse().map_err(|_| invalid("limit", "an integer of at least 0"))?;
                self.limit = limit.min(limits.max);
            }
            "marker" => self.marker = Some(value.parse().map_err(|_| invalid("marker", "the id of a task"))?),
            "sort_key" => {
                self.sort.key = Column::parse(value).ok_or_else(|| {
                    invalid(
                        "sort_key",
                        "one of created_at, updated_at, expires_at, status, type, id, owner, image_id, request_id, \
                         user_id, deleted, deleted_at",
                    )
                })?;
            }
            "sort_dir" => {
                self.sort.descending = match value {
                    "asc" => false,
                    "desc" => true,
                    _ => return Err(invalid("sort_dir", "asc or desc")),
                };
            }
            "status" => {
                let named = TaskStatus::ALL.into_iter().find(|status| status.name() == value);
                let expected = "one of pending, processing, success, failure";
                self.filter.status = Some(named.ok_or_else(|| invalid("status", expected))?);
            }
            "type" if value != TaskType::Import.name() => return Err(invalid("type", "import")),
            _ => {
                if let Some(column) = Column::parse(key).filter(|column| Column::FIXED.contains(column)) {
                    self.filter.values.push((column, value.to_owned()));
                }
            }
        }
        Ok(())
    }
}

fn invalid(key: &str, expected: &str) -> Error {
    Error::Invalid(format!("{key}: must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<TaskListRequest> {
        let query: Vec<_> =
            query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        TaskListRequest::parse(&query, PageLimits { default: 25, max: 1000 })
    }

    #[test]
    fn newest_first_is_what_is_meant_when_nothing_is_said() {
        let request = parse(&[("with", "anything"), ("created_at", "2026")]).unwrap();
        assert_eq!(request.filter, TaskFilter::default());
        assert_eq!(request.sort, TaskSort { key: Column::CreatedAt, descending: true });
        assert_eq!((request.limit, request.marker), (25, None));
    }

    #[test]
    fn every_column_orders_and_nothing_else() {
        for key in [
            "created_at",
            "updated_at",
            "expires_at",
            "status",
            "type",
            "id",
            "owner",
            "image_id",
            "request_id",
            "user_id",
            "deleted",
            "deleted_at",
        ] {
            let sort = parse(&[("sort_key", key), ("sort_dir", "asc")]).unwrap().sort;
            assert!(!sort.descending, "{key}");
        }
        for bad in ["", "name", "input", "Status"] {
            assert!(parse(&[("sort_key", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_values_are_named_with_what_is_taken() {
        for (key, value, said) in [
            ("limit", "-1", "limit: must be an integer of at least 0"),
            ("limit", "", "limit: must be an integer of at least 0"),
            ("marker", "web", "marker: must be the id of a task"),
            ("sort_dir", "up", "sort_dir: must be asc or desc"),
            ("status", "done", "status: must be one of pending, processing, success, failure"),
            ("type", "api_image_import", "type: must be import"),
        ] {
            assert_eq!(parse(&[(key, value)]).unwrap_err().to_string(), said);
        }
        assert_eq!(parse(&[("limit", "5000")]).unwrap().limit, 1000);
        assert_eq!(parse(&[("limit", "x"), ("limit", "3")]).unwrap().limit, 3);
    }
}
