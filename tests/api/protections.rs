//! Custom properties that an operator protects. The file is this process's, so a deployed service is not asked.

use serde_json::{Value, json};
use shared::policy::{Policy, ProtectionFormat, Protections};
use tests::callers::{ADMIN, MEMBER, READER};
use tests::request::V20;
use tests::world::World;

use super::Lines;

/// Who sells licences: a member who may more.
const SELLER: &str = "p1:member,reader,seller";

const FILE: &str = "\
[^licence]
create = seller
read = seller,admin
update = seller
delete = seller
[^seen]
create = seller
read = @
update = !
delete = !
[^drop]
create = member
read = seller
update = @
delete = @
[^free]
create = @
read = @
update = @
delete = @
";

fn world() -> World {
    let protections = Protections::parse(FILE).unwrap();
    World::governed(Policy::default().protecting(protections, ProtectionFormat::Roles))
}

async fn sold(world: &World) -> String {
    world.made(SELLER, json!({"name": "sold", "licence": "gold", "seen": "1", "free": "x"})).await
}

fn properties(image: &Value) -> String {
    let properties = ["licence", "seen", "drop", "free"].into_iter();
    let there = properties.filter_map(|name| Some(format!("{name}={}", image.get(name)?.as_str()?)));
    there.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_property_shows_itself_to_those_who_may_read_it() {
    let world = world();
    let path = sold(&world).await;
    let mut lines = Lines::default();
    for (who, token) in [("seller", SELLER), ("member", MEMBER), ("reader", READER), ("admin", ADMIN)] {
        lines.add(who, properties(&world.get(token, &path).await.json()));
        let page = world.get(token, "/v2/images").await.json();
        lines.add(format!("{who}, listed"), properties(&page["images"][0]));
        let found = world.get(token, "/v2/images?licence=gold").await;
        lines.add(format!("{who}, by licence"), found.names());
    }
    insta::assert_snapshot!(lines, @r"
    seller → licence=gold seen=1 free=x
    seller, listed → licence=gold seen=1 free=x
    seller, by licence → sold
    member → seen=1 free=x
    member, listed → seen=1 free=x
    member, by licence → nothing
    reader → seen=1 free=x
    reader, listed → seen=1 free=x
    reader, by licence → nothing
    admin → licence=gold seen=1 free=x
    admin, listed → licence=gold seen=1 free=x
    admin, by licence → sold
    ");
}

#[tokio::test]
async fn an_image_is_made_with_properties_that_its_maker_may_create() {
    let world = world();
    let mut lines = Lines::default();
    for (who, token) in [("seller", SELLER), ("member", MEMBER), ("admin", ADMIN)] {
        for name in ["licence", "drop", "free", "other"] {
            let answer = world.post(token, json!({name: "1"})).await;
            let shown = if answer.status == 201 { properties(&answer.json()) } else { String::new() };
            lines.add(format!("{who}: {name}"), format!("{} {shown}", answer.line()).trim());
        }
    }
    insta::assert_snapshot!(lines, @r"
    seller: licence → 201 licence=1
    seller: drop → 201 drop=1
    seller: free → 201 free=1
    seller: other → 403 Property 'other' is protected.
    member: licence → 403 Property 'licence' is protected.
    member: drop → 201
    member: free → 201 free=1
    member: other → 403 Property 'other' is protected.
    admin: licence → 403 Property 'licence' is protected.
    admin: drop → 201
    admin: free → 201 free=1
    admin: other → 403 Property 'other' is protected.
    ");
}

#[tokio::test]
async fn a_patch_changes_what_its_sender_may_and_leaves_what_is_hidden() {
    let world = world();
    let mut lines = Lines::default();
    let of = |op: &str, name: &str| json!({"op": op, "path": format!("/{name}"), "value": "2"});
    for (who, token) in [("seller", SELLER), ("member", MEMBER)] {
        for (op, name) in [
            ("add", "licence"),
            ("replace", "licence"),
            ("remove", "licence"),
            ("add", "seen"),
            ("remove", "seen"),
            ("add", "drop"),
            ("remove", "free"),
            ("add", "other"),
        ] {
            let path = sold(&world).await;
            let answer = world.patch(token, &path, json!([of(op, name)])).await;
            let shown = if answer.status == 200 { properties(&answer.json()) } else { String::new() };
            let kept = properties(&world.get(SELLER, &path).await.json());
            lines.add(format!("{who}: {op} {name}"), format!("{} {shown}| {kept}", answer.line()));
        }
    }
    let path = sold(&world).await;
    let mixed = json!([of("add", "free"), {"op": "replace", "path": "/name", "value": "n"}]);
    lines.add("member: free and name", properties(&world.patch(MEMBER, &path, mixed).await.json()));
    lines.add("kept", properties(&world.get(SELLER, &path).await.json()));
    let both = json!([of("add", "free"), of("replace", "licence")]);
    lines.add("member: free and licence", world.patch(MEMBER, &path, both).await.line());
    let old = json!([{"add": "/licence", "value": "2"}]);
    let old =
        world.call("PATCH", &path).by(MEMBER).header("content-type", V20).body(old.to_string().as_bytes());
    lines.add("member: add licence, v2.0", old.send().await.line());
    lines.add("kept", properties(&world.get(SELLER, &path).await.json()));
    insta::assert_snapshot!(lines, @r"
    seller: add licence → 200 licence=2 seen=1 free=x| licence=2 seen=1 free=x
    seller: replace licence → 200 licence=2 seen=1 free=x| licence=2 seen=1 free=x
    seller: remove licence → 200 seen=1 free=x| seen=1 free=x
    seller: add seen → 403 Property 'seen' is protected. | licence=gold seen=1 free=x
    seller: remove seen → 403 Property 'seen' is protected. | licence=gold seen=1 free=x
    seller: add drop → 200 licence=gold seen=1 drop=2 free=x| licence=gold seen=1 drop=2 free=x
    seller: remove free → 200 licence=gold seen=1| licence=gold seen=1
    seller: add other → 403 Property 'other' is protected. | licence=gold seen=1 free=x
    member: add licence → 403 Property 'licence' is protected. | licence=gold seen=1 free=x
    member: replace licence → 409 Property licence does not exist. | licence=gold seen=1 free=x
    member: remove licence → 409 Property licence does not exist. | licence=gold seen=1 free=x
    member: add seen → 403 Property 'seen' is protected. | licence=gold seen=1 free=x
    member: remove seen → 403 Property 'seen' is protected. | licence=gold seen=1 free=x
    member: add drop → 200 seen=1 free=x| licence=gold seen=1 drop=2 free=x
    member: remove free → 200 seen=1| licence=gold seen=1
    member: add other → 403 Property 'other' is protected. | licence=gold seen=1 free=x
    member: free and name → seen=1 free=2
    kept → licence=gold seen=1 free=2
    member: free and licence → 409 Property licence does not exist.
    member: add licence, v2.0 → 403 Property 'licence' is protected.
    kept → licence=gold seen=1 free=2
    ");
}
