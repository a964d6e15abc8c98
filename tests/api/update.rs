use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::{V20, V21};
use tests::service::Service;
use tests::world::World;

use super::Lines;

/// An image that every patch finds as it was made: one that was changed is replaced by another.
struct Fresh {
    service: Service,
    image: Option<(String, Bytes)>,
}

impl Fresh {
    async fn new() -> Self {
        Self { service: Service::empty().await, image: None }
    }

    /// What a patch is answered, by the member who made the image.
    async fn patched(&mut self, changes: Value) -> String {
        let (path, before) = if let Some(image) = self.image.take() {
            image
        } else {
            let body = json!({"name": "web", "os_distro": "debian", "tags": ["lts"]});
            let made = self.service.post(MEMBER, body).await;
            (made.json()["self"].as_str().unwrap().to_owned(), made.body)
        };
        let answer = self.service.patch(MEMBER, &path, changes).await;
        if answer.status.as_u16() != 200 {
            assert_eq!(self.service.get(MEMBER, &path).await.body, before, "all or nothing");
            self.image = Some((path, before));
        }
        answer.line()
    }
}

fn one(op: &str, path: &str, value: impl Into<Value>) -> Value {
    json!([{"op": op, "path": path, "value": value.into()}])
}

#[tokio::test]
async fn a_patch_answers_the_whole_image_as_it_is_now() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"name": "web", "os_distro": "debian"})).await;
    let changes = json!([
        {"op": "replace", "path": "/name", "value": "web-base"},
        {"op": "add", "path": "/min_disk", "value": 5},
        {"op": "add", "path": "/tags", "value": ["lts", "web"]},
        {"op": "add", "path": "/os_version", "value": "13"},
        {"op": "replace", "path": "/os_distro", "value": "trixie"},
        {"op": "remove", "path": "/os_version"},
        {"op": "add", "path": "/a~1b~0c", "value": "decoded"},
    ]);
    insta::assert_snapshot!(service.patch(MEMBER, &path, changes).await, @r#"
    200 OK
    content-length: 589
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "a/b~c": "decoded",
      "checksum": null,
      "container_format": null,
      "created_at": "<time>",
      "disk_format": null,
      "file": "/v2/images/<id 1>/file",
      "id": "<id 1>",
      "min_disk": 5,
      "min_ram": 0,
      "name": "web-base",
      "os_distro": "trixie",
      "os_hash_algo": null,
      "os_hash_value": null,
      "os_hidden": false,
      "owner": "p1",
      "protected": false,
      "schema": "/v2/schemas/image",
      "self": "/v2/images/<id 1>",
      "size": null,
      "status": "queued",
      "tags": [
        "lts",
        "web"
      ],
      "updated_at": "<time>",
      "virtual_size": null,
      "visibility": "shared"
    }
    "#);
}

/// In process: the times are the test's.
#[tokio::test]
async fn an_image_says_when_it_was_made_and_when_it_was_changed() {
    let world = World::default();
    let path = world.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let mut lines = Lines::default();
    let times = |image: Value| format!("{} {}", image["created_at"], image["updated_at"]);
    lines.add("made", times(world.get(MEMBER, &path).await.json()));
    world.clock.advance(Duration::from_mins(1));
    lines.add("patched with nothing", times(world.patch(MEMBER, &path, json!([])).await.json()));
    lines.add("patched", times(world.patch(MEMBER, &path, one("add", "/name", "web")).await.json()));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.call("PUT", &format!("{path}/tags/lts")).by(MEMBER).send().await.line(), "204");
    lines.add("tagged", times(world.get(MEMBER, &path).await.json()));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.put_file(MEMBER, &path, b"abc").await.line(), "204");
    lines.add("uploaded", times(world.get(MEMBER, &path).await.json()));
    insta::assert_snapshot!(lines, @r#"
    made → "2026-10-01T08:00:00Z" "2026-10-01T08:00:00Z"
    patched with nothing → "2026-10-01T08:00:00Z" "2026-10-01T08:00:00Z"
    patched → "2026-10-01T08:00:00Z" "2026-10-01T08:01:00Z"
    tagged → "2026-10-01T08:00:00Z" "2026-10-01T08:02:00Z"
    uploaded → "2026-10-01T08:00:00Z" "2026-10-01T08:03:00Z"
    "#);
}

