use serde_json::json;

use super::*;
use crate::image::{NewImage, Status};
use crate::time::Timestamp;

fn image(owner: Option<&str>, visibility: Visibility) -> Image {
    let id = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
    let owner = owner.map(|owner| owner.parse().unwrap());
    let image =
        NewImage::parse(json!({})).unwrap().into_image(id, owner, Timestamp::from_microseconds(0)).unwrap();
    Image { visibility, ..image }
}

fn caller(project: &str, roles: &[&str]) -> Caller {
    Caller::new(Some(project.parse().unwrap()), None, roles)
}

/// `+` allowed, `-` forbidden, `?` answered as absent.
fn outcome(operation: Operation, caller: &Caller, image: &Image) -> char {
    match Policy::default().check(operation, caller, Target::image(image)) {
        Ok(()) => '+',
        Err(Error::Forbidden(_)) => '-',
        Err(Error::NotFound(_)) => '?',
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn rules_answer_as_the_reference_does() {
    use Operation::{DeleteImage, DownloadImage, GetImage, ModifyImage, PublicizeImage, UploadImage};
    let admin = caller("ops", &["Admin"]);
    let member = caller("p1", &["member", "reader"]);
    let reader = caller("p1", &["reader"]);
    let stranger = caller("p2", &["member", "reader"]);
    let roleless = caller("p1", &[]);
    let operations = [GetImage, DownloadImage, ModifyImage, UploadImage, DeleteImage, PublicizeImage];
    for (visibility, who, expected) in [
        (Visibility::Private, &admin, "++++++"),
        (Visibility::Private, &member, "+++++-"),
        (Visibility::Private, &reader, "+-----"),
        (Visibility::Private, &stranger, "??????"),
        (Visibility::Private, &roleless, "??????"),
        (Visibility::Shared, &stranger, "??????"),
        (Visibility::Community, &stranger, "++----"),
        (Visibility::Public, &stranger, "++----"),
        (Visibility::Public, &reader, "+-----"),
    ] {
        let image = image(Some("p1"), visibility);
        let outcomes: String = operations.iter().map(|operation| outcome(*operation, who, &image)).collect();
        assert_eq!(outcomes, expected, "{visibility:?} {who:?}");
    }
}

#[test]
fn an_image_without_owner_is_seen_by_all_and_changed_by_none() {
    let (image, member) = (image(None, Visibility::Private), caller("p1", &["member", "reader"]));
    assert_eq!(outcome(Operation::GetImage, &member, &image), '+');
    assert_eq!(outcome(Operation::ModifyImage, &member, &image), '-');
}

#[test]
fn a_deleted_image_is_absent_for_everybody() {
    for status in [Status::Deleted, Status::PendingDelete] {
        let image = Image { status, ..image(Some("p1"), Visibility::Public) };
        assert_eq!(outcome(Operation::GetImage, &caller("ops", &["admin"]), &image), '?');
    }
}
