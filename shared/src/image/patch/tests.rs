use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::image::NewImage;
use crate::time::Timestamp;

fn image() -> Image {
    let body = json!({"name": "web-base", "os_distro": "debian", "tags": ["lts"]});
    let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
    NewImage::parse(body).unwrap().into_image(id, None, Timestamp::from_microseconds(0)).unwrap()
}

fn patch(form: PatchForm, body: Value) -> Result<Image> {
    Patch::parse(form, body)?.apply(&image(), anything)
}

fn v21(op: &str, path: &str, value: impl Into<Value>) -> Result<Image> {
    patch(PatchForm::V21, json!([{"op": op, "path": path, "value": value.into()}]))
}

fn anything(_: PropertyAction, _: &str) -> bool {
    true
}

#[test]
fn add_overwrites_in_v21_and_is_refused_in_v20() {
    assert_eq!(v21("add", "/name", json!("new")).unwrap().name.as_deref(), Some("new"));
    assert_eq!(v21("add", "/os_distro", json!("arch")).unwrap().properties["os_distro"], "arch");
    for path in ["/name", "/os_distro"] {
        let refused = patch(PatchForm::V20, json!([{"add": path, "value": "x"}]));
        assert!(matches!(refused, Err(Error::Conflict(_))), "{path}");
    }
    let added = patch(PatchForm::V20, json!([{"add": "/os_type", "value": "linux"}])).unwrap();
    assert_eq!(added.properties["os_type"], "linux");
}

#[test]
fn replace_and_remove_want_a_property_that_is_there() {
    assert_eq!(v21("replace", "/os_distro", json!("arch")).unwrap().properties["os_distro"], "arch");
    assert!(v21("remove", "/os_distro", json!(null)).unwrap().properties.is_empty());
    for op in ["replace", "remove"] {
        assert!(matches!(v21(op, "/os_type", json!("linux")), Err(Error::Conflict(_))), "{op}");
    }
}

#[test]
fn a_base_attribute_is_never_removed_and_the_services_never_changed() {
    for (op, path) in [
        ("remove", "/name"),
        ("remove", "/tags"),
        ("replace", "/id"),
        ("add", "/status"),
        ("replace", "/os_hash_value"),
        ("add", "/stores"),
        ("add", "/locations"),
        ("add", "/locations/-"),
        ("add", "/deleted"),
        ("add", "/os_glance_stage_host"),
        ("replace", "/extra_properties"),
    ] {
        assert!(matches!(v21(op, path, json!("x")), Err(Error::Forbidden(_))), "{op} {path}");
    }
}

#[test]
fn formats_change_only_while_queued() {
    let change =
        Patch::parse(PatchForm::V21, json!([{"op": "replace", "path": "/disk_format", "value": "raw"}]))
            .unwrap();
    assert!(change.apply(&image(), anything).is_ok());
    for status in Status::ALL.into_iter().filter(|status| *status != Status::Queued) {
        let image = Image { status, ..image() };
        assert!(matches!(change.apply(&image, anything), Err(Error::Forbidden(_))), "{status:?}");
    }
}

#[test]
fn what_is_malformed_is_invalid() {
    for body in [
        json!({"op": "add"}),
        json!(["add"]),
        json!([{"path": "/name", "value": "x"}]),
        json!([{"op": "move", "path": "/name", "value": "x"}]),
        json!([{"op": "add", "value": "x"}]),
        json!([{"op": "add", "path": 7, "value": "x"}]),
        json!([{"op": "add", "path": "/name"}]),
        json!([{"op": "add", "path": "name", "value": "x"}]),
        json!([{"op": "add", "path": "/name/", "value": "x"}]),
        json!([{"op": "add", "path": "/tags/-", "value": "x"}]),
        json!([{"op": "add", "path": "/a~2b", "value": "x"}]),
        json!([{"op": "add", "path": "/a~", "value": "x"}]),
        json!([{"op": "add", "path": "/", "value": "x"}]),
        json!([{"op": "add", "path": "/os_type", "value": null}]),
    ] {
        assert!(matches!(patch(PatchForm::V21, body.clone()), Err(Error::Invalid(_))), "{body}");
    }
    for body in [json!([{"value": "x"}]), json!([{"add": "/a", "replace": "/a", "value": "x"}])] {
        assert!(matches!(patch(PatchForm::V20, body.clone()), Err(Error::Invalid(_))), "{body}");
    }
}

#[test]
fn the_media_type_decides_the_form() {
    let v21 = PatchForm::from_media_type(Some("application/openstack-images-v2.1-json-patch; charset=utf-8"));
    assert_eq!(v21.unwrap(), PatchForm::V21);
    for other in [None, Some("application/json"), Some("")] {
        assert!(matches!(PatchForm::from_media_type(other), Err(Error::MediaType { .. })), "{other:?}");
    }
}

proptest! {
    #[test]
    fn any_property_name_can_be_addressed(name in "[a-z~/ ]{1,12}", value in "\\PC{0,8}") {
        prop_assume!(kind(&name) == Kind::Custom && !name.starts_with('/'));
        prop_assume!(value.chars().all(|letter| letter <= '\u{ffff}'));
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let patched = v21("add", &path, json!(value)).unwrap();
        prop_assert_eq!(&patched.properties[&name], &value);
        let removal = Patch::parse(PatchForm::V21, json!([{"op": "remove", "path": path}])).unwrap();
        prop_assert_eq!(removal.apply(&patched, anything).unwrap(), image());
    }

    #[test]
    fn no_document_panics(body in any_json()) {
        for form in [PatchForm::V20, PatchForm::V21] {
            let _ = patch(form, body.clone());
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word =
        prop_oneof![Just("op"), Just("add"), Just("path"), Just("value"), Just("/name"), Just("remove")];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|n| json!(n)),
        word.clone().prop_map(|w| json!(w))
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
