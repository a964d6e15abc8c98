//! What a list takes in its query, for the description of the API. `shared::image` reads it.

use shared::http::parameters::{any_text as text, in_query, one_of};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// The parameters of `GET /v2/images`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListParameters;

/// Equal to a value, or to one of several.
const WORDS: [(&str, &str); 5] = [
    ("name", "Images of this name; `in:a,\"b,c\"` of one of these."),
    ("id", "The image of this id; `in:a,b` of one of these."),
    ("status", "Images in this status; `in:a,b` in one of these."),
    ("container_format", "Images in this container format; `in:a,b` in one of these."),
    ("disk_format", "Images in this disk format; `in:a,b` in one of these."),
];

const TEXTS: [(&str, &str); 4] = [
    ("owner", "Images of this project."),
    ("checksum", "Images whose data has this MD5."),
    ("os_hash_algo", "Images whose digest is by this algorithm."),
    ("os_hash_value", "Images whose data has this digest."),
];

const TIMES: [(&str, &str); 2] = [
    (
        "created_at",
        "Images registered then: an ISO 8601 time or date, after `gt:`, `gte:`, `lt:`, `lte:`, `eq:` or `neq:`.",
    ),
    ("updated_at", "Images last changed then: a time as `created_at` takes it."),
];

/// Each also with `_min` and `_max`.
const NUMBERS: [(&str, &str); 4] = [
    ("size", "Images of this many bytes"),
    ("virtual_size", "Images whose disk has this many bytes"),
    ("min_ram", "Images that need this many MB of memory"),
    ("min_disk", "Images that need this many GB of disk"),
];

const CHOICES: [(&str, &str, &[&str]); 4] = [
    (
        "visibility",
        "Images of this visibility, others' community images among them; `all` is all the caller may see.",
        &["public", "private", "shared", "community", "all"],
    ),
    (
        "member_status",
        "Of images shared to the caller those in this status of membership; `accepted` when left out.",
        &["pending", "accepted", "rejected", "all"],
    ),
    ("protected", "Images that refuse to be deleted, or those that do not.", &["true", "false"]),
    ("os_hidden", "Images that default lists leave out, and no others.", &["true", "false"]),
];

const SORT_KEYS: [&str; 8] =
    ["created_at", "updated_at", "name", "status", "size", "id", "container_format", "disk_format"];

impl IntoParams for ListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words = WORDS.into_iter().chain(TEXTS).chain(TIMES);
        let words = words.map(|(name, about)| in_query(name, about, text()));
        let choices = CHOICES.into_iter().map(|(name, about, values)| in_query(name, about, one_of(values)));
        let numbers = NUMBERS.into_iter().flat_map(|(name, about)| {
            [("", "."), ("_min", " at least."), ("_max", " at most.")]
                .map(|(bound, how)| in_query(&format!("{name}{bound}"), &format!("{about}{how}"), integer()))
        });
        paging()
            .into_iter()
            .chain(words)
            .chain(choices)
            .chain(numbers)
            .chain([tags(), properties()])
            .collect()
    }
}

fn paging() -> [Parameter; 5] {
    let mut limit = integer();
    limit.minimum = Some(0.into());
    let any_of =
        |about: &str, values: &[&str]| ArrayBuilder::new().description(Some(about)).items(one_of(values));
    [
        in_query("limit", "Images on the page at most; more than the service allows is cut to that.", limit),
        in_query("marker", "Id of the last image of the page before.", text()),
        in_query(
            "sort",
            "Keys of the order, each with a direction: `name:asc,size:desc`. Not with the other two.",
            text(),
        ),
        repeated("sort_key", "A key of the order.", any_of("Keys, the first goes first.", &SORT_KEYS)),
        repeated(
            "sort_dir",
            "Its direction: one for all keys, or one each.",
            any_of("Directions.", &["asc", "desc"]),
        ),
    ]
}

fn tags() -> Parameter {
    repeated(
        "tag",
        "Images with this tag; given more than once, with all of them.",
        ArrayBuilder::new().items(text()),
    )
}

/// Every other name. As an object whose fields are keys of the query, it says that those are free.
fn properties() -> Parameter {
    let any = AdditionalProperties::RefOr(RefOr::T(Schema::Object(text())));
    let object = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)).build();
    let about = "Any other key: images whose custom property of that name has this value.";
    spread(in_query("properties", about, Schema::Object(object)))
}

fn repeated(name: &str, about: &str, values: ArrayBuilder) -> Parameter {
    spread(in_query(name, about, Schema::Array(values.build())))
}

/// Given once for each value.
fn spread(mut parameter: Parameter) -> Parameter {
    parameter.style = Some(ParameterStyle::Form);
    parameter.explode = Some(true);
    parameter
}

fn integer() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).build()
}
