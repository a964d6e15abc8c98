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
    told(Policy::default().check(operation, caller, Target::image(image)))
}

fn told(checked: Result<()>) -> char {
    match checked {
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
fn an_image_without_owner_is_changed_by_none_and_seen_unless_it_is_private() {
    for (project, roles) in [("p1", &["member", "reader"]), ("", &["member", "reader"])] {
        let who = Caller::new(project.parse().ok(), None, roles);
        let (shared, private) = (image(None, Visibility::Shared), image(None, Visibility::Private));
        assert_eq!(outcome(Operation::GetImage, &who, &shared), '+');
        assert_eq!(outcome(Operation::ModifyImage, &who, &shared), '-');
        assert_eq!(outcome(Operation::GetImage, &who, &private), '?');
    }
}

#[test]
fn members_see_who_shares_and_answer_for_themselves() {
    use Operation::{AddMember, DeleteMember, DownloadImage, GetImage, GetMember, GetMembers, ModifyMember};
    let operations = [GetImage, DownloadImage, GetMembers, GetMember, AddMember, ModifyMember, DeleteMember];
    let image = image(Some("p1"), Visibility::Shared);
    for (who, is_member, expected) in [
        (caller("p1", &["member", "reader"]), false, "+++++-+"),
        (caller("p1", &["reader"]), false, "+-++---"),
        (caller("p2", &["member", "reader"]), true, "++++-+-"),
        (caller("p2", &["reader"]), true, "+-++---"),
        (caller("p2", &["member", "reader"]), false, "???????"),
        (caller("ops", &["admin"]), false, "+++++++"),
    ] {
        let outcome = |operation: &Operation| {
            told(Policy::default().check(*operation, &who, Target::image(&image).shared(is_member)))
        };
        assert_eq!(operations.iter().map(outcome).collect::<String>(), expected, "{who:?} {is_member}");
    }
}

#[test]
fn what_has_no_image_is_forbidden_and_never_absent() {
    use Operation::{AddTask, GetImages, StoresInfoDetail, TasksApiAccess};
    for (who, expected) in [
        (caller("ops", &["admin"]), "++++"),
        (caller("p1", &["member", "reader"]), "+--+"),
        (caller("p1", &["member"]), "---+"),
        (caller("service", &["service"]), "-+-+"),
    ] {
        let outcome = |operation| told(Policy::default().check(operation, &who, Target::own()));
        let outcomes = [GetImages, StoresInfoDetail, TasksApiAccess, AddTask].map(outcome);
        assert_eq!(outcomes.iter().collect::<String>(), expected, "{who:?}");
    }
}

#[test]
fn a_token_of_the_system_or_of_a_domain_is_refused_everything() {
    let public = image(Some("p1"), Visibility::Public);
    for (scope, word) in [(Scope::System, "the system"), (Scope::Domain, "a domain")] {
        let who = caller("p1", &["admin", "member", "reader", "service"]).scoped(scope);
        for operation in Operation::ALL {
            for target in
                [Target::image(&public), Target::new_image(&public), Target::own(), Target::nothing()]
            {
                assert!(!Policy::default().allows(*operation, &who, target), "{operation:?}");
                match Policy::default().check(*operation, &who, target) {
                    Err(Error::Forbidden(text)) => assert!(text.contains(word), "{text}"),
                    other => panic!("{operation:?}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_member_who_is_no_reader_changes_what_they_cannot_show() {
    let (image, who) = (image(Some("p1"), Visibility::Private), caller("p1", &["member"]));
    assert_eq!(outcome(Operation::ModifyImage, &who, &image), '+');
    assert_eq!(outcome(Operation::GetImage, &who, &image), '?');
}

#[test]
fn a_deleted_image_is_absent_for_everybody() {
    for status in [Status::Deleted, Status::PendingDelete] {
        let image = Image { status, ..image(Some("p1"), Visibility::Public) };
        assert_eq!(outcome(Operation::GetImage, &caller("ops", &["admin"]), &image), '?');
    }
}

mod protections;
mod rules;
