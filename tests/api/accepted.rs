//! Values that an operator leaves images to take. They are this process's, so a deployed service is not asked.

use serde_json::{Value, json};
use shared::image::{Accepted, ContainerFormat, Described, DiskFormat};
use tests::callers::{MEMBER, READER};
use tests::world::World;

use super::Lines;

fn world() -> World {
    let schemas = r#"{
        "properties": {
            "os_distro": {"type": "string", "enum": ["debian", "suse"], "description": "Distribution"},
            "kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f]{4}$"}
        },
        "required": ["os_distro"]
    }"#;
    World::accepting(Accepted {
        disk_formats: vec![DiskFormat::Raw],
        container_formats: vec![ContainerFormat::Bare, ContainerFormat::Docker],
        described: Described::parse(schemas).unwrap(),
    })
}

#[tokio::test]
async fn an_image_takes_the_values_that_are_left_and_has_what_is_required() {
    let world = world();
    let mut lines = Lines::default();
    let full =
        json!({"os_distro": "suse", "kernel_id": "00ff", "disk_format": "raw", "container_format": "docker"});
    for (what, body) in [
        ("all", full.clone()),
        ("nothing", json!({})),
        ("another distribution", json!({"os_distro": "plan9"})),
        ("another kernel", json!({"os_distro": "suse", "kernel_id": "linux"})),
        ("another disk", json!({"os_distro": "suse", "disk_format": "iso"})),
        ("another container", json!({"os_distro": "suse", "container_format": "ovf"})),
    ] {
        lines.answer(what, &world.post(MEMBER, body).await);
    }
    let path = world.made(MEMBER, full).await;
    for (op, name, value) in [
        ("replace", "os_distro", json!("debian")),
        ("replace", "os_distro", json!("plan9")),
        ("add", "kernel_id", json!("g")),
        ("replace", "disk_format", json!("iso")),
        ("replace", "disk_format", Value::Null),
        ("remove", "os_distro", Value::Null),
    ] {
        let change = json!([{"op": op, "path": format!("/{name}"), "value": value}]);
        lines.answer(format!("{op} {name} {value}"), &world.patch(MEMBER, &path, change).await);
    }
    insta::assert_snapshot!(lines, @r#"
    all → 201
    nothing → 400 os_distro: must be set, as a required property
    another distribution → 400 os_distro: must be one of debian, suse
    another kernel → 400 kernel_id: must match ^[0-9a-f]{4}$
    another disk → 400 disk_format: must be one of raw
    another container → 400 container_format: must be one of bare, docker
    replace os_distro "debian" → 200
    replace os_distro "plan9" → 400 os_distro: must be one of debian, suse
    add kernel_id "g" → 400 kernel_id: must match ^[0-9a-f]{4}$
    replace disk_format "iso" → 400 disk_format: must be one of raw
    replace disk_format null → 200
    remove os_distro null → 200
    "#);
}

#[tokio::test]
async fn the_schemas_tell_what_is_left() {
    let world = world();
    let schema = world.get(READER, "/v2/schemas/image").await.json();
    let mut lines = Lines::default();
    for name in ["disk_format", "container_format"] {
        lines.add(name, &schema["properties"][name]["enum"]);
    }
    for name in ["os_distro", "kernel_id"] {
        lines.add(name, &schema["properties"][name]);
    }
    insta::assert_snapshot!(lines, @r#"
    disk_format → [null,"raw"]
    container_format → [null,"bare","docker"]
    os_distro → {"description":"Distribution","enum":["debian","suse"],"is_base":false,"type":"string"}
    kernel_id → {"is_base":false,"pattern":"^[0-9a-f]{4}$","type":["null","string"]}
    "#);
    let page = world.get(READER, "/v2/schemas/images").await.json();
    assert_eq!(page["properties"]["images"]["items"], schema);
}
