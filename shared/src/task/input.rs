//! What a task is asked for with: the body of `POST /v2/tasks`.

use serde_json::{Map, Value};

use super::TaskType;
use crate::egress::Rules;
use crate::error::{Error, Result};

/// The most a task's input may take as JSON, in bytes: what Glance's databases keep of it.
pub const MAX_INPUT_BYTES: usize = 65_535;

/// A task asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// What it shall do.
    pub kind: TaskType,
    /// What it is told.
    pub input: Value,
}

impl NewTask {
    /// Reads a request's body: `type` and `input`; anything else is overlooked if a task has such an attribute.
    ///
    /// # Errors
    /// `Invalid` for what is missing, unknown or not as the schema has it, naming it; `LimitExceeded` for an input over
    /// [`MAX_INPUT_BYTES`].
    pub fn parse(body: Value, sources: &Rules) -> Result<Self> {
        let Value::Object(mut body) = body else {
            return Err(Error::Invalid("Request body must be a JSON object.".to_owned()));
        };
        for name in ["type", "input"] {
            if !body.contains_key(name) {
                return Err(Error::Invalid(format!("Task '{name}' is required")));
            }
        }
        if let Some(unknown) = body.keys().find(|name| !super::schema::ATTRIBUTES.contains(&name.as_str())) {
            return Err(Error::Invalid(format!("{unknown}: is no attribute of a task")));
        }
        let kind = body.get("type").and_then(Value::as_str).and_then(TaskType::parse);
        // The other two begin with calls on images, which check what this one could not.
        let kind = kind.filter(|kind| *kind == TaskType::Import);
        let kind = kind.ok_or_else(|| Error::Invalid("type: must be import".to_owned()))?;
        let Some(Value::Object(input)) = body.remove("input") else {
            return Err(Error::Invalid("input: must be an object".to_owned()));
        };
        check_import(&input, sources)?;
        let input = Value::Object(input);
        let bytes = serde_json::to_vec(&input).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_INPUT_BYTES {
            return Err(Error::LimitExceeded(format!(
                "input: takes {bytes} bytes as JSON, and the limit is {MAX_INPUT_BYTES}"
            )));
        }
        Ok(Self { kind, input })
    }
}

/// What an import is told: where from, as which format, and the attributes of the image it makes.
fn check_import(input: &Map<String, Value>, sources: &Rules) -> Result<()> {
    match input.get("import_from") {
        Some(Value::String(url)) => {
            let judged = sources.check(url);
            judged.map_err(|refusal| Error::Invalid(format!("import_from: {refusal}")))?;
        }
        Some(_) => return Err(Error::Invalid("import_from: must be a URL".to_owned())),
        None => return Err(Error::Invalid("Input does not contain 'import_from' field".to_owned())),
    }
    if input.get("import_from_format").is_some_and(|format| !format.is_string()) {
        return Err(Error::Invalid("import_from_format: must be a string".to_owned()));
    }
    if input.get("image_properties").is_some_and(|properties| !properties.is_object()) {
        return Err(Error::Invalid("image_properties: must be an object".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: Value) -> String {
        NewTask::parse(body, &Rules::default()).unwrap_err().to_string()
    }

    #[test]
    fn an_import_needs_a_type_and_an_input() {
        let input = json!({"import_from": "https://images.example/a.qcow2", "import_from_format": "qcow2"});
        let body = json!({"type": "import", "input": input, "status": "success"});
        assert_eq!(
            NewTask::parse(body, &Rules::default()).unwrap(),
            NewTask { kind: TaskType::Import, input }
        );
        assert_eq!(said(json!({"input": {}})), "Task 'type' is required");
        assert_eq!(said(json!({"type": "import"})), "Task 'input' is required");
        assert_eq!(said(json!([])), "Request body must be a JSON object.");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |input: Value| said(json!({"type": "import", "input": input}));
        assert_eq!(of(json!({})), "Input does not contain 'import_from' field");
        assert_eq!(of(json!({"import_from": 5})), "import_from: must be a URL");
        let from = "http://a.example/b";
        assert_eq!(
            of(json!({"import_from": from, "import_from_format": 5})),
            "import_from_format: must be a string"
        );
        assert_eq!(
            of(json!({"import_from": from, "image_properties": []})),
            "image_properties: must be an object"
        );
        for other in ["export", "api_image_import", "location_import"] {
            assert_eq!(said(json!({"type": other, "input": {}})), "type: must be import");
        }
        assert_eq!(
            said(json!({"type": "import", "input": {}, "colour": "blue"})),
            "colour: is no attribute of a task"
        );
    }

    #[test]
    fn an_input_has_a_limit() {
        let of = |length: usize| {
            let image = json!({"name": "x".repeat(length)});
            let input = json!({"import_from": "http://a.example/b", "image_properties": image});
            NewTask::parse(json!({"type": "import", "input": input}), &Rules::default())
        };
        let around = json!({"import_from": "http://a.example/b", "image_properties": {"name": ""}});
        let room = MAX_INPUT_BYTES - around.to_string().len();
        assert!(of(room).is_ok());
        assert!(matches!(of(room + 1), Err(Error::LimitExceeded(_))));
    }
}
