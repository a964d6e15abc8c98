//! The JSON schema of a task and of a page of tasks, as `GET /v2/schemas/...` tells it.

use serde_json::{Map, Value, json};

use super::{TaskStatus, TaskType};
use crate::image::schema::{UUID, page};

/// The attributes of a task.
pub const ATTRIBUTES: [&str; 15] = [
    "id",
    "type",
    "status",
    "input",
    "result",
    "owner",
    "message",
    "image_id",
    "request_id",
    "user_id",
    "expires_at",
    "created_at",
    "updated_at",
    "self",
    "schema",
];

/// What a page leaves out of its tasks.
const LEFT_OUT: [&str; 3] = ["input", "result", "message"];

/// The schema of a task.
pub fn task() -> Value {
    schema(|_| true)
}

/// The schema of a page of tasks.
pub fn tasks() -> Value {
    page("tasks", &schema(|name| !LEFT_OUT.contains(&name)))
}

fn schema(shown: impl Fn(&str) -> bool) -> Value {
    let properties: Map<String, Value> = ATTRIBUTES
        .into_iter()
        .filter(|name| shown(name))
        .map(|name| (name.to_owned(), property(name)))
        .collect();
    json!({ "name": "task", "properties": properties, "additionalProperties": false })
}

fn property(name: &str) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let text_or_null = |description: &str| json!({ "type": ["null", "string"], "description": description });
    let object = |description: &str| json!({ "type": ["null", "object"], "description": description });
    let link = |description: &str| json!({ "type": "string", "description": description, "readOnly": true });
    match name {
        "id" => json!({ "type": "string", "description": "Id of the task", "pattern": UUID }),
        "type" => json!({
            "type": "string",
            "description": "What the task does",
            "enum": TaskType::ALL.map(TaskType::name),
        }),
        "status" => json!({
            "type": "string",
            "description": "Where the task stands",
            "enum": TaskStatus::ALL.map(TaskStatus::name),
        }),
        "input" => object("What the task was told"),
        "result" => object("What the task made"),
        "owner" => text_or_null("Project the task belongs to"),
        "message" => text("What there is to say about the task, as why it failed"),
        "image_id" => text_or_null("Image the task is about"),
        "request_id" => text_or_null("Request the task comes from"),
        "user_id" => text_or_null("User the task comes from"),
        "expires_at" => text_or_null("When the task will be forgotten; told once it has ended"),
        "created_at" => text("When the task was asked for"),
        "updated_at" => text("When the task last changed"),
        "self" => link("Path of the task"),
        _ => link("Path of this schema"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leaves_out_what_is_long() {
        let (one, page) = (task(), tasks());
        let of = |schema: &Value| schema["properties"].as_object().unwrap().len();
        assert_eq!((of(&one), of(&page["properties"]["tasks"]["items"])), (15, 12));
        assert_eq!((&one["name"], &page["name"]), (&json!("task"), &json!("tasks")));
        assert_eq!(one["additionalProperties"], json!(false));
    }
}
