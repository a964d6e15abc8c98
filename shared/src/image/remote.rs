//! What another region says of an image there, whose data one of here is to have (`glance-download`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attributes::{Kind, kind};
use super::{Accepted, ContainerFormat, DiskFormat, HASH_ALGORITHM, Image, NewImage};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::time::Timestamp;

/// An image of another region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// URL of its data.
    pub url: String,
    /// When the token ends by which it was asked for.
    pub token_ends: Timestamp,
    /// How many bytes it has.
    pub size: u64,
    /// MD5 of them, if it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// SHA-512 of them, if it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
    /// The format of its bytes.
    pub disk_format: DiskFormat,
    /// What they are wrapped in.
    pub container_format: ContainerFormat,
    /// Those of its properties that are taken over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// How another region was asked, and what may be taken of its answer.
#[derive(Clone, Debug)]
pub struct RemoteSource<'a> {
    /// URL of the data.
    pub url: String,
    /// When the token ends.
    pub token_ends: Timestamp,
    /// How names of properties begin that are taken over.
    pub prefixes: &'a [String],
    /// What values images may take here.
    pub accepted: &'a Accepted,
}

impl Remote {
    /// Reads what `GET /v2/images/{image_id}` answers there. Of its properties those are taken whose names begin with one of
    /// `prefixes`, and never what every image has or what is the service's.
    ///
    /// # Errors
    /// `Invalid`, naming the attribute: when it is not active, says no size or no formats, or what may not be here.
    pub fn read(record: &Value, source: RemoteSource<'_>) -> Result<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let missing = |name: &str| Error::Invalid(format!("{name}: must be given"));
        let status = text("status").ok_or_else(|| missing("status"))?;
        if status != "active" {
            return Err(Error::Invalid(format!("status: must be active, not {status}")));
        }
        let hash = |name: &str, digits: usize| {
            let is_hash = |text: &&str| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
            text(name).filter(is_hash).map(str::to_ascii_lowercase)
        };
        let RemoteSource { url, token_ends, prefixes, accepted } = source;
        let is_taken = |name: &str| match kind(name) {
            Kind::Base => ["disk_format", "container_format"].contains(&name),
            Kind::Custom => prefixes.iter().any(|prefix| name.starts_with(prefix)),
            Kind::Id | Kind::Digest | Kind::ReadOnly | Kind::Reserved => false,
        };
        let taken = record.as_object().into_iter().flatten().filter(|(name, _)| is_taken(name));
        let taken = NewImage::parse(taken.map(|(name, value)| (name.clone(), value.clone())).collect())?;
        let taken = taken.into_image(ImageId::from_random(0), None, token_ends)?;
        accepted.check_taken(&taken)?;
        Ok(Self {
            url,
            token_ends,
            size: record.get("size").and_then(Value::as_u64).ok_or_else(|| missing("size"))?,
            md5: hash("checksum", 32),
            sha512: hash("os_hash_value", 128).filter(|_| text("os_hash_algo") == Some(HASH_ALGORITHM)),
            disk_format: taken.disk_format.ok_or_else(|| missing("disk_format"))?,
            container_format: taken.container_format.ok_or_else(|| missing("container_format"))?,
            properties: taken.properties,
        })
    }

    /// An image that says of itself what the other does.
    #[must_use]
    pub fn taken_over(&self, image: Image) -> Image {
        let mut properties = image.properties;
        properties.extend(self.properties.clone());
        Image {
            disk_format: Some(self.disk_format),
            container_format: Some(self.container_format),
            properties,
            ..image
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENDS: Timestamp = Timestamp::from_microseconds(1_000_000);

    fn read(change: &Value) -> Result<Remote, String> {
        let mut record = json!({
            "id": "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11", "status": "active", "size": 7, "name": "there",
            "disk_format": "qcow2", "container_format": "bare", "visibility": "public", "owner": "other", "tags": ["a"],
            "checksum": "D41D8CD98F00B204E9800998ECF8427E", "os_hash_algo": "sha512", "os_hash_value": "ab".repeat(64),
            "os_hidden": true, "os_distro": "debian", "hw_disk_bus": "scsi", "os_glance_importing_to_stores": "",
            "speed": "88mph", "self": "/v2/images/x", "virtual_size": null,
        });
        record.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let prefixes = ["hw_".to_owned(), "os_".to_owned(), "self".to_owned()];
        let accepted =
            Accepted { disk_formats: vec![DiskFormat::Qcow2, DiskFormat::Raw], ..Accepted::default() };
        let source = RemoteSource {
            url: "https://x".to_owned(),
            token_ends: ENDS,
            prefixes: &prefixes,
            accepted: &accepted,
        };
        Remote::read(&record, source).map_err(|error| error.to_string())
    }

    #[test]
    fn properties_are_taken_by_how_they_begin_and_attributes_never() {
        let remote = read(&json!({})).unwrap();
        let pairs: Vec<_> =
            remote.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("hw_disk_bus", "scsi"), ("os_distro", "debian")]);
        let mut image = Image::queued(ImageId::from_random(1), None, ENDS);
        image.properties =
            [("hw_disk_bus", "ide"), ("mine", "yes")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let after = remote.taken_over(image.clone());
        assert_eq!(
            (after.disk_format, after.container_format),
            (Some(DiskFormat::Qcow2), Some(ContainerFormat::Bare))
        );
        assert_eq!(after.properties.into_values().collect::<Vec<_>>(), ["scsi", "yes", "debian"]);
        assert_eq!((after.name, after.owner, after.os_hidden), (image.name, image.owner, image.os_hidden));
    }

    #[test]
    fn hashes_are_believed_when_they_can_be_found_here() {
        let remote = read(&json!({})).unwrap();
        assert_eq!(remote.md5.as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
        assert_eq!(remote.sha512, Some("ab".repeat(64)));
        for change in [
            json!({"os_hash_algo": "sha256", "os_hash_value": "ab".repeat(32)}),
            json!({"os_hash_algo": null, "os_hash_value": null}),
            json!({"os_hash_value": "xy".repeat(64)}),
        ] {
            assert_eq!(read(&change).unwrap().sha512, None, "{change}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        for (change, fault) in [
            (json!({"status": "queued"}), "status: must be active, not queued"),
            (json!({"status": null}), "status: must be given"),
            (json!({"size": null}), "size: must be given"),
            (json!({"size": -1}), "size: must be given"),
            (json!({"disk_format": null}), "disk_format: must be given"),
            (json!({"disk_format": "vdi"}), "disk_format: must be one of qcow2, raw"),
            (json!({"container_format": null}), "container_format: must be given"),
            (json!({"hw_x": 1}), "hw_x: must be a string, as every custom property is"),
        ] {
            assert_eq!(read(&change).unwrap_err(), fault, "{change}");
        }
    }
}
