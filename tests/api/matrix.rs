//! Every route against every kind of caller, as docs/policy.md says it.
//!
//! What is expected is worked out here from the document's words, a second time and by nothing of the service: who the caller
//! is, what they see, which rule the route has, and how a refusal is told.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use shared::policy::{Policy, Rules};
use tests::request::{V20, V21};
use tests::service::Service;
use tests::world::World;

use super::openapi::operations;
use super::routes::is_by_url;

/// Who calls. The images belong to p1, and those that are shared, are so with p3.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact the rules ask for, alone")]
struct Who {
    name: &'static str,
    token: &'static str,
    service_token: Option<&'static str>,
    project: &'static str,
    reader: bool,
    member: bool,
    admin: bool,
    service: bool,
    /// Whether the token is a project's, and not the system's or a domain's.
    scoped: bool,
}

const NOBODY: Who = Who {
    name: "no token",
    token: "",
    service_token: None,
    project: "",
    reader: false,
    member: false,
    admin: false,
    service: false,
    scoped: true,
};

const fn who(name: &'static str, token: &'static str, project: &'static str) -> Who {
    Who { name, token, project, ..NOBODY }
}

const fn reader(who: Who) -> Who {
    Who { reader: true, ..who }
}

const fn member(who: Who) -> Who {
    Who { member: true, ..reader(who) }
}

const CALLERS: [Who; 15] = [
    NOBODY,
    member(who("member of a stranger project", "p2:member,reader", "p2")),
    member(who("member of a project it is shared with", "p3:member,reader", "p3")),
    reader(who("reader of a project it is shared with", "p3:reader", "p3")),
    who("without a role in the project", "p1:other", "p1"),
    reader(who("reader", "p1:reader", "p1")),
    member(who("member", "p1:member,reader", "p1")),
    member(who("member, in capitals", "p1:Member,READER", "p1")),
    member(who("manager", "p1:manager,member,reader", "p1")),
    Who { admin: true, ..who("admin", "ops:admin", "ops") },
    Who { admin: true, ..member(who("admin of the project", "p1:admin,manager,member,reader", "p1")) },
    Who { service: true, ..who("service", "services:service", "services") },
    Who {
        service_token: Some("services:service,admin,member"),
        ..reader(who("reader by a service", "p1:reader", "p1"))
    },
    Who { scoped: false, admin: true, ..member(who("of the system", "<system>:admin,member,reader", "")) },
    Who { scoped: false, admin: true, ..member(who("of a domain", "<domain>:admin,member,reader", "")) },
];

const VISIBILITIES: [&str; 4] = ["private", "shared", "community", "public"];

/// Who a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Everybody, without a token.
    Open,
    /// Whoever has a token.
    Token,
    /// Whoever has a token of a project.
    Project,
    /// `get_images`
    List,
    /// `add_image`
    Create,
    /// `tasks_api_access`
    Tasks,
    /// `stores_info_detail`
    Stores,
    /// `get_image`
    Show,
    /// `download_image`
    Download,
    /// `modify_image`, `delete_image`, `upload_image`, `deactivate`, `reactivate`, `communitize_image`
    Modify,
    /// `modify_image`, then `publicize_image` unless the image is public already
    Publicize,
    /// `delete_image_location`
    RemoveFromStore,
    /// `fetch_image_location`
    Locations,
    /// `add_image_location`
    AddLocation,
    /// `get_members`, of shared images alone
    ListMembers,
    /// `get_member`, of shared images alone
    ShowMember,
    /// `add_member`, `delete_member`, of shared images alone
    ChangeMembers,
    /// `modify_member` by p3, of shared images alone
    AnswerAsMember,
}

