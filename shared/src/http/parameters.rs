//! How the description of the API tells of what extractors take from a path.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::extract::{ImagePath, TagPath};

impl IntoParams for ImagePath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("image_id", "Id of the image. What is no id names no image: 404.")]
    }
}

impl IntoParams for TagPath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ImagePath::into_params(place);
        parameters.push(in_path("tag", "The tag, of 255 characters at most."));
        parameters
    }
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
