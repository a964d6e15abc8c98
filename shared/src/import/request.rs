//! What a request to import says (`POST /v2/images/{image_id}/import`).

use serde_json::{Map, Value};

use super::ImportMethod;
use crate::egress::Rules;
use crate::error::{Error, Result};
use crate::id::StoreId;
use crate::image::{Abroad, Image, ImportSource, Status};

/// The longest name of a region, in bytes, as Keystone keeps one.
const MAX_REGION_BYTES: usize = 255;

/// A request to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// Where the data is.
    pub source: ImportSource,
    /// Which stores are to have it.
    pub stores: Chosen,
    /// Whether it is given up when one of them fails.
    pub all_must_succeed: bool,
}

/// Which stores a request chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// None: the default one.
    Default,
    /// These, in their order.
    Named(Vec<String>),
    /// Every one that takes data.
    All,
}

/// What a deployment offers to imports.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    /// The ways that are enabled.
    pub methods: &'a [ImportMethod],
    /// The stores that take data, the default first.
    pub stores: &'a [StoreId],
    /// What may be fetched from.
    pub sources: &'a Rules,
}

impl ImportRequest {
    /// Reads a body and, if there is one, the header `X-Image-Meta-Store`.
    ///
    /// # Errors
    /// `Invalid`, naming the member and what it must be.
    pub fn read(body: &Value, header: Option<&str>, offer: &Offer<'_>) -> Result<Self> {
        let Value::Object(body) = body else {
            return Err(invalid("The request body must be a JSON object."));
        };
        let source = source(body, offer)?;
        let all = flag(body, "all_stores")?.unwrap_or(false);
        let all_must_succeed = flag(body, "all_stores_must_succeed")?;
        if all_must_succeed == Some(false) && offer.stores.len() < 2 {
            let why = "all_stores_must_succeed: there is one store alone, which has to";
            return Err(invalid(why));
        }
        let named = names(body)?;
        let stores = match (named, header, all) {
            (Some(_), _, true) => return Err(invalid("stores: must not be given with all_stores")),
            (None, Some(_), true) => {
                return Err(invalid("all_stores: must not be given with the header X-Image-Meta-Store"));
            }
            (Some(_), Some(_), false) => {
                return Err(invalid("stores: must not be given with the header X-Image-Meta-Store"));
            }
            (None, None, true) => Chosen::All,
            (Some(named), None, false) => Chosen::Named(named),
            (None, Some(header), false) => Chosen::Named(vec![header.to_owned()]),
            (None, None, false) => Chosen::Default,
        };
        Ok(Self { source, stores, all_must_succeed: all_must_succeed.unwrap_or(true) })
    }

    /// The stores that an image is to be brought to: none, when a copy was asked for to all and it is everywhere.
    ///
    /// # Errors
    /// `Conflict` when one is not there, or the image is not as this way of importing needs it; `Invalid` when it is in one already.
    pub fn targets(&self, image: &Image, offer: &Offer<'_>) -> Result<Vec<StoreId>> {
        self.check_status(image)?;
        let has = |id: &StoreId| image.in_store(id).is_some();
        match &self.stores {
            Chosen::Default => match offer.stores.first() {
                Some(default) if has(default) => Err(there_already(image, default)),
                default => Ok(default.cloned().into_iter().collect()),
            },
            Chosen::All => Ok(offer.stores.iter().filter(|id| !has(id)).cloned().collect()),
            Chosen::Named(names) => {
                let mut targets: Vec<StoreId> = Vec::new();
                for name in names {
                    let known = offer.stores.iter().find(|id| id.as_str() == name);
                    let id = known.ok_or_else(|| {
                        Error::Conflict(format!("stores: there is no store '{name}' that takes data"))
                    })?;
                    if has(id) {
                        return Err(there_already(image, id));
                    }
                    if !targets.contains(id) {
                        targets.push(id.clone());
                    }
                }
                Ok(targets)
            }
        }
    }

