//! Members and their rows.

use super::*;
use crate::catalog::record::MemberRecord;
use crate::image::{Member, MemberStatus};

fn member(number: u32, project: &str) -> Member {
    let at = Timestamp::from_microseconds(NOW + 500);
    let status = MemberStatus::Pending;
    Member { image: id(number), project: project.parse().unwrap(), status, created_at: at, updated_at: at }
}

fn answered(member: &Member, status: MemberStatus) -> Member {
    let updated_at = member.updated_at.plus(std::time::Duration::from_micros(1));
    Member { status, updated_at, ..member.clone() }
}

/// An image that is shared with some projects.
async fn shared(catalog: &Catalog, projects: impl IntoIterator<Item = String>) -> Stored {
    catalog.create(&image(1), &any()).await.unwrap();
    for project in projects {
        let seen = catalog.find(&id(1)).await.unwrap().unwrap();
        catalog.add_member(&seen, &member(1, &project)).await.unwrap();
    }
    catalog.find(&id(1)).await.unwrap().unwrap()
}

async fn of(catalog: &Catalog) -> Vec<String> {
    let members = catalog.members(&id(1)).await.unwrap().into_iter();
    members.map(|member| format!("{} {}", member.project, member.status.name())).collect()
}

fn written_to(sheet: &Sheet) -> Vec<String> {
    let written = std::mem::take(&mut *sheet.written.lock().unwrap());
    written.into_iter().map(|change| change.replace(id(1).as_str(), "ID")).collect()
}

#[test]
fn a_member_is_read_and_written_as_it_ever_was() {
    let golden: Attributes = serde_json::from_str(include_str!("../golden/member-1.json")).unwrap();
    let record: MemberRecord = decode(golden.clone()).unwrap();
    assert_eq!(record.status, MemberStatus::Accepted);
    assert_eq!(record.updated_at.microseconds() - record.created_at.microseconds(), 131_999_997);
    assert_eq!(encode(&record).unwrap(), golden);
}

#[tokio::test]
async fn a_member_comes_stays_and_goes_with_its_row() {
    let (catalog, sheet) = catalog(1);
    let seen = shared(&catalog, []).await;
    written_to(&sheet);
    let pending = member(1, "p2");
    catalog.add_member(&seen, &pending).await.unwrap();
    let row = "put list#member#p2#0 000001Z";
    assert_eq!(written_to(&sheet), ["put image#ID record", "put image#ID member", row]);
    assert_eq!(catalog.member(&id(1), &pending.project).await.unwrap(), Some(pending.clone()));

    let accepted = answered(&pending, MemberStatus::Accepted);
    catalog.set_member(&seen.image, &pending, &accepted).await.unwrap();
    assert_eq!(written_to(&sheet), ["put image#ID member", row]);
    assert_eq!(of(&catalog).await, ["p2 accepted"]);
    let rows = catalog.table.query(&Query::partition("list#member#p2#0", 10)).await.unwrap().items;
    let expected = json!({"image": id(1), "status": "accepted"});
    assert_eq!(rows.iter().map(|row| Value::Object(row.attributes.clone())).collect::<Vec<_>>(), [expected]);

    let seen = catalog.find(&id(1)).await.unwrap().unwrap();
    assert_eq!(seen.image, Image { members: 1, ..image(1) });
    catalog.remove_member(&seen, &pending.project).await.unwrap();
    let gone = ["put image#ID record", "remove image#ID member", "remove list#member#p2#0 000001Z"];
    assert_eq!(written_to(&sheet), gone);
    assert_eq!(catalog.find(&id(1)).await.unwrap().unwrap().image, image(1));
    assert_eq!(of(&catalog).await, [""; 0]);
}

