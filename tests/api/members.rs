use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::service::Service;
use tests::world::MAX_MEMBERS;

use super::Lines;

/// A reader of the project that a stranger is of.
const STRANGERS_READER: &str = "p2:reader";
/// A member of a third project.
const OTHER: &str = "p3:member,reader";

async fn add(service: &Service, token: &str, image: &str, member: impl Into<Value>) -> Answer {
    let body = json!({"member": member.into()});
    service.call("POST", &format!("{image}/members")).by(token).json(&body).send().await
}

async fn set(service: &Service, token: &str, image: &str, member: &str, status: &str) -> Answer {
    let path = format!("{image}/members/{member}");
    service.call("PUT", &path).by(token).json(&json!({"status": status})).send().await
}

async fn remove(service: &Service, token: &str, image: &str, member: &str) -> Answer {
    service.call("DELETE", &format!("{image}/members/{member}")).by(token).send().await
}

/// The members a caller finds, or why it finds none.
async fn found(service: &Service, token: &str, image: &str) -> String {
    let answer = service.get(token, &format!("{image}/members")).await;
    if !answer.status.is_success() {
        return answer.line();
    }
    let page = answer.json();
    let members = page["members"].as_array().unwrap().iter();
    let members = members.map(|member| {
        format!("{} {}", member["member_id"].as_str().unwrap(), member["status"].as_str().unwrap())
    });
    let members: Vec<_> = members.collect();
    if members.is_empty() { "nobody".to_owned() } else { members.join(", ") }
}

async fn visible(service: &Service, image: &str, visibility: &str) {
    let change = json!([{"op": "replace", "path": "/visibility", "value": visibility}]);
    assert_eq!(service.patch(ADMIN, image, change).await.line(), "200");
}