    fn check_status(&self, image: &Image) -> Result<()> {
        let needed = match self.source {
            ImportSource::GlanceDirect => Status::Uploading,
            ImportSource::WebDownload { .. } | ImportSource::GlanceDownload(_) => Status::Queued,
            ImportSource::CopyImage => Status::Active,
        };
        if image.status != needed {
            return Err(Error::Conflict(format!(
                "Image {} is {}: {} is only of one that is {}.",
                image.id,
                image.status.name(),
                ImportMethod::of(&self.source).name(),
                needed.name(),
            )));
        }
        for (name, is_set) in [
            ("container_format", image.container_format.is_some()),
            ("disk_format", image.disk_format.is_some()),
        ] {
            if !is_set {
                return Err(Error::Conflict(format!("'{name}' needs to be set before import")));
            }
        }
        Ok(())
    }
}

fn source(body: &Map<String, Value>, offer: &Offer<'_>) -> Result<ImportSource> {
    let Some(Value::Object(method)) = body.get("method") else {
        return Err(invalid("method: must be an object with the member name"));
    };
    let Some(Value::String(name)) = method.get("name") else {
        return Err(invalid("method.name: must be given, as a text"));
    };
    let enabled = || offer.methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ");
    let known = ImportMethod::parse(name).filter(|method| offer.methods.contains(method));
    Ok(
        match known
            .ok_or_else(|| invalid(format!("method.name: must be one of {}, not '{name}'", enabled())))?
        {
            ImportMethod::GlanceDirect => ImportSource::GlanceDirect,
            ImportMethod::CopyImage => ImportSource::CopyImage,
            ImportMethod::WebDownload => {
                let Some(Value::String(uri)) = method.get("uri") else {
                    return Err(invalid("method.uri: must be given, as the URL of the data"));
                };
                offer.sources.check(uri).map_err(|refusal| invalid(format!("method.uri: {refusal}")))?;
                ImportSource::WebDownload { uri: uri.clone() }
            }
            ImportMethod::GlanceDownload => ImportSource::GlanceDownload(abroad(method)?),
        },
    )
}

/// An image of another region. Which regions and endpoints there are is told to who asks there.
fn abroad(method: &Map<String, Value>) -> Result<Box<Abroad>> {
    let text = |name: &str, what: &str| match method.get(name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_REGION_BYTES => Ok(text.clone()),
        _ => Err(invalid(format!(
            "method.{name}: must be given, as {what} of {MAX_REGION_BYTES} bytes at most"
        ))),
    };
    let region = text("glance_region", "the name of a region")?;
    let image = text("glance_image_id", "the UUID of an image there")?;
    let image = image.parse().map_err(|_| {
        invalid(format!("method.glance_image_id: Remote image id does not look like a UUID: {image}"))
    })?;
    let interface = match method.get("glance_service_interface") {
        None => "public".to_owned(),
        Some(_) => text("glance_service_interface", "public, internal or admin")?,
    };
    Ok(Box::new(Abroad { region, interface, image }))
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(invalid(format!("{name}: must be true or false, not {other}"))),
    }
}

