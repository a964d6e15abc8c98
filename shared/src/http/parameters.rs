//! How the description of the API tells of what extractors take from a path.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::extract::{ImagePath, MemberPath, ObjectPath, PartPath, StorePath, TagPath, TaskPath, UploadPath};

impl IntoParams for ImagePath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("image_id", "Id of the image. What is no id names no image: 404.")]
    }
}

impl IntoParams for StorePath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("store_id", "The store's id."));
        parameters
    }
}

impl IntoParams for TagPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("tag", "The tag, of 255 characters at most."));
        parameters
    }
}

impl IntoParams for MemberPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("member_id", "Id of the project the image is shared with."));
        parameters
    }
}

impl IntoParams for UploadPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("upload_id", "Id of the upload session."));
        parameters
    }
}

impl IntoParams for PartPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = UploadPath::into_params(place);
        parameters.push(in_path("number", "Number of the part, counted from 1."));
        parameters
    }
}

impl IntoParams for ObjectPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("object_id", "Id of the object that holds the image's data."));
        parameters
    }
}

impl IntoParams for TaskPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("task_id", "Id of the task. What is no id names no task: 404.")]
    }
}

/// Any text.
pub fn any_text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// One of some words.
pub fn one_of(values: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied())).build()
}

/// A part of the path.
pub fn in_path(name: &str, about: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build();
    parameter(name, ParameterIn::Path, about, Schema::Object(text)).required(Required::True).build()
}

/// A key of the query that may be left out.
pub fn in_query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    parameter(name, ParameterIn::Query, about, schema).required(Required::False).build()
}

fn parameter(
    name: &str,
    place: ParameterIn,
    about: &str,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).description(Some(about)).schema(Some(schema))
}