#[tokio::test]
async fn an_empty_patch_saves_nothing() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"name": "patched"})).await;
    service.made(MEMBER, json!({"name": "younger"})).await;
    let before = service.get(MEMBER, &path).await;
    let by_change = async || service.get(MEMBER, "/v2/images?sort=updated_at:asc").await.names();
    let answer = service.patch(MEMBER, &path, json!([])).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, before.body));
    assert_eq!(by_change().await, "patched younger");
    assert_eq!(service.patch(MEMBER, &path, one("add", "/os_distro", "debian")).await.line(), "200");
    assert_eq!(by_change().await, "younger patched", "a patch of something is a change");
}

#[tokio::test]
async fn add_overwrites_and_replace_and_remove_need_what_they_name() {
    let mut image = Fresh::new().await;
    let mut lines = Lines::default();
    for changes in [
        one("add", "/name", "other"),
        one("add", "/name", Value::Null),
        one("add", "/os_distro", "fedora"),
        one("replace", "/os_distro", "fedora"),
        one("replace", "/absent", "x"),
        json!([{"op": "remove", "path": "/os_distro"}]),
        json!([{"op": "remove", "path": "/absent"}]),
        json!([{"op": "remove", "path": "/name"}]),
        json!([{"op": "remove", "path": "/tags"}]),
        json!([{"op": "remove", "path": "/visibility"}]),
        one("add", "//name", "other"),
        one("replace", "/tags", json!([])),
    ] {
        lines.add(&changes, image.patched(changes.clone()).await);
    }
    insta::assert_snapshot!(lines, @r#"
    [{"op":"add","path":"/name","value":"other"}] → 200
    [{"op":"add","path":"/name","value":null}] → 200
    [{"op":"add","path":"/os_distro","value":"fedora"}] → 200
    [{"op":"replace","path":"/os_distro","value":"fedora"}] → 200
    [{"op":"replace","path":"/absent","value":"x"}] → 409 Property absent does not exist.
    [{"op":"remove","path":"/os_distro"}] → 200
    [{"op":"remove","path":"/absent"}] → 409 Property absent does not exist.
    [{"op":"remove","path":"/name"}] → 403 Property name may not be removed.
    [{"op":"remove","path":"/tags"}] → 403 Property tags may not be removed.
    [{"op":"remove","path":"/visibility"}] → 403 Property visibility may not be removed.
    [{"op":"add","path":"//name","value":"other"}] → 200
    [{"op":"replace","path":"/tags","value":[]}] → 200
    "#);
}

#[tokio::test]
async fn a_malformed_patch_is_refused() {
    let mut image = Fresh::new().await;
    let mut lines = Lines::default();
    for changes in [
        json!({}),
        json!("x"),
        json!([1]),
        json!([[]]),
        json!([{}]),
        json!([{"op": "add", "path": "/x"}]),
        json!([{"op": "add", "value": "x"}]),
        json!([{"op": "add", "path": 5, "value": "x"}]),
        json!([{"op": "add", "path": null, "value": "x"}]),
        json!([{"path": "/x", "value": "x"}]),
        json!([{"op": "move", "from": "/name", "path": "/x"}]),
        json!([{"op": "copy", "from": "/name", "path": "/x"}]),
        one("test", "/name", "web"),
        one("ADD", "/name", "web"),
        one("add", "name", "x"),
        one("add", "", "x"),
        one("add", "/", "x"),
        one("add", "/name/", "x"),
        one("add", "/a//b", "x"),
        one("add", "/a/b", "x"),
        one("add", "/a~2b", "x"),
        one("add", "/a~", "x"),
        one("add", "/tags/-", "x"),
        one("replace", "/tags/0", "x"),
    ] {
        lines.add(&changes, image.patched(changes.clone()).await);
    }
    insta::assert_snapshot!(lines, @r#"
    {} → 400 the request body must be a JSON array of changes
    "x" → 400 the request body must be a JSON array of changes
    [1] → 400 each change must be a JSON object
    [[]] → 400 each change must be a JSON object
    [{}] → 400 each change must have 'op': add, replace or remove
    [{"op":"add","path":"/x"}] → 400 'add' of /x must have a 'value'
    [{"op":"add","value":"x"}] → 400 the path of 'add' must be a string
    [{"op":"add","path":5,"value":"x"}] → 400 the path of 'add' must be a string
    [{"op":"add","path":null,"value":"x"}] → 400 the path of 'add' must be a string
    [{"path":"/x","value":"x"}] → 400 each change must have 'op': add, replace or remove
    [{"from":"/name","op":"move","path":"/x"}] → 400 the operation 'move' is not one of add, replace, remove
    [{"from":"/name","op":"copy","path":"/x"}] → 400 the operation 'copy' is not one of add, replace, remove
    [{"op":"test","path":"/name","value":"web"}] → 400 the operation 'test' is not one of add, replace, remove
    [{"op":"ADD","path":"/name","value":"web"}] → 400 the operation 'ADD' is not one of add, replace, remove
    [{"op":"add","path":"name","value":"x"}] → 400 the path 'name' is malformed: it must start with '/'
    [{"op":"add","path":"","value":"x"}] → 400 the path '' is malformed: it must start with '/'
    [{"op":"add","path":"/","value":"x"}] → 400 a property's name must have at least 1 character
    [{"op":"add","path":"/name/","value":"x"}] → 400 the path '/name/' is malformed: it must name one attribute
    [{"op":"add","path":"/a//b","value":"x"}] → 400 the path '/a//b' is malformed: it must name one attribute
    [{"op":"add","path":"/a/b","value":"x"}] → 400 the path '/a/b' is malformed: it must name one attribute
    [{"op":"add","path":"/a~2b","value":"x"}] → 400 the path '/a~2b' is malformed: '~' must be followed by 0 or 1
    [{"op":"add","path":"/a~","value":"x"}] → 400 the path '/a~' is malformed: '~' must be followed by 0 or 1
    [{"op":"add","path":"/tags/-","value":"x"}] → 400 the path '/tags/-' is malformed: it must name one attribute
    [{"op":"replace","path":"/tags/0","value":"x"}] → 400 the path '/tags/0' is malformed: it must name one attribute
    "#);
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_attribute_is_refused() {
    let mut image = Fresh::new().await;
    let mut lines = Lines::default();
    let long = "x".repeat(256);
    for changes in [
        one("replace", "/name", 5),
        one("replace", "/name", long.clone()),
        one("replace", "/name", "\u{1f600}"),
        one("replace", "/visibility", "secret"),
        one("replace", "/visibility", Value::Null),
        one("replace", "/protected", "true"),
        one("replace", "/min_ram", -1),
        one("replace", "/min_disk", 2_147_483_648_u32),
        one("replace", "/disk_format", "gpt"),
        one("replace", "/tags", "lts"),
        one("replace", "/tags", json!([null])),
        one("add", "/os_version", 13),
        one("add", "/os_version", Value::Null),
        one("add", "/os_version", "\u{1f600}"),
        one("add", &format!("/{long}"), "x"),
    ] {
        lines.add(&changes, image.patched(changes.clone()).await);
    }
    insta::assert_snapshot!(lines, @r#"
    [{"op":"replace","path":"/name","value":5}] → 400 name: must be a string or null
    [{"op":"replace","path":"/name","value":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (300) → 400 name: must have at most 255 characters
    [{"op":"replace","path":"/name","value":"😀"}] → 400 name: characters beyond U+FFFF (4-byte unicode) are not supported
    [{"op":"replace","path":"/visibility","value":"secret"}] → 400 visibility: must be one of community, public, private, shared
    [{"op":"replace","path":"/visibility","value":null}] → 400 visibility: must be one of community, public, private, shared
    [{"op":"replace","path":"/protected","value":"true"}] → 400 protected: must be true or false
    [{"op":"replace","path":"/min_ram","value":-1}] → 400 min_ram: must be an integer from 0 to 2147483647
    [{"op":"replace","path":"/min_disk","value":2147483648}] → 400 min_disk: must be an integer from 0 to 2147483647
    [{"op":"replace","path":"/disk_format","value":"gpt"}] → 400 disk_format: must be one of ami, ari, aki, vhd, vhdx, vmdk, raw, qcow2, vdi, iso, ploop
    [{"op":"replace","path":"/tags","value":"lts"}] → 400 tags: must be an array of strings
    [{"op":"replace","path":"/tags","value":[null]}] → 400 tags: must be an array of strings
    [{"op":"add","path":"/os_version","value":13}] → 400 os_version: must be a string, as every custom property is
    [{"op":"add","path":"/os_version","value":null}] → 400 os_version: must be a string, as every custom property is
    [{"op":"add","path":"/os_version","value":"😀"}] → 400 os_version: characters beyond U+FFFF (4-byte unicode) are not supported
    [{"op":"add","path":"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (293) → 400 a property's name: must have at most 255 characters
    "#);
}

#[tokio::test]
async fn an_attribute_of_the_service_is_refused_whatever_the_change() {
    let mut image = Fresh::new().await;
    let mut lines = Lines::default();
    for name in [
        "id",
        "created_at",
        "updated_at",
        "status",
        "checksum",
        "size",
        "virtual_size",
        "direct_url",
        "self",
        "file",
        "schema",
        "stores",
        "os_hash_algo",
        "os_hash_value",
        "location",
        "locations",
        "locations/-",
        "locations/0",
        "deleted",
        "deleted_at",
        "os_glance_import_task",
        "extra_properties",
        "image_id",
        "member",
    ] {
        let path = format!("/{name}");
        let add = image.patched(one("add", &path, "x")).await;
        assert_eq!(image.patched(one("replace", &path, "x")).await, add, "{name}");
        assert_eq!(image.patched(json!([{"op": "remove", "path": path}])).await, add, "{name}");
        lines.add(name, add);
    }
    lines.add("is_public", image.patched(one("add", "/is_public", "x")).await);
    insta::assert_snapshot!(lines, @r#"
    id → 403 Attribute 'id' is read-only.
    created_at → 403 Attribute 'created_at' is read-only.
    updated_at → 403 Attribute 'updated_at' is read-only.
    status → 403 Attribute 'status' is read-only.
    checksum → 403 Attribute 'checksum' is read-only.
    size → 403 Attribute 'size' is read-only.
    virtual_size → 403 Attribute 'virtual_size' is read-only.
    direct_url → 403 Attribute 'direct_url' is read-only.
    self → 403 Attribute 'self' is read-only.
    file → 403 Attribute 'file' is read-only.
    schema → 403 Attribute 'schema' is read-only.
    stores → 403 Attribute 'stores' is read-only.
    os_hash_algo → 403 Attribute 'os_hash_algo' is read-only.
    os_hash_value → 403 Attribute 'os_hash_value' is read-only.
    location → 403 Attribute 'location' is reserved.
    locations → 403 Attribute 'locations' is reserved.
    locations/- → 403 Attribute 'locations' is reserved.
    locations/0 → 403 Attribute 'locations' is reserved.
    deleted → 403 Attribute 'deleted' is reserved.
    deleted_at → 403 Attribute 'deleted_at' is reserved.
    os_glance_import_task → 403 Attribute 'os_glance_import_task' is reserved.
    extra_properties → 403 Attribute 'extra_properties' is reserved.
    image_id → 403 Attribute 'image_id' is reserved.
    member → 403 Attribute 'member' is reserved.
    is_public → 200
    "#);
}

#[tokio::test]
async fn a_patch_is_made_whole_or_not_at_all() {
    let mut image = Fresh::new().await;
    let changes = json!([
        {"op": "replace", "path": "/name", "value": "changed"},
        {"op": "replace", "path": "/absent", "value": "x"},
    ]);
    insta::assert_snapshot!(image.patched(changes).await, @"409 Property absent does not exist.");
}

#[tokio::test]
async fn the_older_form_adds_only_what_is_not_there() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for changes in [
        json!([{"add": "/os_version", "value": "13"}]),
        json!([{"add": "/os_distro", "value": "fedora"}]),
        json!([{"add": "/name", "value": "other"}]),
        json!([{"replace": "/name", "value": "other"}]),
        json!([{"replace": "/absent", "value": "x"}]),
        json!([{"remove": "/os_distro"}]),
        json!([{"remove": "/name"}]),
        json!([{"add": "/x", "remove": "/y", "value": "x"}]),
        json!([{"op": "add", "path": "/x", "value": "x"}]),
        json!([{"add": "/x"}]),
    ] {
        let path = service.made(MEMBER, json!({"name": "web", "os_distro": "debian"})).await;
        let call = service.call("PATCH", &path).by(MEMBER).header("content-type", V20);
        lines.answer(&changes, &call.json(&changes).send().await);
    }
    insta::assert_snapshot!(lines, @r#"
    [{"add":"/os_version","value":"13"}] → 200
    [{"add":"/os_distro","value":"fedora"}] → 409 Property os_distro already present.
    [{"add":"/name","value":"other"}] → 409 Property name already present.
    [{"replace":"/name","value":"other"}] → 200
    [{"replace":"/absent","value":"x"}] → 409 Property absent does not exist.
    [{"remove":"/os_distro"}] → 200
    [{"remove":"/name"}] → 403 Property name may not be removed.
    [{"add":"/x","remove":"/y","value":"x"}] → 400 each change must have exactly one of 'add', 'replace' and 'remove'
    [{"op":"add","path":"/x","value":"x"}] → 400 each change must have exactly one of 'add', 'replace' and 'remove'
    [{"add":"/x"}] → 400 'add' of /x must have a 'value'
    "#);
}

#[tokio::test]
async fn the_media_type_is_judged_before_the_body() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({})).await;
    let send = async |kind: &str, body: &[u8]| {
        let call = service.call("PATCH", &path).by(MEMBER).header("accept", "");
        let call = if kind.is_empty() { call } else { call.header("content-type", kind) };
        call.body(body).send().await
    };
    insta::assert_snapshot!(send("application/json", b"nonsense").await, @r#"
    415 Unsupported Media Type
    accept-patch: application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    content-length: 169
    content-type: text/plain; charset=UTF-8
    x-openstack-request-id: <request id>

    415 Unsupported Media Type

    the media type application/json is not one of application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    "#);
    let mut lines = Lines::default();
    let with_charset = format!("{V21}; charset=utf-8");
    for (kind, body) in [
        ("", "[]"),
        ("application/json-patch+json", "[]"),
        ("application/octet-stream", "[]"),
        ("application/openstack-images-v2.2-json-patch", "[]"),
        (V20, "[]"),
        (with_charset.as_str(), "[]"),
        (V21, "nonsense"),
        (V21, ""),
    ] {
        lines.answer(format!("{kind} '{body}'"), &send(kind, body.as_bytes()).await);
    }
    insta::assert_snapshot!(lines, @r#"
     '[]' → 415 the media type (none) is not one of application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    application/json-patch+json '[]' → 415 the media type application/json-patch+json is not one of application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    application/octet-stream '[]' → 415 the media type application/octet-stream is not one of application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    application/openstack-images-v2.2-json-patch '[]' → 415 the media type application/openstack-images-v2.2-json-patch is not one of application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch
    application/openstack-images-v2.0-json-patch '[]' → 200
    application/openstack-images-v2.1-json-patch; charset=utf-8 '[]' → 200
    application/openstack-images-v2.1-json-patch 'nonsense' → 400 Malformed JSON in request body.
    application/openstack-images-v2.1-json-patch '' → 400 Body expected in request.
    "#);
}

#[tokio::test]
async fn formats_can_be_changed_only_while_the_image_is_queued() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await;
    let disk = one("replace", "/disk_format", "ami");
    assert_eq!(service.patch(MEMBER, &path, disk.clone()).await.json()["disk_format"], "ami");
    assert_eq!(service.put_file(MEMBER, &path, b"abc").await.line(), "204");
    insta::assert_snapshot!(service.patch(MEMBER, &path, disk).await.line(), @"403 Attribute disk_format can be replaced only for a queued image; this one is active.");
    insta::assert_snapshot!(service.patch(ADMIN, &path, one("add", "/container_format", "ova")).await.line(), @"403 Attribute container_format can be replaced only for a queued image; this one is active.");
    let renamed = service.patch(MEMBER, &path, one("replace", "/name", "any status will do")).await;
    assert_eq!((renamed.status.as_u16(), &renamed.json()["status"]), (200, &"active".into()));
}

#[tokio::test]
async fn only_an_administrator_gives_an_image_away() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for op in ["add", "replace"] {
        let path = service.made(MEMBER, json!({})).await;
        for (who, token, owner) in [
            ("member", MEMBER, json!("p2")),
            ("member", MEMBER, json!(null)),
            ("member", MEMBER, json!("p1")),
            ("admin", ADMIN, json!("p2")),
        ] {
            lines.answer(
                format!("{who} {op} {owner}"),
                &service.patch(token, &path, one(op, "/owner", owner)).await,
            );
        }
        assert_eq!(service.get(STRANGER, &path).await.json()["owner"], "p2");
        assert_eq!(service.get(MEMBER, &path).await.status.as_u16(), 404, "it is gone from its old project");
    }
    insta::assert_snapshot!(lines, @r#"
    member add "p2" → 403 Only an administrator may change the owner of an image.
    member add null → 403 Only an administrator may change the owner of an image.
    member add "p1" → 200
    admin add "p2" → 200
    member replace "p2" → 403 Only an administrator may change the owner of an image.
    member replace null → 403 Only an administrator may change the owner of an image.
    member replace "p1" → 200
    admin replace "p2" → 200
    "#);
}

#[tokio::test]
async fn who_may_patch_an_image() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for visibility in ["private", "shared", "community", "public"] {
        let path = service.made(ADMIN, json!({"owner": "p1", "visibility": visibility})).await;
        for (who, token) in [("stranger", STRANGER), ("reader", READER), ("member", MEMBER), ("admin", ADMIN)]
        {
            let answer = service.patch(token, &path, one("replace", "/name", who)).await;
            lines.answer(format!("{who}, {visibility}"), &answer);
        }
    }
    insta::assert_snapshot!(lines, @r#"
    stranger, private → 404 No image found with ID <id 1>
    reader, private → 403 You are not authorized to complete this action.
    member, private → 200
    admin, private → 200
    stranger, shared → 404 No image found with ID <id 2>
    reader, shared → 403 You are not authorized to complete this action.
    member, shared → 200
    admin, shared → 200
    stranger, community → 403 You are not authorized to complete this action.
    reader, community → 403 You are not authorized to complete this action.
    member, community → 200
    admin, community → 200
    stranger, public → 403 You are not authorized to complete this action.
    reader, public → 403 You are not authorized to complete this action.
    member, public → 200
    admin, public → 200
    "#);
}

#[tokio::test]
async fn a_patch_may_not_go_over_the_quotas() {
    let service = Service::empty().await;
    let full: Value =
        (0..128).map(|at| (format!("p{at}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let path = service.made(MEMBER, full).await;
    insta::assert_snapshot!(service.patch(MEMBER, &path, one("add", "/more", "x")).await.line(), @"413 an image may have at most 128 properties, not 129");
    assert_eq!(service.patch(MEMBER, &path, one("add", "/p5", "y")).await.status.as_u16(), 200);
    let swap = json!([{"op": "remove", "path": "/p5"}, {"op": "add", "path": "/more", "value": "x"}]);
    assert_eq!(service.patch(MEMBER, &path, swap).await.status.as_u16(), 200);
    let tags: Vec<_> = (0..129).map(|at| format!("t{at}")).collect();
    insta::assert_snapshot!(service.patch(MEMBER, &path, one("add", "/tags", tags)).await.line(), @"413 an image may have at most 128 tags, not 129");
}

#[tokio::test]
async fn a_patch_of_nothing_is_not_found() {
    let service = Service::empty().await;
    insta::assert_snapshot!(service.patch(ADMIN, "/v2/images/web", json!([])).await.line(), @"404 No image found with ID web");
    let absent = "/v2/images/00000000-0000-4000-8000-00000000ffff";
    insta::assert_snapshot!(service.patch(ADMIN, absent, json!([])).await.line(), @"404 No image found with ID 00000000-0000-4000-8000-00000000ffff");
}

#[tokio::test]
async fn a_patch_that_no_image_takes_is_refused_before_the_image_is_looked_for() {
    let service = Service::empty().await;
    let others = service.made(MEMBER, json!({})).await;
    let mut lines = Lines::default();
    for path in [format!("/v2/images/{}", service.new_id()).as_str(), &others] {
        for changes in [
            json!({}),
            one("move", "/name", "x"),
            one("add", "/status", "active"),
            one("add", "/os_glance_x", "x"),
            one("replace", "/name", 5),
            json!([{"op": "add", "path": "/min_ram", "value": "x"}, {"op": "add", "path": "/id", "value": "x"}]),
            json!([{"op": "add", "path": "/id", "value": "x"}, {"op": "add", "path": "/min_ram", "value": "x"}]),
            one("replace", "/absent", "x"),
            json!([]),
        ] {
            lines.add(&changes, service.patch(STRANGER, path, changes.clone()).await.line());
        }
    }
    insta::assert_snapshot!(lines, @r#"
    {} → 400 the request body must be a JSON array of changes
    [{"op":"move","path":"/name","value":"x"}] → 400 the operation 'move' is not one of add, replace, remove
    [{"op":"add","path":"/status","value":"active"}] → 403 Attribute 'status' is read-only.
    [{"op":"add","path":"/os_glance_x","value":"x"}] → 403 Attribute 'os_glance_x' is reserved.
    [{"op":"replace","path":"/name","value":5}] → 400 name: must be a string or null
    [{"op":"add","path":"/min_ram","value":"x"},{"op":"add","path":"/id","value":"x"}] → 400 min_ram: must be an integer from 0 to 2147483647
    [{"op":"add","path":"/id","value":"x"},{"op":"add","path":"/min_ram","value":"x"}] → 403 Attribute 'id' is read-only.
    [{"op":"replace","path":"/absent","value":"x"}] → 404 No image found with ID <id 2>
    [] → 404 No image found with ID <id 2>
    {} → 400 the request body must be a JSON array of changes
    [{"op":"move","path":"/name","value":"x"}] → 400 the operation 'move' is not one of add, replace, remove
    [{"op":"add","path":"/status","value":"active"}] → 403 Attribute 'status' is read-only.
    [{"op":"add","path":"/os_glance_x","value":"x"}] → 403 Attribute 'os_glance_x' is reserved.
    [{"op":"replace","path":"/name","value":5}] → 400 name: must be a string or null
    [{"op":"add","path":"/min_ram","value":"x"},{"op":"add","path":"/id","value":"x"}] → 400 min_ram: must be an integer from 0 to 2147483647
    [{"op":"add","path":"/id","value":"x"},{"op":"add","path":"/min_ram","value":"x"}] → 403 Attribute 'id' is read-only.
    [{"op":"replace","path":"/absent","value":"x"}] → 404 No image found with ID <id 1>
    [] → 404 No image found with ID <id 1>
    "#);
}
