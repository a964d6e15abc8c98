use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;
use tests::world::World;

use super::Lines;

#[tokio::test]
async fn an_empty_object_is_a_queued_image_of_the_callers_project() {
    insta::assert_snapshot!(Service::empty().await.post(MEMBER, json!({})).await, @r#"
    201 Created
    content-length: 533
    content-type: application/json
    location: <endpoint>/v2/images/<id 1>
    openstack-image-import-methods: glance-direct,web-download,copy-image
    x-openstack-request-id: <request id>

    {
      "checksum": null,
      "container_format": null,
      "created_at": "<time>",
      "disk_format": null,
      "file": "/v2/images/<id 1>/file",
      "id": "<id 1>",
      "min_disk": 0,
      "min_ram": 0,
      "name": null,
      "os_hash_algo": null,
      "os_hash_value": null,
      "os_hidden": false,
      "owner": "p1",
      "protected": false,
      "schema": "/v2/schemas/image",
      "self": "/v2/images/<id 1>",
      "size": null,
      "status": "queued",
      "tags": [],
      "updated_at": "<time>",
      "virtual_size": null,
      "visibility": "shared"
    }
    "#);
}

#[tokio::test]
async fn what_the_client_sets_is_what_it_gets() {
    let service = Service::empty().await;
    let body = json!({
        "id": service.new_id(), "name": "web-base", "visibility": "private", "protected": true,
        "os_hidden": true, "owner": "p1", "disk_format": "qcow2", "container_format": "bare", "min_disk": 2_147_483_647,
        "min_ram": 0, "tags": ["lts", "a b", "lts"], "os_distro": "debian", "empty": "", "is_public": "yes",
        "os_hash_algo": "md5", "os_hash_value": "00",
    });
    insta::assert_snapshot!(service.post(MEMBER, body).await, @r#"
    201 Created
    content-length: 613
    content-type: application/json
    location: <endpoint>/v2/images/<id 1>
    openstack-image-import-methods: glance-direct,web-download,copy-image
    x-openstack-request-id: <request id>

    {
      "checksum": null,
      "container_format": "bare",
      "created_at": "<time>",
      "disk_format": "qcow2",
      "empty": "",
      "file": "/v2/images/<id 1>/file",
      "id": "<id 1>",
      "is_public": "yes",
      "min_disk": 2147483647,
      "min_ram": 0,
      "name": "web-base",
      "os_distro": "debian",
      "os_hash_algo": null,
      "os_hash_value": null,
      "os_hidden": true,
      "owner": "p1",
      "protected": true,
      "schema": "/v2/schemas/image",
      "self": "/v2/images/<id 1>",
      "size": null,
      "status": "queued",
      "tags": [
        "a b",
        "lts"
      ],
      "updated_at": "<time>",
      "virtual_size": null,
      "visibility": "private"
    }
    "#);
}

#[tokio::test]
async fn null_is_the_default_where_an_attribute_takes_it() {
    let body = json!({"name": null, "owner": null, "disk_format": null, "container_format": null});
    let image = Service::empty().await.post(ADMIN, body).await.json();
    for name in ["name", "owner", "disk_format", "container_format"] {
        assert_eq!(image[name], Value::Null, "{name}");
    }
}

/// In process: an API gateway has `x-forwarded-*` to itself.
#[tokio::test]
async fn the_location_is_where_the_client_reaches_the_image() {
    let world = World::default();
    let call = world.call("POST", "/v2.9/images").by(MEMBER).header("x-forwarded-proto", "https");
    let answer = call.header("x-forwarded-host", "images.example").json(&json!({})).send().await;
    assert_eq!(answer.status.as_u16(), 201);
    insta::assert_snapshot!(answer.header("location"), @"https://images.example/v2/images/00000000-0000-4000-8000-000000000001");
}

#[tokio::test]
async fn a_body_that_is_no_image_is_refused() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for body in ["", "{", "nonsense", "[]", "[{}]", "null", "\"web\"", "1", "{\"name\": \"a\"}{"] {
        lines.answer(body, &service.call("POST", "/v2/images").by(MEMBER).body(body.as_bytes()).send().await);
    }
    insta::assert_snapshot!(lines, @r#"
     → 400 Body expected in request.
    { → 400 Malformed JSON in request body.
    nonsense → 400 Malformed JSON in request body.
    [] → 400 the request body must be a JSON object
    [{}] → 400 the request body must be a JSON object
    null → 400 the request body must be a JSON object
    "web" → 400 the request body must be a JSON object
    1 → 400 the request body must be a JSON object
    {"name": "a"}{ → 400 Malformed JSON in request body.
    "#);
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_attribute_is_refused() {
    let service = Service::empty().await;
    let (long, emoji) = ("x".repeat(256), "\u{1f600}");
    let mut lines = Lines::default();
    for body in [
        json!({"name": 1}),
        json!({"name": long}),
        json!({"name": emoji}),
        json!({"id": "web"}),
        json!({"id": null}),
        json!({"id": "0f1c2a9e5a534c529c363f8f0a6f7c11"}),
        json!({"visibility": "secret"}),
        json!({"visibility": null}),
        json!({"protected": "true"}),
        json!({"protected": null}),
        json!({"os_hidden": 1}),
        json!({"owner": 5}),
        json!({"disk_format": "gpt"}),
        json!({"disk_format": "luks"}),
        json!({"container_format": "zip"}),
        json!({"min_disk": -1}),
        json!({"min_disk": null}),
        json!({"min_ram": 2_147_483_648_u32}),
        json!({"min_ram": "1"}),
        json!({"min_ram": 1.5}),
        json!({"tags": "a"}),
        json!({"tags": [1]}),
        json!({"tags": [long]}),
        json!({"tags": [emoji]}),
        json!({"os_distro": null}),
        json!({"os_distro": 12}),
        json!({"os_distro": true}),
        json!({"os_distro": ["debian"]}),
        json!({"os_distro": emoji}),
        json!({long: "x"}),
        json!({emoji: "x"}),
        json!({"": "x"}),
    ] {
        lines.answer(&body, &service.post(MEMBER, body.clone()).await);
    }
    insta::assert_snapshot!(lines, @r#"
    {"name":1} → 400 name: must be a string or null
    {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (267) → 400 name: must have at most 255 characters
    {"name":"😀"} → 400 name: characters beyond U+FFFF (4-byte unicode) are not supported
    {"id":"web"} → 400 id: image id must be a UUID (8-4-4-4-12 hexadecimal digits)
    {"id":null} → 400 id: must be a UUID
    {"id":"0f1c2a9e5a534c529c363f8f0a6f7c11"} → 400 id: image id must be a UUID (8-4-4-4-12 hexadecimal digits)
    {"visibility":"secret"} → 400 visibility: must be one of community, public, private, shared
    {"visibility":null} → 400 visibility: must be one of community, public, private, shared
    {"protected":"true"} → 400 protected: must be true or false
    {"protected":null} → 400 protected: must be true or false
    {"os_hidden":1} → 400 os_hidden: must be true or false
    {"owner":5} → 400 owner: must be a string or null
    {"disk_format":"gpt"} → 400 disk_format: must be one of ami, ari, aki, vhd, vhdx, vmdk, raw, qcow2, vdi, iso, ploop
    {"disk_format":"luks"} → 400 disk_format: must be one of ami, ari, aki, vhd, vhdx, vmdk, raw, qcow2, vdi, iso, ploop
    {"container_format":"zip"} → 400 container_format: must be one of ami, ari, aki, bare, ovf, ova, docker, compressed
    {"min_disk":-1} → 400 min_disk: must be an integer from 0 to 2147483647
    {"min_disk":null} → 400 min_disk: must be an integer from 0 to 2147483647
    {"min_ram":2147483648} → 400 min_ram: must be an integer from 0 to 2147483647
    {"min_ram":"1"} → 400 min_ram: must be an integer from 0 to 2147483647
    {"min_ram":1.5} → 400 min_ram: must be an integer from 0 to 2147483647
    {"tags":"a"} → 400 tags: must be an array of strings
    {"tags":[1]} → 400 tags: must be an array of strings
    {"tags":["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (269) → 400 tags: must have at most 255 characters
    {"tags":["😀"]} → 400 tags: characters beyond U+FFFF (4-byte unicode) are not supported
    {"os_distro":null} → 400 os_distro: must be a string, as every custom property is
    {"os_distro":12} → 400 os_distro: must be a string, as every custom property is
    {"os_distro":true} → 400 os_distro: must be a string, as every custom property is
    {"os_distro":["debian"]} → 400 os_distro: must be a string, as every custom property is
    {"os_distro":"😀"} → 400 os_distro: characters beyond U+FFFF (4-byte unicode) are not supported
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (264) → 400 a property's name: must have at most 255 characters
    {"😀":"x"} → 400 a property's name: characters beyond U+FFFF (4-byte unicode) are not supported
    {"":"x"} → 400 a property's name must have at least 1 character
    "#);
}

#[tokio::test]
async fn an_attribute_of_the_service_is_refused() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for name in [
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
        "location",
        "locations",
        "deleted",
        "deleted_at",
        "os_glance_import_task",
        "os_glance",
    ] {
        for value in [json!("x"), json!([])] {
            let answer = service.post(ADMIN, json!({name: value})).await;
            assert_eq!(answer.status.as_u16(), 403, "{name}: {value}");
            if value.is_string() {
                lines.answer(name, &answer);
            }
        }
    }
    insta::assert_snapshot!(lines, @r#"
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
    location → 403 Attribute 'location' is reserved.
    locations → 403 Attribute 'locations' is reserved.
    deleted → 403 Attribute 'deleted' is reserved.
    deleted_at → 403 Attribute 'deleted_at' is reserved.
    os_glance_import_task → 403 Attribute 'os_glance_import_task' is reserved.
    os_glance → 403 Attribute 'os_glance' is reserved.
    "#);
    assert_eq!(service.get(ADMIN, "/v2/images").await.names(), "nothing", "nothing was registered");
}

#[tokio::test]
async fn who_may_register_what() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (who, token) in
        [("reader", READER), ("member", MEMBER), ("admin", ADMIN), ("no project", ":member,reader")]
    {
        for body in [
            json!({}),
            json!({"owner": "p1"}),
            json!({"owner": "p9"}),
            json!({"owner": null}),
            json!({"visibility": "public"}),
            json!({"visibility": "community"}),
            json!({"visibility": "private"}),
        ] {
            lines.answer(format!("{who} {body}"), &service.post(token, body).await);
        }
    }
    insta::assert_snapshot!(lines, @r#"
    reader {} → 403 You are not authorized to complete this action.
    reader {"owner":"p1"} → 403 You are not authorized to complete this action.
    reader {"owner":"p9"} → 403 You are not permitted to create images owned by another project.
    reader {"owner":null} → 403 You are not permitted to create images owned by another project.
    reader {"visibility":"public"} → 403 You are not authorized to complete this action.
    reader {"visibility":"community"} → 403 You are not authorized to complete this action.
    reader {"visibility":"private"} → 403 You are not authorized to complete this action.
    member {} → 201
    member {"owner":"p1"} → 201
    member {"owner":"p9"} → 403 You are not permitted to create images owned by another project.
    member {"owner":null} → 403 You are not permitted to create images owned by another project.
    member {"visibility":"public"} → 403 You are not authorized to complete this action.
    member {"visibility":"community"} → 201
    member {"visibility":"private"} → 201
    admin {} → 201
    admin {"owner":"p1"} → 201
    admin {"owner":"p9"} → 201
    admin {"owner":null} → 201
    admin {"visibility":"public"} → 201
    admin {"visibility":"community"} → 201
    admin {"visibility":"private"} → 201
    no project {} → 403 You are not permitted to create images owned by another project.
    no project {"owner":"p1"} → 403 You are not permitted to create images owned by another project.
    no project {"owner":"p9"} → 403 You are not permitted to create images owned by another project.
    no project {"owner":null} → 403 You are not permitted to create images owned by another project.
    no project {"visibility":"public"} → 403 You are not permitted to create images owned by another project.
    no project {"visibility":"community"} → 403 You are not permitted to create images owned by another project.
    no project {"visibility":"private"} → 403 You are not permitted to create images owned by another project.
    "#);
}

#[tokio::test]
async fn an_id_is_taken_for_ever() {
    let service = Service::empty().await;
    let body = json!({"id": service.new_id()});
    let path = service.made(MEMBER, body.clone()).await;
    insta::assert_snapshot!(service.post(STRANGER, body.clone()).await.line(), @"409 Image ID <id 1> already exists!");
    assert_eq!(service.call("DELETE", &path).by(MEMBER).send().await.status.as_u16(), 204);
    insta::assert_snapshot!(service.post(MEMBER, body).await.line(), @"409 Image ID <id 1> already exists!");
}

/// An object of `count` properties.
fn properties(count: usize) -> Value {
    (0..count).map(|at| (format!("p{at}"), json!("x"))).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn there_may_be_128_tags_and_128_properties() {
    let service = Service::empty().await;
    let tags = |count: usize| json!({"tags": (0..count).map(|at| format!("t{at}")).collect::<Vec<_>>()});
    assert_eq!(service.post(MEMBER, tags(128)).await.status.as_u16(), 201);
    assert_eq!(service.post(MEMBER, properties(128)).await.status.as_u16(), 201);
    insta::assert_snapshot!(service.post(MEMBER, tags(129)).await.line(), @"413 an image may have at most 128 tags, not 129");
    insta::assert_snapshot!(service.post(MEMBER, properties(129)).await.line(), @"413 an image may have at most 128 properties, not 129");
}

#[tokio::test]
async fn more_than_the_table_holds_is_refused() {
    let service = Service::empty().await;
    insta::assert_snapshot!(service.post(MEMBER, json!({"notes": "x".repeat(400 * 1024)})).await.line(), @"413 the image's metadata is larger than the limit of 409600 bytes");
    insta::assert_snapshot!(service.post(MEMBER, json!({"notes": "x".repeat(1 << 20)})).await.line(), @"413 The request body is larger than the limit of 1048576 bytes.");
}

#[tokio::test]
async fn what_is_not_the_clients_is_told_before_what_is_wrong() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for body in [
        json!({"name": 5, "status": "active"}),
        json!({"id": "web", "os_glance_x": "x"}),
        json!({"min_ram": -1, "locations": []}),
        json!({"id": "web", "name": 5}),
    ] {
        lines.answer(&body, &service.post(MEMBER, body.clone()).await);
    }
    insta::assert_snapshot!(lines, @r#"
    {"name":5,"status":"active"} → 403 Attribute 'status' is read-only.
    {"id":"web","os_glance_x":"x"} → 403 Attribute 'os_glance_x' is reserved.
    {"locations":[],"min_ram":-1} → 403 Attribute 'locations' is reserved.
    {"id":"web","name":5} → 400 id: image id must be a UUID (8-4-4-4-12 hexadecimal digits)
    "#);
}