#[tokio::test]
async fn an_image_is_shared_with_a_member_and_no_more() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    insta::assert_snapshot!(add(&service, MEMBER, &image, "p2").await, @r#"
    200 OK
    content-length: 189
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "created_at": "<time>",
      "image_id": "<id 1>",
      "member_id": "p2",
      "schema": "/v2/schemas/member",
      "status": "pending",
      "updated_at": "<time>"
    }
    "#);
    insta::assert_snapshot!(service.get(STRANGER, &format!("{image}/members")).await, @r#"
    200 OK
    content-length: 234
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "members": [
        {
          "created_at": "<time>",
          "image_id": "<id 1>",
          "member_id": "p2",
          "schema": "/v2/schemas/member",
          "status": "pending",
          "updated_at": "<time>"
        }
      ],
      "schema": "/v2/schemas/members"
    }
    "#);
    let shown = service.get(READER, &format!("{image}/members/p2")).await;
    assert_eq!(shown.json()["status"], "pending");
    let accepted = set(&service, STRANGER, &image, "p2", "accepted").await;
    assert_eq!((accepted.status.as_u16(), &accepted.json()["status"]), (200, &json!("accepted")));
    assert_eq!(found(&service, MEMBER, &image).await, "p2 accepted");
    insta::assert_snapshot!(remove(&service, MEMBER, &image, "p2").await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    assert_eq!(found(&service, MEMBER, &image).await, "nobody");
    assert_eq!(service.get(STRANGER, &image).await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_member_sees_and_downloads_whatever_it_makes_of_the_image_and_changes_nothing() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    assert_eq!(service.put_file(MEMBER, &image, b"abc").await.line(), "204");
    let file = format!("{image}/file");
    assert_eq!(service.get(STRANGER, &file).await.status.as_u16(), 404);
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    for status in ["pending", "accepted", "rejected"] {
        assert_eq!(set(&service, STRANGER, &image, "p2", status).await.line(), "200");
        assert_eq!(service.get(STRANGER, &image).await.status.as_u16(), 200, "{status}");
        assert_eq!(service.get(STRANGER, &file).await.body.as_ref(), b"abc", "{status}");
        assert_eq!(service.get(STRANGERS_READER, &file).await.status.as_u16(), 403, "{status}");
        assert_eq!(service.get(OTHER, &image).await.status.as_u16(), 404, "{status}");
    }
    let mut lines = Lines::default();
    let rename = json!([{"op": "replace", "path": "/name", "value": "mine"}]);
    lines.answer("patch", &service.patch(STRANGER, &image, rename).await);
    lines.answer("tag", &service.call("PUT", &format!("{image}/tags/a")).by(STRANGER).send().await);
    lines.answer("upload", &service.put_file(STRANGER, &image, b"abc").await);
    lines.answer("share on", &add(&service, STRANGER, &image, "p3").await);
    lines.answer("leave", &remove(&service, STRANGER, &image, "p2").await);
    let deactivate = format!("{image}/actions/deactivate");
    lines.answer("deactivate", &service.call("POST", &deactivate).by(STRANGER).send().await);
    lines.answer("delete", &service.call("DELETE", &image).by(STRANGER).send().await);
    insta::assert_snapshot!(lines, @r#"
    patch → 403 You are not authorized to complete this action.
    tag → 403 You are not authorized to complete this action.
    upload → 403 You are not authorized to complete this action.
    share on → 403 You are not authorized to complete this action.
    leave → 403 You are not authorized to complete this action.
    deactivate → 403 You are not authorized to complete this action.
    delete → 403 You are not authorized to complete this action.
    "#);
}

#[tokio::test]
async fn only_the_member_or_the_administrator_says_what_it_makes_of_the_image() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    for member in ["p2", "p3"] {
        assert_eq!(add(&service, MEMBER, &image, member).await.line(), "200");
    }
    let mut lines = Lines::default();
    for (who, token) in [
        ("the owner", MEMBER),
        ("a reader of the owner's", READER),
        ("another member", OTHER),
        ("a reader of the member's", STRANGERS_READER),
        ("nobody's", "p9:member,reader"),
        ("the member", STRANGER),
        ("the administrator", ADMIN),
    ] {
        lines.answer(who, &set(&service, token, &image, "p2", "rejected").await);
    }
    lines.answer("who is none", &set(&service, ADMIN, &image, "p9", "accepted").await);
    insta::assert_snapshot!(lines, @r#"
    the owner → 403 You are not authorized to complete this action.
    a reader of the owner's → 403 You are not authorized to complete this action.
    another member → 404 p2 not found in the member list of the image <id 1>.
    a reader of the member's → 403 You are not authorized to complete this action.
    nobody's → 404 No image found with ID <id 1>
    the member → 200
    the administrator → 200
    who is none → 404 p9 not found in the member list of the image <id 1>.
    "#);
    assert_eq!(found(&service, ADMIN, &image).await, "p2 rejected, p3 pending");
}

#[tokio::test]
async fn a_member_finds_only_itself() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    for member in ["p3", "p2"] {
        assert_eq!(add(&service, MEMBER, &image, member).await.line(), "200");
    }
    let mut lines = Lines::default();
    for (who, token) in [
        ("owner", MEMBER),
        ("reader", READER),
        ("admin", ADMIN),
        ("p2", STRANGER),
        ("p3", OTHER),
        ("p9", "p9:reader"),
    ] {
        lines.add(format!("{who} lists"), found(&service, token, &image).await);
        let shown = service.get(token, &format!("{image}/members/p2")).await;
        lines.answer(format!("{who} shows p2"), &shown);
    }
    lines.answer("who is none", &service.get(MEMBER, &format!("{image}/members/p9")).await);
    let long = format!("{image}/members/{}", "x".repeat(256));
    lines.add("a longer id than any", service.get(MEMBER, &long).await.status);
    insta::assert_snapshot!(lines, @r#"
    owner lists → p2 pending, p3 pending
    owner shows p2 → 200
    reader lists → p2 pending, p3 pending
    reader shows p2 → 200
    admin lists → p2 pending, p3 pending
    admin shows p2 → 200
    p2 lists → p2 pending
    p2 shows p2 → 200
    p3 lists → p3 pending
    p3 shows p2 → 404 p2 not found in the member list of the image <id 1>.
    p9 lists → 404 No image found with ID <id 1>
    p9 shows p2 → 404 No image found with ID <id 1>
    who is none → 404 p9 not found in the member list of the image <id 1>.
    a longer id than any → 404 Not Found
    "#);
}

#[tokio::test]
async fn only_a_shared_image_has_members_and_keeps_them_while_it_is_none() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    assert_eq!(set(&service, STRANGER, &image, "p2", "accepted").await.line(), "200");
    let mut lines = Lines::default();
    for visibility in ["private", "community", "public"] {
        visible(&service, &image, visibility).await;
        lines.add(format!("{visibility}: list"), found(&service, MEMBER, &image).await);
        lines.answer("add", &add(&service, MEMBER, &image, "p3").await);
        lines.answer("show", &service.get(MEMBER, &format!("{image}/members/p2")).await);
        lines.answer("set", &set(&service, ADMIN, &image, "p2", "rejected").await);
        lines.answer("remove", &remove(&service, MEMBER, &image, "p2").await);
        lines.answer("add, stranger", &add(&service, STRANGER, &image, "p3").await);
        lines.add("list, stranger", found(&service, STRANGER, &image).await);
        lines.answer("the image, stranger", &service.get(STRANGER, &image).await);
    }
    visible(&service, &image, "shared").await;
    lines.add("shared again", found(&service, MEMBER, &image).await);
    lines.answer("the image, stranger", &service.get(STRANGER, &image).await);
    insta::assert_snapshot!(lines, @r#"
    private: list → 403 Only shared images have members, and image <id 1> is private.
    add → 403 Only shared images have members, and image <id 1> is private.
    show → 404 p2 not found in the member list of the image <id 1>.
    set → 403 Only shared images have members, and image <id 1> is private.
    remove → 403 Only shared images have members, and image <id 1> is private.
    add, stranger → 404 No image found with ID <id 1>
    list, stranger → 404 No image found with ID <id 1>
    the image, stranger → 404 No image found with ID <id 1>
    community: list → 403 Only shared images have members, and image <id 1> is community.
    add → 403 Only shared images have members, and image <id 1> is community.
    show → 404 p2 not found in the member list of the image <id 1>.
    set → 403 Only shared images have members, and image <id 1> is community.
    remove → 403 Only shared images have members, and image <id 1> is community.
    add, stranger → 403 You are not authorized to complete this action.
    list, stranger → 403 You are not authorized to complete this action.
    the image, stranger → 200
    public: list → 403 Only shared images have members, and image <id 1> is public.
    add → 403 Only shared images have members, and image <id 1> is public.
    show → 404 p2 not found in the member list of the image <id 1>.
    set → 403 Only shared images have members, and image <id 1> is public.
    remove → 403 Only shared images have members, and image <id 1> is public.
    add, stranger → 403 You are not authorized to complete this action.
    list, stranger → 403 You are not authorized to complete this action.
    the image, stranger → 200
    shared again → p2 accepted
    the image, stranger → 200
    "#);
}

#[tokio::test]
async fn who_may_not_share_is_told_so_or_not_even_that_there_is_an_image() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    let mut lines = Lines::default();
    lines.answer("reader adds", &add(&service, READER, &image, "p2").await);
    lines.answer("stranger adds", &add(&service, STRANGER, &image, "p2").await);
    lines.answer("admin adds", &add(&service, ADMIN, &image, "p2").await);
    lines.answer("reader removes", &remove(&service, READER, &image, "p2").await);
    lines.answer("another removes", &remove(&service, OTHER, &image, "p2").await);
    lines.answer("admin removes", &remove(&service, ADMIN, &image, "p2").await);
    lines.answer("owner removes who is none", &remove(&service, MEMBER, &image, "p2").await);
    lines.answer("to no image", &add(&service, ADMIN, "/v2/images/web", "p2").await);
    insta::assert_snapshot!(lines, @r#"
    reader adds → 403 You are not authorized to complete this action.
    stranger adds → 404 No image found with ID <id 1>
    admin adds → 200
    reader removes → 403 You are not authorized to complete this action.
    another removes → 404 No image found with ID <id 1>
    admin removes → 204
    owner removes who is none → 404 p2 not found in the member list of the image <id 1>.
    to no image → 404 No image found with ID web
    "#);
}

#[tokio::test]
async fn a_malformed_request_is_refused() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    let members = format!("{image}/members");
    let mut lines = Lines::default();
    lines.answer("no body", &service.call("POST", &members).by(MEMBER).send().await);
    lines.answer("no JSON", &service.call("POST", &members).by(MEMBER).body(b"{").send().await);
    for body in [
        json!([]),
        json!("p2"),
        json!({}),
        json!({"member": ""}),
        json!({"member": null}),
        json!({"member": ["p2"]}),
        json!({"member": "x".repeat(256)}),
        json!({"member": "a/b"}),
        json!({"member": ".."}),
        json!({"member": "\u{1f600}"}),
    ] {
        lines.answer(
            format!("POST {body}"),
            &service.call("POST", &members).by(MEMBER).json(&body).send().await,
        );
    }
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    let member = format!("{members}/p2");
    lines.answer("no body", &service.call("PUT", &member).by(STRANGER).send().await);
    for body in
        [json!([]), json!({}), json!({"status": "maybe"}), json!({"status": null}), json!({"status": 1})]
    {
        lines.answer(
            format!("PUT {body}"),
            &service.call("PUT", &member).by(STRANGER).json(&body).send().await,
        );
    }
    insta::assert_snapshot!(lines, @r#"
    no body → 400 Body expected in request.
    no JSON → 400 Malformed JSON in request body.
    POST [] → 400 the request body must be a JSON object with 'member'
    POST "p2" → 400 the request body must be a JSON object with 'member'
    POST {} → 400 the request body must have 'member'
    POST {"member":""} → 400 member: must have 1 to 255 characters
    POST {"member":null} → 400 member: must be a project id, a string
    POST {"member":["p2"]} → 400 member: must be a project id, a string
    POST {"member":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (274) → 400 member: must have 1 to 255 characters
    POST {"member":"a/b"} → 400 member: must not be '.' or '..' nor have a '/' or a control character, for no path can name it
    POST {"member":".."} → 400 member: must not be '.' or '..' nor have a '/' or a control character, for no path can name it
    POST {"member":"😀"} → 400 member: characters beyond U+FFFF (4-byte unicode) are not supported
    no body → 400 Body expected in request.
    PUT [] → 400 the request body must be a JSON object with 'status'
    PUT {} → 400 the request body must have 'status'
    PUT {"status":"maybe"} → 400 status: must be one of pending, accepted, rejected
    PUT {"status":null} → 400 status: must be one of pending, accepted, rejected
    PUT {"status":1} → 400 status: must be one of pending, accepted, rejected
    "#);
    assert_eq!(found(&service, MEMBER, &image).await, "p2 pending");
}

#[tokio::test]
async fn a_member_is_any_text() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    let longest = "x".repeat(255);
    for (member, path) in [
        (json!(12), "12"),
        (json!("a b#c"), "a%20b%23c"),
        (json!("caf\u{e9}"), "caf%C3%A9"),
        (json!(longest), longest.as_str()),
    ] {
        let added = add(&service, MEMBER, &image, member.clone()).await;
        assert_eq!(added.line(), "200", "{member}");
        let text = member.as_str().map_or_else(|| member.to_string(), str::to_owned);
        assert_eq!(added.json()["member_id"], json!(text));
        let shown = service.get(MEMBER, &format!("{image}/members/{path}")).await;
        assert_eq!(shown.json()["member_id"], json!(text), "{member}");
        assert_eq!(remove(&service, MEMBER, &image, path).await.line(), "204", "{member}");
    }
}

#[tokio::test]
async fn who_is_a_member_is_no_member_twice_and_who_comes_back_begins_again() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    assert_eq!(set(&service, STRANGER, &image, "p2", "accepted").await.line(), "200");
    insta::assert_snapshot!(add(&service, MEMBER, &image, "p2").await.line(), @"409 Project p2 is already associated with image <id 1>.");
    assert_eq!(found(&service, MEMBER, &image).await, "p2 accepted");
    assert_eq!(remove(&service, MEMBER, &image, "p2").await.line(), "204");
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    assert_eq!(found(&service, MEMBER, &image).await, "p2 pending");
}

#[tokio::test]
async fn there_may_be_128_members() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    for number in 0..MAX_MEMBERS {
        assert_eq!(add(&service, MEMBER, &image, format!("m{number}")).await.line(), "200");
    }
    insta::assert_snapshot!(add(&service, MEMBER, &image, "more").await.line(), @"413 an image may have at most 128 members, not 129");
    assert_eq!(remove(&service, MEMBER, &image, "m5").await.line(), "204");
    assert_eq!(add(&service, MEMBER, &image, "more").await.line(), "200");
    assert_eq!(found(&service, MEMBER, &image).await.split(", ").count(), MAX_MEMBERS);
}

