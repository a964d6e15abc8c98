//! The image that somebody names.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use shared::id::ImageId;

use crate::Failure;
use crate::cloud::Api;

/// An image.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: ImageId,
    pub(super) record: Value,
}

/// Finds an image by its id, or the only one of a name.
pub(super) async fn image(api: &Api, named: &str) -> Result<Found, Failure> {
    if let Ok(id) = named.parse::<ImageId>() {
        match api.json(&Method::GET, &format!("/v2/images/{id}"), None).await {
            Ok(record) => return Ok(Found { id, record }),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = utf8_percent_encode(named, NON_ALPHANUMERIC);
    let mut page = api.json(&Method::GET, &format!("/v2/images?name={name}&limit=20"), None).await?;
    let images = page.get_mut("images").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let id = |image: &Value| image.get("id")?.as_str()?.parse::<ImageId>().ok();
    let mut found: Vec<_> =
        images.into_iter().filter_map(|record| Some(Found { id: id(&record)?, record })).collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(Failure::Run(format!("there is no image '{named}', or it is not yours to see"))),
        (Some(last), false) => {
            let ids: Vec<_> = found.iter().chain([&last]).map(|image| image.id.to_string()).collect();
            Err(Failure::Run(format!(
                "several images are named '{named}': name one by its id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// What an image's file is called when nobody says: its name and its format, or its id where the name is none of a file here.
pub(super) fn file_name(image: &Found) -> String {
    let text = |name: &str| image.record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_plain = |name: &&str| {
        !name.contains(['/', '\0', '\n']) && !name.starts_with(['.', '-']) && name.len() <= MOST_BYTES
    };
    let stem = text("name").filter(is_plain).unwrap_or(image.id.as_str());
    match text("disk_format").filter(is_plain) {
        Some(format) if !stem.ends_with(&format!(".{format}")) => format!("{stem}.{format}"),
        _ => stem.to_owned(),
    }
}

/// File systems take 255 bytes, with what is put behind it.
const MOST_BYTES: usize = 200;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_called_as_its_image_where_that_is_a_name_of_a_file() {
        let id = ImageId::from_random(1);
        for (name, format, file) in [
            (json!("web"), json!("qcow2"), "web.qcow2".to_owned()),
            (json!("web.iso"), json!("iso"), "web.iso".to_owned()),
            (json!("../../etc/passwd"), json!("raw"), format!("{id}.raw")),
            (json!(".."), json!(null), id.to_string()),
            (json!("-rf"), json!("a/b"), id.to_string()),
            (json!(""), json!(null), id.to_string()),
            (json!("a".repeat(300)), json!("raw"), format!("{id}.raw")),
        ] {
            let record = json!({"name": name, "disk_format": format});
            assert_eq!(file_name(&Found { id: id.clone(), record }), file);
        }
    }
}