/// A route, what it is sent, whose it is, what it answers when it may, and whether the image has data.
type Route = (&'static str, &'static str, &'static str, Rule, u16, bool);

const ROUTES: [Route; 61] = [
    ("GET", "/", "", Rule::Open, 300, false),
    ("GET", "/versions", "", Rule::Open, 200, false),
    ("GET", "/versions/", "", Rule::Open, 200, false),
    ("GET", "/healthcheck", "", Rule::Open, 200, false),
    ("HEAD", "/healthcheck", "", Rule::Open, 204, false),
    ("GET", "/openapi.json", "", Rule::Open, 200, false),
    ("GET", "/v2/schemas/image", "", Rule::Token, 200, false),
    ("GET", "/v2/schemas/images", "", Rule::Token, 200, false),
    ("GET", "/v2/schemas/member", "", Rule::Token, 200, false),
    ("GET", "/v2/schemas/members", "", Rule::Token, 200, false),
    ("GET", "/v2/schemas/task", "", Rule::Token, 200, false),
    ("GET", "/v2/schemas/tasks", "", Rule::Token, 200, false),
    ("GET", "/v2/info/import", "", Rule::Token, 200, false),
    ("GET", "/v2/info/stores", "", Rule::Token, 200, false),
    ("GET", "/v2/info/stores/detail", "", Rule::Stores, 200, false),
    ("GET", "/v2/info/usage", "", Rule::Project, 200, false),
    ("GET", "/v2/images", "", Rule::List, 200, false),
    ("POST", "/v2/images", "{}", Rule::Create, 201, false),
    ("GET", "/v2/images/{image_id}", "", Rule::Show, 200, false),
    ("HEAD", "/v2/images/{image_id}", "", Rule::Show, 200, false),
    ("PATCH", "/v2/images/{image_id}", "[]", Rule::Modify, 200, false),
    ("PATCH", "/v2/images/{image_id}", r#"[{"replace": "/name", "value": "n"}]"#, Rule::Modify, 200, true),
    (
        "PATCH",
        "/v2/images/{image_id}",
        r#"[{"op": "replace", "path": "/visibility", "value": "public"}]"#,
        Rule::Publicize,
        200,
        false,
    ),
    (
        "PATCH",
        "/v2/images/{image_id}",
        r#"[{"op": "add", "path": "/visibility", "value": "community"}]"#,
        Rule::Modify,
        200,
        false,
    ),
    ("DELETE", "/v2/images/{image_id}", "", Rule::Modify, 204, false),
    ("DELETE", "/v2/images/{image_id}", "", Rule::Modify, 204, true),
    ("PUT", "/v2/images/{image_id}/tags/{tag}", "", Rule::Modify, 204, false),
    ("DELETE", "/v2/images/{image_id}/tags/{tag}", "", Rule::Modify, 204, false),
    ("GET", "/v2/images/{image_id}/members", "", Rule::ListMembers, 200, false),
    ("POST", "/v2/images/{image_id}/members", r#"{"member": "p9"}"#, Rule::ChangeMembers, 200, false),
    ("GET", "/v2/images/{image_id}/members/{member_id}", "", Rule::ShowMember, 200, false),
    (
        "PUT",
        "/v2/images/{image_id}/members/{member_id}",
        r#"{"status": "accepted"}"#,
        Rule::AnswerAsMember,
        200,
        false,
    ),
    ("DELETE", "/v2/images/{image_id}/members/{member_id}", "", Rule::ChangeMembers, 204, false),
    ("POST", "/v2/images/{image_id}/actions/deactivate", "", Rule::Modify, 204, true),
    ("POST", "/v2/images/{image_id}/actions/reactivate", "", Rule::Modify, 204, true),
    ("DELETE", "/v2/stores/{store_id}/{image_id}", "", Rule::RemoveFromStore, 409, false),
    // It is the last one.
    ("DELETE", "/v2/stores/{store_id}/{image_id}", "", Rule::RemoveFromStore, 403, true),
    ("GET", "/v2/images/{image_id}/locations", "", Rule::Locations, 200, false),
    ("GET", "/v2/images/{image_id}/locations", "", Rule::Locations, 200, true),
    // It has data already.
    (
        "POST",
        "/v2/images/{image_id}/locations",
        r#"{"url": "https://images.example/a"}"#,
        Rule::AddLocation,
        409,
        true,
    ),
    ("GET", "/v2/images/{image_id}/file", "", Rule::Download, 200, true),
    ("GET", "/v2/images/{image_id}/file", "", Rule::Download, 204, false),
    ("PUT", "/v2/images/{image_id}/file", "abc", Rule::Modify, 204, false),
    ("PUT", "/v2/images/{image_id}/file", "abc", Rule::Modify, 409, true),
    ("PUT", "/v2/images/{image_id}/stage", "abc", Rule::Modify, 204, false),
    ("PUT", "/v2/images/{image_id}/stage", "abc", Rule::Modify, 409, true),
    // Nothing was staged.
    (
        "POST",
        "/v2/images/{image_id}/import",
        r#"{"method": {"name": "glance-direct"}}"#,
        Rule::Modify,
        409,
        false,
    ),
    ("POST", "/v2/images/{image_id}/uploads", r#"{"size": 3}"#, Rule::Modify, 201, false),
    ("POST", "/v2/images/{image_id}/uploads", r#"{"size": 3}"#, Rule::Modify, 409, true),
    ("GET", "/v2/images/{image_id}/uploads", "", Rule::Modify, 200, false),
    ("GET", "/v2/images/{image_id}/uploads/{upload_id}", "", Rule::Modify, 404, false),
    ("DELETE", "/v2/images/{image_id}/uploads/{upload_id}", "", Rule::Modify, 404, false),
    ("POST", "/v2/images/{image_id}/uploads/{upload_id}/complete", "", Rule::Modify, 404, false),
    ("POST", "/v2/images/{image_id}/uploads/{upload_id}/parts", r#"{"parts": []}"#, Rule::Modify, 404, false),
    // By its URL alone, whoever asks.
    ("PUT", "/v2/images/{image_id}/uploads/{upload_id}/parts/{number}", "abc", Rule::Open, 403, false),
    ("GET", "/v2/images/{image_id}/objects/{object_id}", "", Rule::Open, 403, false),
    ("GET", "/v2/images/{image_id}/tasks", "", Rule::Show, 200, false),
    ("GET", "/v2/tasks", "", Rule::Tasks, 200, false),
    (
        "POST",
        "/v2/tasks",
        r#"{"type": "import", "input": {"import_from": "https://images.example/a"}}"#,
        Rule::Tasks,
        201,
        false,
    ),
    ("GET", "/v2/tasks/{task_id}", "", Rule::Tasks, 404, false),
    ("DELETE", "/v2/tasks/{task_id}", "", Rule::Tasks, 405, false),
];

/// What docs/policy.md promises.
fn expected(who: &Who, (_, _, _, rule, answer, _): Route, visibility: &str) -> u16 {
    if rule == Rule::Open {
        return answer;
    }
    if who.token.is_empty() {
        return 401;
    }
    if rule == Rule::Token {
        return answer;
    }
    if !who.scoped {
        return 403;
    }
    let owner = who.project == "p1";
    let shared_with = visibility == "shared" && who.project == "p3";
    let sees = who.admin || owner || shared_with || ["community", "public"].contains(&visibility);
    let shows = sees && (who.admin || who.reader);
    let modifies = who.admin || (who.member && owner);
    let allowed = match rule {
        Rule::Open | Rule::Token | Rule::Project => true,
        Rule::List => who.admin || who.reader,
        // The image would be the caller's own.
        Rule::Create => who.admin || who.member,
        Rule::Tasks | Rule::RemoveFromStore => who.admin,
        Rule::Stores => who.admin || who.service,
        Rule::Locations => who.admin || (who.service && sees),
        Rule::AddLocation => modifies || (who.service && sees),
        Rule::Show => shows,
        Rule::Download => who.admin || (who.member && sees),
        Rule::Modify | Rule::ChangeMembers => modifies,
        Rule::Publicize => modifies && (who.admin || visibility == "public"),
        Rule::ListMembers | Rule::ShowMember => who.admin || (who.reader && (owner || shared_with)),
        Rule::AnswerAsMember => who.admin || (who.member && shared_with),
    };
    let of_members =
        matches!(rule, Rule::ListMembers | Rule::ShowMember | Rule::ChangeMembers | Rule::AnswerAsMember);
    let of_no_image = matches!(rule, Rule::List | Rule::Create | Rule::Tasks | Rule::Stores);
    match (allowed, of_no_image) {
        (true, _) if !of_members || visibility == "shared" => answer,
        (_, true) => 403,
        _ if rule == Rule::ShowMember || !shows => 404,
        _ => 403,
    }
}

/// An image of p1 that is as the route wants it.
async fn image(service: &Service, visibility: &str, has_data: bool) -> String {
    const OPS: &str = "ops:admin";
    let path = service
        .made(
            OPS,
            json!({
                "owner": "p1", "visibility": visibility, "tags": ["a"], "disk_format": "raw", "container_format": "bare",
            }),
        )
        .await;
    if visibility == "shared" {
        let members = format!("{path}/members");
        assert_eq!(
            service.call("POST", &members).by(OPS).json(&json!({"member": "p3"})).send().await.status,
            200
        );
    }
    if has_data {
        assert_eq!(service.put_file(OPS, &path, b"abc").await.status, 204);
    }
    path
}

/// How many rows are asked at a time: a deployed service takes its time for each call.
const AT_ONCE: usize = 16;

/// Answers that are not as expected, where the image is of one of `visibilities`.
async fn wrong(
    service: &Service,
    routes: impl Iterator<Item = Route>,
    visibilities: &[&'static str],
) -> Vec<String> {
    let rows = routes.flat_map(|route| {
        let count = if route.1.contains("{image_id}") { visibilities.len() } else { 1 };
        visibilities.iter().take(count).map(move |visibility| (route, *visibility))
    });
    let rows = stream::iter(rows).map(|(route, visibility)| wrong_in(service, route, visibility));
    rows.buffered(AT_ONCE).concat().await
}

/// Those of one row.
async fn wrong_in(service: &Service, route: Route, visibility: &str) -> Vec<String> {
    let (method, path, body, _, _, has_data) = route;
    let media_type = match (method, body.contains("\"op\"")) {
        ("PATCH", true) => V21,
        ("PATCH", false) => V20,
        _ => "application/octet-stream",
    };
    let mut wrong = Vec::new();
    let mut untouched = None;
    for who in &CALLERS {
        let made = match untouched.take() {
            Some(made) => made,
            None if path.contains("{image_id}") => image(service, visibility, has_data).await,
            None => String::new(),
        };
        let there = path
            .replace("/v2/images/{image_id}", &made)
            .replace("{image_id}", made.rsplit('/').next().unwrap_or_default())
            .replace("{tag}", "a")
            .replace("{store_id}", "default")
            .replace("{member_id}", "p3")
            .replace("{upload_id}", "01ARYZ6S41ZZZZZZZZZZZZZZZZ")
            .replace("{object_id}", "01ARYZ6S41ZZZZZZZZZZZZZZZZ")
            .replace("{number}", "1")
            .replace("{task_id}", "00000000-0000-4000-8000-00000000ffff");
        let mut call = service.call(method, &there).header("content-type", media_type);
        if !who.token.is_empty() {
            call = call.by(who.token);
        }
        if let Some(token) = who.service_token {
            call = call.header("x-service-token", token);
        }
        if !body.is_empty() {
            call = call.body(body.as_bytes());
        }
        let (told, expected) = (call.send().await.status.as_u16(), expected(who, route, visibility));
        if told != expected {
            wrong.push(format!("{method} {path} {body}, {visibility}, {}: {told}, not {expected}", who.name));
        }
        untouched = Some(made).filter(|_| told >= 400 || ["GET", "HEAD"].contains(&method));
    }
    wrong
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_rules_are_written() {
    // Deployed, the rules are the same code: what can differ there is who the gateway says calls.
    let visibilities = if Service::is_deployed() { &VISIBILITIES[1..2] } else { &VISIBILITIES[..] };
    let routes = ROUTES.into_iter().filter(|(_, path, ..)| Service::has_its_own_store() || !is_by_url(path));
    let wrong = wrong(&Service::empty().await, routes, visibilities).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The matrix sees what it is there to see. The rules are this process's, so a deployed service is not asked.
#[tokio::test]
async fn a_rule_that_differs_does_not_pass() {
    let rules = Rules::parse("publicize_image: rule:modify_image\nget_images: role:nobody").unwrap();
    let world = World::governed(Policy::new(rules));
    let differing =
        ROUTES.into_iter().filter(|(.., rule, _, _)| [Rule::Publicize, Rule::List].contains(rule));
    let told: BTreeSet<_> = wrong(&world, differing, &VISIBILITIES).await.into_iter().collect();
    let publicized = told.iter().filter(|line| line.ends_with(": 200, not 403")).count();
    let unlisted = told.iter().filter(|line| line.ends_with(": 403, not 200")).count();
    // Three members of p1, on an image of each visibility but public; the ten who may list.
    assert_eq!((publicized, unlisted, told.len()), (9, 10, 19), "{told:#?}");
}

#[test]
fn every_route_that_is_described_is_in_the_matrix() {
    let matrix: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, ..)| ((*path).to_owned(), (*method).to_owned())).collect();
    let missing: Vec<_> = operations().difference(&matrix).cloned().collect();
    assert_eq!(missing, []);
}

#[test]
fn every_caller_has_a_name_of_its_own() {
    assert_eq!(CALLERS.iter().map(|who| who.name).collect::<BTreeSet<_>>().len(), CALLERS.len());
}
