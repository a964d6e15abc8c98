//! What becomes of data and records when they are imported, as operators chose (Glance, `image_import_plugins`). Copies of what an
//! image has already stay what they are. Pure: who does it is [`crate::transfer`]'s `remake`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{ContainerFormat, DiskFormat, Image, NewImage, OutputFormat};
use crate::signature;
use crate::time::Timestamp;

words! {
    /// Something that is done to what is imported. The names are Glance's.
    Plugin:
    /// Images get properties.
    InjectImageMetadata = "inject_image_metadata",
    /// Data that is packed is unpacked.
    ImageDecompression = "image_decompression",
    /// Disks are made into one format.
    ImageConversion = "image_conversion",
}

/// What is done to what is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// Which of them, in any order: data is unpacked before it is converted.
    pub enabled: Vec<Plugin>,
    /// The properties that images get.
    pub inject: Injected,
    /// Roles whose users' images get none.
    pub ignore_user_roles: Vec<String>,
    /// What disks are made into.
    pub output_format: OutputFormat,
    /// The most bytes that a packed one may become, once there are many.
    pub max_ratio: u64,
}

impl Default for Plugins {
    /// None. For the rest Glance's defaults; it knows no bound of what is unpacked.
    fn default() -> Self {
        Self {
            enabled: Vec::new(),
            inject: Injected::default(),
            ignore_user_roles: vec!["admin".to_owned()],
            output_format: OutputFormat::Raw,
            max_ratio: 1000,
        }
    }
}

/// What data may be made into before it is an image's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remake {
    /// Whether it is unpacked, if it is packed.
    pub unpack: bool,
    /// What it says it is, and is made into.
    pub convert: Option<(DiskFormat, OutputFormat)>,
    /// The most bytes that it may be, whatever it is made into.
    pub max_bytes: u64,
    /// The most bytes that a packed one may become, once there are many.
    pub max_ratio: u64,
}

impl Plugins {
    /// The properties that an image gets when this caller imports it. They count against no limit, and replace what it has.
    pub fn injected(&self, caller: &Caller) -> BTreeMap<String, String> {
        let is_ignored = self.ignore_user_roles.iter().any(|role| caller.has_role(role));
        if is_ignored || !self.has(Plugin::InjectImageMetadata) {
            return BTreeMap::new();
        }
        self.inject.0.clone()
    }

    /// Whether an image has this property as it is given to what is imported.
    pub fn has_given(&self, image: &Image, name: &str) -> bool {
        let given = self.inject.0.get(name).filter(|_| self.has(Plugin::InjectImageMetadata));
        given.is_some_and(|given| image.properties.get(name) == Some(given))
    }

    /// What an image's data may be made into; `None` where it stays as it is. Data that is meant to be packed (`compressed`) does, and
    /// what is signed, for the signature is of these bytes.
    pub fn remake(&self, image: &Image, max_bytes: u64) -> Option<Remake> {
        if is_left_alone(image) {
            return None;
        }
        let unpack = self.has(Plugin::ImageDecompression);
        let convert = self.conversion(image);
        (unpack || convert.is_some()).then_some(Remake {
            unpack,
            convert,
            max_bytes,
            max_ratio: self.max_ratio,
        })
    }

    /// What an image says of its data once that is imported: a disk that was converted is one of the new format, wrapped in nothing.
    #[must_use]
    pub fn remade(&self, image: Image) -> Image {
        match self.conversion(&image) {
            Some((_, made)) => Image {
                disk_format: Some(made.disk_format()),
                container_format: Some(ContainerFormat::Bare),
                ..image
            },
            None => image,
        }
    }

    /// What is said that means nothing.
    pub fn fault(&self) -> Option<String> {
        let is_idle = !self.inject.0.is_empty() && !self.has(Plugin::InjectImageMetadata);
        is_idle.then(|| "needs inject_image_metadata in import.plugins".to_owned())
    }

    fn conversion(&self, image: &Image) -> Option<(DiskFormat, OutputFormat)> {
        let from =
            image.disk_format.filter(|_| self.has(Plugin::ImageConversion) && !is_left_alone(image))?;
        let is_disk = match from {
            DiskFormat::Raw
            | DiskFormat::Qcow2
            | DiskFormat::Vmdk
            | DiskFormat::Vhd
            | DiskFormat::Vhdx
            | DiskFormat::Vdi => true,
            DiskFormat::Ami | DiskFormat::Ari | DiskFormat::Aki | DiskFormat::Iso | DiskFormat::Ploop => {
                false
            }
        };
        (is_disk && from != self.output_format.disk_format()).then_some((from, self.output_format))
    }

    fn has(&self, plugin: Plugin) -> bool {
        self.enabled.contains(&plugin)
    }
}

fn is_left_alone(image: &Image) -> bool {
    image.container_format == Some(ContainerFormat::Compressed)
        || signature::said(&image.properties).is_some()
}

/// Properties that images get. Written as `name:value, name:value`, as Glance has it, or, for values with commas and names with
/// colons, as an object of JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injected(BTreeMap<String, String>);

impl FromStr for Injected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let said: Map<String, Value> = if text.starts_with('{') {
            serde_json::from_str(text).map_err(|error| format!("is no object of JSON: {error}"))?
        } else {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let mut said = Map::new();
            for part in parts {
                let (name, value) =
                    part.split_once(':').ok_or_else(|| format!("'{part}' must be <name>:<value>"))?;
                let (name, value) = (name.trim(), value.trim());
                if said.insert(name.to_owned(), value.into()).is_some() {
                    return Err(format!("property '{name}' has two values"));
                }
            }
            said
        };
        let properties = said.into_iter().map(property);
        properties.collect::<Result<_, _>>().map(Self)
    }
}

