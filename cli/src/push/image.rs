//! The image that a file becomes: what is said of it, and what the service knows.

use http::{Method, StatusCode};
use serde_json::{Map, Value};
use shared::format::{Content, Format, Rules};
use shared::id::ImageId;
use shared::image::DiskFormat;

use super::{Described, source::Source};
use crate::Failure;
use crate::cloud::{Api, CloudError};

/// The format that a file's bytes tell; bytes of no format are a raw disk.
pub(crate) fn detected(source: &Source) -> Result<DiskFormat, Failure> {
    let said = |why| Failure::Run(format!("{} {why}: say which with --disk-format", source.path().display()));
    told_by(&source.inspect()?).map_err(said)
}

/// Refuses what the service would, of a format in a container that it looks into.
pub(crate) fn check(source: &Source, format: DiskFormat) -> Result<(), Failure> {
    let (path, content) = (source.path().display(), source.inspect()?);
    Rules::default().judge(format, &content).map(drop).map_err(|refusal| {
        Failure::Run(format!(
            "{path}: {refusal}; the service refuses such data unless its operator lets it: --anyway pushes it all the same"
        ))
    })
}

fn told_by(content: &Content) -> Result<DiskFormat, String> {
    let formats: Vec<Format> = content.formats.iter().map(|found| found.format).collect();
    match formats.as_slice() {
        [] => Ok(DiskFormat::Raw),
        // An optical disc may have a partition table too, and a disk the footer of a fixed vhd.
        formats if formats.contains(&Format::Iso) && formats.len() <= 2 => Ok(DiskFormat::Iso),
        [Format::Gpt, Format::Vhd] => Ok(DiskFormat::Vhd),
        [one] => Ok(match one {
            Format::Gpt | Format::Luks | Format::Qed => DiskFormat::Raw,
            Format::Iso => DiskFormat::Iso,
            Format::Ploop => DiskFormat::Ploop,
            Format::Qcow2 => DiskFormat::Qcow2,
            Format::Vdi => DiskFormat::Vdi,
            Format::Vhd => DiskFormat::Vhd,
            Format::Vhdx => DiskFormat::Vhdx,
            Format::Vmdk => DiskFormat::Vmdk,
        }),
        several => {
            let names: Vec<_> = several.iter().map(|format| format.name()).collect();
            Err(format!("looks like {} at once", names.join(" and ")))
        }
    }
}

/// The body of the request that creates the image. The id is the client's, so that a request whose answer was lost does not
/// make another image.
pub(crate) fn body(id: &ImageId, name: &str, format: DiskFormat, told: &Described) -> Value {
    let properties = told.property.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    let mut body: Map<_, _> = properties.collect();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("id", id.as_str().into());
    set("name", name.into());
    set("disk_format", format.name().into());
    set("container_format", told.container_format.as_str().into());
    if !told.tag.is_empty() {
        set("tags", told.tag.clone().into());
    }
    if let Some(visibility) = &told.visibility {
        set("visibility", visibility.as_str().into());
    }
    if let Some(gibibytes) = told.min_disk {
        set("min_disk", gibibytes.into());
    }
    if let Some(mebibytes) = told.min_ram {
        set("min_ram", mebibytes.into());
    }
    if told.protected {
        set("protected", true.into());
    }
    Value::Object(body)
}

/// Creates the image, unless an earlier try did.
pub(crate) async fn create(api: &Api, id: &ImageId, body: &Value) -> Result<Value, Failure> {
    match api.json(&Method::POST, "/v2/images", Some(body)).await {
        Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
            Ok(show(api, id).await?.ok_or(error)?)
        }
        done => Ok(done?),
    }
}

/// What the service knows of an image; `None` when there is none.
pub(crate) async fn show(api: &Api, id: &ImageId) -> Result<Option<Value>, CloudError> {
    match api.json(&Method::GET, &format!("/v2/images/{id}"), None).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        done => done.map(Some),
    }
}

/// A member of an image as text.
pub(crate) fn text<'a>(image: &'a Value, name: &str) -> Option<&'a str> {
    image.get(name).and_then(Value::as_str)
}

/// What to tell of an image: a line for each of its members that has a value.
pub(crate) fn lines(image: &Value) -> String {
    let names = ["id", "name", "status", "disk_format", "size", "checksum", "os_hash_algo", "os_hash_value"];
    let line = |name: &&str| match image.get(*name)? {
        Value::Null => None,
        Value::String(text) => Some(format!("{name}: {text}\n")),
        other => Some(format!("{name}: {other}\n")),
    };
    names.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use shared::format::{Detected, samples};

    use super::*;

    fn source(bytes: &[u8]) -> Source {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Source::open(file.path()).unwrap()
    }

    fn bare() -> Described {
        Described { container_format: "bare".to_owned(), ..Described::default() }
    }

    #[test]
    fn the_bytes_tell_the_format() {
        for (name, bytes) in samples::all() {
            let expected = match name {
                "qcow2" => DiskFormat::Qcow2,
                "vmdk" => DiskFormat::Vmdk,
                "iso" => DiskFormat::Iso,
                "gpt" => DiskFormat::Raw,
                _ => continue,
            };
            assert_eq!(detected(&source(&bytes)), Ok(expected), "{name}");
        }
        for bytes in ["any bytes", ""] {
            assert_eq!(detected(&source(bytes.as_bytes())), Ok(DiskFormat::Raw));
        }
    }

    #[test]
    fn what_the_service_would_refuse_is_told_before() {
        let refusal = |bytes: &[u8], format| check(&source(bytes), format).unwrap_err().to_string();
        let text = refusal(&samples::qcow2_on("/etc/passwd"), DiskFormat::Qcow2);
        assert!(text.contains("backing_file") && text.contains("--anyway"), "{text}");
        assert!(refusal(b"no vdi", DiskFormat::Vdi).contains("vdi"));
        assert_eq!(check(&source(&samples::qcow2(3)), DiskFormat::Qcow2), Ok(()));
    }

    #[test]
    fn two_formats_at_once_are_for_people_to_decide() {
        let detected_one =
            |format| Detected { format, virtual_size: None, trailing: false, failures: Vec::new() };
        let content = |formats: &[Format]| Content {
            size: 1,
            formats: formats.iter().map(|format| detected_one(*format)).collect(),
        };
        assert_eq!(told_by(&content(&[Format::Gpt, Format::Iso])), Ok(DiskFormat::Iso));
        let why = told_by(&content(&[Format::Qcow2, Format::Vmdk])).unwrap_err();
        assert_eq!(why, "looks like qcow2 and vmdk at once");
    }

    #[test]
    fn what_is_not_said_is_left_to_the_service() {
        let id = ImageId::from_random(1);
        assert_eq!(
            body(&id, "web", DiskFormat::Raw, &bare()).to_string(),
            format!(r#"{{"container_format":"bare","disk_format":"raw","id":"{id}","name":"web"}}"#)
        );
        let all = Described {
            property: vec![("os_distro".to_owned(), "debian".to_owned())],
            tag: vec!["t".to_owned()],
            visibility: Some("shared".to_owned()),
            min_disk: Some(1),
            min_ram: Some(2),
            protected: true,
            ..bare()
        };
        let body = body(&id, "web", DiskFormat::Raw, &all);
        assert_eq!(
            (&body["os_distro"], &body["tags"][0], &body["protected"]),
            (&"debian".into(), &"t".into(), &true.into())
        );
        assert_eq!(
            (&body["min_disk"], &body["min_ram"], &body["visibility"]),
            (&1.into(), &2.into(), &"shared".into())
        );
    }
}