fn names(body: &Map<String, Value>) -> Result<Option<Vec<String>>> {
    let wrong = || invalid("stores: must be a list of at least one store's id");
    match body.get("stores") {
        None => Ok(None),
        Some(Value::Array(stores)) if !stores.is_empty() => {
            let names = stores.iter().map(|store| store.as_str().map(str::to_owned));
            names.collect::<Option<Vec<_>>>().map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

fn there_already(image: &Image, store: &StoreId) -> Error {
    invalid(format!("stores: image {} is in store '{store}' already", image.id))
}

fn invalid(text: impl Into<String>) -> Error {
    Error::Invalid(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::image::{Location, NewImage};

    const WAYS: &[ImportMethod] = &ImportMethod::ALL;

    const REMOTE: &str = "36d4b546-64a2-4bb9-bdd0-ba676aa48f2c";

    fn stores(names: &[&str]) -> Vec<StoreId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn read(body: &Value, header: Option<&str>) -> Result<ImportRequest, String> {
        let (stores, sources) = (stores(&["near", "far"]), Rules::default());
        let offer = Offer { methods: WAYS, stores: &stores, sources: &sources };
        ImportRequest::read(body, header, &offer).map_err(|error| error.to_string())
    }

    fn direct(more: &Value) -> Value {
        let mut body = json!({"method": {"name": "glance-direct"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    fn image(status: Status, held: &[&str]) -> Image {
        let body = json!({"disk_format": "raw", "container_format": "bare"});
        let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        let now = crate::time::Timestamp::from_microseconds(0);
        let image = NewImage::parse(body).unwrap().into_image(id, None, now).unwrap();
        let key: crate::store::ObjectKey =
            format!("{}/01ARYZ6S41ZZZZZZZZZZZZZZZZ", image.id).try_into().unwrap();
        let at = |store: &&str| Location { store: store.parse().unwrap(), key: key.clone() };
        Image { status, locations: held.iter().map(at).collect(), ..image }
    }

    #[test]
    fn stores_are_chosen_by_a_list_a_header_all_or_not_at_all() {
        for (more, header, chosen) in [
            (json!({}), None, Chosen::Default),
            (
                json!({"stores": ["far", "near"]}),
                None,
                Chosen::Named(vec!["far".to_owned(), "near".to_owned()]),
            ),
            (json!({}), Some("far"), Chosen::Named(vec!["far".to_owned()])),
            (json!({"all_stores": true}), None, Chosen::All),
            (json!({"all_stores": false}), None, Chosen::Default),
        ] {
            assert_eq!(read(&direct(&more), header).unwrap().stores, chosen);
        }
        assert!(read(&direct(&json!({})), None).unwrap().all_must_succeed, "unless somebody says otherwise");
        assert!(!read(&direct(&json!({"all_stores_must_succeed": false})), None).unwrap().all_must_succeed);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let web = |uri: Value| json!({"method": {"name": "web-download", "uri": uri}});
        for (body, header, fault) in [
            (json!([]), None, "The request body must be a JSON object."),
            (json!({}), None, "method: must be an object with the member name"),
            (json!({"method": {}}), None, "method.name: must be given, as a text"),
            (
                json!({"method": {"name": "carrier-pigeon"}}),
                None,
                "method.name: must be one of glance-direct, web-download, copy-image, glance-download, not 'carrier-pigeon'",
            ),
            (
                abroad(&json!({"glance_region": null})),
                None,
                "method.glance_region: must be given, as the name of a region of 255 bytes at most",
            ),
            (
                abroad(&json!({"glance_image_id": 5})),
                None,
                "method.glance_image_id: must be given, as the UUID of an image there of 255 bytes at most",
            ),
            (
                abroad(&json!({"glance_image_id": "foo"})),
                None,
                "method.glance_image_id: Remote image id does not look like a UUID: foo",
            ),
            (
                abroad(&json!({"glance_service_interface": ""})),
                None,
                "method.glance_service_interface: must be given, as public, internal or admin of 255 bytes at most",
            ),
            (web(Value::Null), None, "method.uri: must be given, as the URL of the data"),
            (web(json!("file:///etc/passwd")), None, "method.uri: its scheme must be http or https"),
            (direct(&json!({"all_stores": 1})), None, "all_stores: must be true or false, not 1"),
            (direct(&json!({"stores": []})), None, "stores: must be a list of at least one store's id"),
            (direct(&json!({"stores": [1]})), None, "stores: must be a list of at least one store's id"),
            (
                direct(&json!({"stores": ["far"], "all_stores": true})),
                None,
                "stores: must not be given with all_stores",
            ),
            (
                direct(&json!({"stores": ["far"]})),
                Some("near"),
                "stores: must not be given with the header X-Image-Meta-Store",
            ),
            (
                direct(&json!({"all_stores": true})),
                Some("near"),
                "all_stores: must not be given with the header X-Image-Meta-Store",
            ),
        ] {
            assert_eq!(read(&body, header).unwrap_err(), fault, "{body}");
        }
    }

    fn abroad(change: &Value) -> Value {
        let mut method = json!({"name": "glance-download", "glance_region": "R2", "glance_image_id": REMOTE});
        method.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "method": method })
    }

    #[test]
    fn an_image_abroad_has_a_region_an_id_and_an_interface() {
        for (change, interface) in
            [(json!({}), "public"), (json!({"glance_service_interface": "internal"}), "internal")]
        {
            let expected = Abroad {
                region: "R2".to_owned(),
                interface: interface.to_owned(),
                image: REMOTE.parse().unwrap(),
            };
            let source = ImportSource::GlanceDownload(Box::new(expected));
            assert_eq!(read(&abroad(&change), None).unwrap().source, source);
        }
    }

    #[test]
    fn one_store_alone_has_to_succeed() {
        let (stores, sources) = (stores(&["near"]), Rules::default());
        let offer = Offer { methods: WAYS, stores: &stores, sources: &sources };
        let body = direct(&json!({"all_stores_must_succeed": false}));
        let error = ImportRequest::read(&body, None, &offer).unwrap_err();
        assert_eq!(error.to_string(), "all_stores_must_succeed: there is one store alone, which has to");
    }

    #[test]
    fn data_goes_to_stores_that_are_there_and_have_it_not() {
        let (ids, sources) = (stores(&["near", "far"]), Rules::default());
        let offer = Offer { methods: WAYS, stores: &ids, sources: &sources };
        let copy = |stores| ImportRequest { source: ImportSource::CopyImage, stores, all_must_succeed: true };
        let active = image(Status::Active, &["near"]);
        assert_eq!(copy(Chosen::All).targets(&active, &offer).unwrap(), stores(&["far"]));
        let everywhere = image(Status::Active, &["near", "far"]);
        assert_eq!(copy(Chosen::All).targets(&everywhere, &offer).unwrap(), []);
        let twice = Chosen::Named(vec!["far".to_owned(), "far".to_owned()]);
        assert_eq!(copy(twice).targets(&active, &offer).unwrap(), stores(&["far"]));
        for (chosen, fault) in [
            (Chosen::Named(vec!["attic".to_owned()]), "stores: there is no store 'attic' that takes data"),
            (
                Chosen::Named(vec!["near".to_owned()]),
                "stores: image 0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11 is in store 'near' already",
            ),
            (
                Chosen::Default,
                "stores: image 0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11 is in store 'near' already",
            ),
        ] {
            assert_eq!(copy(chosen).targets(&active, &offer).unwrap_err().to_string(), fault);
        }
    }

    #[test]
    fn each_way_is_of_an_image_in_one_status_with_both_formats() {
        let (ids, sources) = (stores(&["near"]), Rules::default());
        let offer = Offer { methods: WAYS, stores: &ids, sources: &sources };
        let web = ImportSource::WebDownload { uri: "https://images.example/a".to_owned() };
        for (source, status) in [
            (ImportSource::GlanceDirect, Status::Uploading),
            (web, Status::Queued),
            (ImportSource::CopyImage, Status::Active),
        ] {
            let request = ImportRequest { source, stores: Chosen::All, all_must_succeed: true };
            for other in
                [Status::Queued, Status::Saving, Status::Uploading, Status::Active, Status::Deactivated]
            {
                let outcome = request.targets(&image(other, &[]), &offer);
                assert_eq!(outcome.is_ok(), other == status, "{request:?} {other:?}");
            }
            let formless = Image { disk_format: None, ..image(status, &[]) };
            let error = request.targets(&formless, &offer).unwrap_err();
            assert!(matches!(error, Error::Conflict(_)) && error.to_string().contains("disk_format"));
        }
    }
}
