//! What a list takes in its query, for the description of the API. `shared::task` reads it.

use shared::http::parameters::{any_text, in_query, one_of};
use shared::task::{TaskStatus, TaskType};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The parameters of `GET /v2/tasks`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListParameters;

/// Equal to a value.
const TEXTS: [(&str, &str); 6] = [
    ("marker", "Id of the last task of the page before."),
    ("id", "The task of this id."),
    ("owner", "Tasks of this project."),
    ("image_id", "Tasks about this image."),
    ("request_id", "Tasks of this request."),
    ("user_id", "Tasks of this user."),
];

const SORT_KEYS: [&str; 10] = [
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
];

impl IntoParams for ListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build();
        let choice = |name, about, values: &[&str]| in_query(name, about, one_of(values));
        let others = [
            in_query(
                "limit",
                "Tasks on the page at most; more than the service allows is cut to that.",
                limit,
            ),
            choice("sort_key", "What the list is ordered by; `created_at` when left out.", &SORT_KEYS),
            choice("sort_dir", "Its direction; `desc` when left out.", &["asc", "desc"]),
            choice("status", "Tasks in this status.", &TaskStatus::ALL.map(TaskStatus::name)),
            choice("type", "Tasks of this type.", &TaskType::ALL.map(TaskType::name)),
        ];
        let texts = TEXTS.into_iter().map(|(name, about)| in_query(name, about, any_text()));
        others.into_iter().chain(texts).collect()
    }
}