#[tokio::test]
async fn what_came_first_decides() {
    let (catalog, _) = catalog(1);
    let seen = shared(&catalog, ["p2".to_owned()]).await;
    let first = member(1, "p2");
    let lost =
        |changed: Result<(), ChangeError>| assert!(matches!(changed, Err(ChangeError::Lost)), "{changed:?}");
    lost(catalog.add_member(&seen, &first).await);
    lost(catalog.remove_member(&seen, &"p3".parse().unwrap()).await);
    catalog.add_member(&seen, &member(1, "p3")).await.unwrap();
    lost(catalog.add_member(&seen, &member(1, "p4")).await);
    lost(catalog.remove_member(&seen, &first.project).await);

    let accepted = answered(&first, MemberStatus::Accepted);
    catalog.set_member(&seen.image, &first, &accepted).await.unwrap();
    lost(catalog.set_member(&seen.image, &first, &answered(&first, MemberStatus::Rejected)).await);
    let seen = catalog.find(&id(1)).await.unwrap().unwrap();
    catalog.remove_member(&seen, &first.project).await.unwrap();
    lost(catalog.set_member(&seen.image, &accepted, &answered(&accepted, MemberStatus::Rejected)).await);
    assert_eq!(of(&catalog).await, ["p3 pending"], "nobody came back");
}

#[tokio::test]
async fn members_are_no_other_items_of_the_image() {
    let (catalog, _) = catalog(1);
    let projects = ["a#b", "z", "é", "member#", "blob#"];
    let seen = shared(&catalog, projects.map(str::to_owned)).await;
    let lease = Due {
        at: Timestamp::from_microseconds(NOW),
        location: location(&image(1), "default", "01ARYZ6S41ZZZZZZZZZZZZZZZZ"),
    };
    let saving = Image { status: Status::Saving, upload: Some(lease.location.clone()), ..seen.image.clone() };
    catalog.begin_upload(&seen, &saving, &lease, &any()).await.unwrap();
    let mut expected = projects.map(|project| format!("{project} pending"));
    expected.sort();
    assert_eq!(of(&catalog).await, expected);
    let too_long = "\u{10ffff}".repeat(255).parse().unwrap();
    assert_eq!(catalog.member(&id(1), &too_long).await.unwrap(), None, "what has no key is no member");
}

#[tokio::test]
async fn more_members_than_a_query_reads_or_a_write_takes_are_read_and_removed() {
    let (catalog, sheet) = catalog(1);
    let seen = shared(&catalog, (0..300).map(|number| format!("p{number:03}"))).await;
    assert_eq!((seen.image.members, of(&catalog).await.len()), (300, 300));
    let now = Timestamp::from_microseconds(NOW + 1000);
    let deleted = Image { status: Status::Deleted, members: 0, ..seen.image.clone() };
    catalog.delete(&seen, &deleted, now).await.unwrap();

    let due = catalog.due_members(now, None, 10).await.unwrap();
    assert_eq!(due, [DueMembers { at: now, image: id(1) }]);
    assert_eq!(catalog.due_members(now, due.last(), 10).await.unwrap(), []);
    let mut rounds = 1;
    while !catalog.remove_members(&due[0], &deleted).await.unwrap() {
        assert_eq!(catalog.due_members(now, None, 10).await.unwrap(), due, "due until the last is gone");
        rounds += 1;
    }
    assert_eq!(rounds, 7, "49 at a time");
    let left: Vec<_> = sheet.items.lock().unwrap().keys().cloned().collect();
    assert_eq!(left, [key::image(&id(1))], "the record stays");
    assert!(catalog.remove_members(&due[0], &deleted).await.unwrap(), "a second run changes nothing");
}

#[tokio::test]
async fn an_image_without_members_leaves_nothing_due() {
    let (catalog, _) = catalog(1);
    let seen = shared(&catalog, []).await;
    let deleted = Image { status: Status::Deleted, ..seen.image.clone() };
    catalog.delete(&seen, &deleted, Timestamp::from_microseconds(NOW)).await.unwrap();
    assert_eq!(catalog.due_members(Timestamp::from_microseconds(i64::MAX), None, 10).await.unwrap(), []);
}