/// What a request could give an image, too.
fn property((name, value): (String, Value)) -> Result<(String, String), String> {
    let said = Value::Object(Map::from_iter([(name.clone(), value)]));
    let image = NewImage::parse(said)
        .and_then(|new| new.into_image(ImageId::from_random(0), None, Timestamp::from_microseconds(0)))
        .map_err(|error| error.to_string())?;
    let property = image.properties.into_iter().next();
    property.ok_or_else(|| format!("'{name}' is an attribute of images and no property"))
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |text: &str| text == text.trim() && !text.contains(',');
        let mut all = self.0.iter();
        if all.any(|(name, value)| {
            !is_plain(name) || !is_plain(value) || name.contains(':') || name.starts_with('{')
        }) {
            return f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?);
        }
        let plain: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        f.write_str(&plain.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(disk: DiskFormat, container: ContainerFormat) -> Image {
        let image = Image::queued(ImageId::from_random(1), None, Timestamp::from_microseconds(0));
        Image { disk_format: Some(disk), container_format: Some(container), ..image }
    }

    fn all() -> Plugins {
        Plugins { enabled: Plugin::ALL.to_vec(), ..Plugins::default() }
    }

    #[test]
    fn by_default_nothing_is_done() {
        let (plugins, image) = (Plugins::default(), image(DiskFormat::Qcow2, ContainerFormat::Bare));
        assert_eq!(plugins.remake(&image, 1), None);
        assert_eq!(plugins.remade(image.clone()), image);
    }

    #[test]
    fn a_disk_of_another_format_is_converted_and_its_image_says_so() {
        let plugins = all();
        for from in [DiskFormat::Qcow2, DiskFormat::Vmdk, DiskFormat::Vhd, DiskFormat::Vhdx, DiskFormat::Vdi]
        {
            let image = image(from, ContainerFormat::Ova);
            let told = plugins.remake(&image, 7).unwrap();
            assert_eq!((told.unpack, told.max_bytes), (true, 7));
            assert_eq!(told.convert, Some((from, OutputFormat::Raw)));
            let after = plugins.remade(image);
            let formats = (after.disk_format, after.container_format);
            assert_eq!(formats, (Some(DiskFormat::Raw), Some(ContainerFormat::Bare)));
        }
        let to_qcow2 = Plugins { output_format: OutputFormat::Qcow2, ..all() };
        let raw = image(DiskFormat::Raw, ContainerFormat::Bare);
        assert_eq!(to_qcow2.remake(&raw, 1).unwrap().convert, Some((DiskFormat::Raw, OutputFormat::Qcow2)));
    }

    #[test]
    fn what_is_no_disk_or_of_the_format_already_is_only_unpacked() {
        for format in [
            DiskFormat::Raw,
            DiskFormat::Iso,
            DiskFormat::Aki,
            DiskFormat::Ari,
            DiskFormat::Ami,
            DiskFormat::Ploop,
        ] {
            let image = image(format, ContainerFormat::Bare);
            assert_eq!(all().remake(&image, 1).unwrap().convert, None);
            assert_eq!(all().remade(image.clone()), image);
            let converting = Plugins { enabled: vec![Plugin::ImageConversion], ..all() };
            assert_eq!(converting.remake(&image, 1), None);
        }
    }

    #[test]
    fn what_is_meant_to_be_packed_and_what_is_signed_stays_as_it_is() {
        let packed = image(DiskFormat::Qcow2, ContainerFormat::Compressed);
        let mut signed = image(DiskFormat::Qcow2, ContainerFormat::Bare);
        let names =
            [signature::SIGNATURE, signature::HASH_METHOD, signature::KEY_TYPE, signature::CERTIFICATE];
        signed.properties.extend(names.map(|name| (name.to_owned(), "x".to_owned())));
        for image in [packed, signed] {
            assert_eq!(all().remake(&image, 1), None);
            assert_eq!(all().remade(image.clone()), image);
        }
    }

    #[test]
    fn properties_are_injected_unless_a_role_says_otherwise() {
        let plugins = Plugins { inject: "hw_disk_bus: scsi,os_distro:debian".parse().unwrap(), ..all() };
        let caller = |roles: &[&str]| Caller::new(None, None, roles);
        let told = plugins.injected(&caller(&["member"]));
        assert_eq!(told["hw_disk_bus"], "scsi");
        assert_eq!(told.len(), 2);
        assert!(plugins.injected(&caller(&["member", "admin"])).is_empty());
        let without = Plugins { enabled: vec![Plugin::ImageConversion], ..plugins };
        assert!(without.injected(&caller(&["member"])).is_empty());
    }

    #[test]
    fn properties_are_read_as_they_are_written() {
        for (text, shown) in [
            ("", ""),
            (" a:b:c , d: e ", "a:b:c,d:e"),
            (r#"{"trait:X": "a,b"}"#, r#"{"trait:X":"a,b"}"#),
            (r#"{"a": "b"}"#, "a:b"),
        ] {
            let read: Injected = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
            assert_eq!(shown.parse(), Ok(read));
        }
        for (text, why) in [
            ("a", "'a' must be <name>:<value>"),
            ("a:b,a:c", "property 'a' has two values"),
            (":b", "name"),
            ("name:b", "'name' is an attribute of images and no property"),
            ("os_glance_x:b", "Attribute 'os_glance_x' is reserved."),
            (r#"{"a": 1}"#, "a"),
            ("{", "is no object of JSON"),
        ] {
            let told = text.parse::<Injected>().unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