#[tokio::test]
async fn of_many_who_add_at_the_limit_as_many_get_through_as_there_is_room() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    for number in 0..MAX_MEMBERS - 3 {
        assert_eq!(add(&service, MEMBER, &image, format!("m{number}")).await.line(), "200");
    }
    let adds = (0..8).map(|number| {
        let (service, image) = (&service, &image);
        async move { add(service, MEMBER, image, format!("late{number}")).await.status.as_u16() }
    });
    let mut statuses = futures_util::future::join_all(adds).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 413, 413, 413, 413, 413]);
    assert_eq!(found(&service, MEMBER, &image).await.split(", ").count(), MAX_MEMBERS);
}

#[tokio::test]
async fn a_deleted_image_has_no_members() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    assert_eq!(add(&service, MEMBER, &image, "p2").await.line(), "200");
    assert_eq!(service.call("DELETE", &image).by(MEMBER).send().await.line(), "204");
    let mut lines = Lines::default();
    for token in [MEMBER, STRANGER, ADMIN] {
        lines.add("list", found(&service, token, &image).await);
        lines.answer("show", &service.get(token, &format!("{image}/members/p2")).await);
        lines.answer("set", &set(&service, token, &image, "p2", "accepted").await);
        lines.answer("remove", &remove(&service, token, &image, "p2").await);
        lines.answer("add", &add(&service, token, &image, "p3").await);
    }
    for line in lines.to_string().lines() {
        assert!(line.contains("404"), "{line}");
    }
}
