use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;
use tests::world::World;

use super::Lines;

#[tokio::test]
async fn an_image_with_data_shows_its_size_and_digests() {
    let service = Service::empty().await;
    let path =
        service.made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare"})).await;
    assert_eq!(service.put_file(MEMBER, &path, b"abc").await.status.as_u16(), 204);
    insta::assert_snapshot!(service.get(READER, &path).await, @r#"
    200 OK
    content-length: 710
    content-type: application/json
    x-openstack-request-id: <request id>

    {
      "checksum": "900150983cd24fb0d6963f7d28e17f72",
      "container_format": "bare",
      "created_at": "<time>",
      "disk_format": "raw",
      "file": "/v2/images/<id 1>/file",
      "id": "<id 1>",
      "min_disk": 0,
      "min_ram": 0,
      "name": "web",
      "os_hash_algo": "sha512",
      "os_hash_value": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "os_hidden": false,
      "owner": "p1",
      "protected": false,
      "schema": "/v2/schemas/image",
      "self": "/v2/images/<id 1>",
      "size": 3,
      "status": "active",
      "stores": "default",
      "tags": [],
      "updated_at": "<time>",
      "virtual_size": 3,
      "visibility": "shared"
    }
    "#);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_not_found_whatever_its_id() {
    let service = Service::empty().await;
    let deleted = service.made(MEMBER, json!({})).await;
    assert_eq!(service.call("DELETE", &deleted).by(MEMBER).send().await.status.as_u16(), 204);
    let mut lines = Lines::default();
    for path in [
        "/v2/images/web-base",
        "/v2/images/0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11",
        "/v2/images/%20",
        "/v2/images/caf%C3%A9",
        &deleted,
    ] {
        lines.answer(path, &service.get(ADMIN, path).await);
    }
    insta::assert_snapshot!(lines, @r#"
    /v2/images/web-base → 404 No image found with ID web-base
    /v2/images/0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11 → 404 No image found with ID 0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11
    /v2/images/%20 → 404 No image found with ID
    /v2/images/caf%C3%A9 → 404 No image found with ID café
    /v2/images/<id 1> → 404 No image found with ID <id 1>
    "#);
}

/// In this process: an API gateway decodes paths before it looks for their route.
#[tokio::test]
async fn an_escaped_slash_is_of_the_id_and_what_is_no_text_is_no_id() {
    let service = World::default().service;
    let mut lines = Lines::default();
    for path in ["/v2/images/a%2Fb", "/v2/images/%FF"] {
        lines.answer(path, &service.get(ADMIN, path).await);
    }
    insta::assert_snapshot!(lines, @r#"
    /v2/images/a%2Fb → 404 No image found with ID a/b
    /v2/images/%FF → 404 The resource could not be found.
    "#);
}

#[tokio::test]
async fn an_image_that_is_not_visible_is_answered_as_absent() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"visibility": "private"})).await;
    let hidden = service.get(STRANGER, &path).await;
    let absent = service.get(STRANGER, "/v2/images/00000000-0000-4000-8000-00000000ffff").await;
    assert_eq!(hidden.line(), absent.line().replace("00000000-0000-4000-8000-00000000ffff", "<id 1>"));
}

#[tokio::test]
async fn head_tells_what_get_tells_but_the_body() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({})).await;
    for path in [&path, "/v2/images", "/v2/schemas/image"] {
        let (get, head) =
            (service.get(READER, path).await, service.call("HEAD", path).by(READER).send().await);
        assert_eq!(head.head(), get.head(), "{path}");
        assert_ne!(head.header("content-length"), "", "{path}");
        assert_eq!(head.body, "", "{path}");
    }
    let absent = service.call("HEAD", "/v2/images/web").by(READER).send().await;
    assert_eq!((absent.status.as_u16(), &*absent.body), (404, &b""[..]));
}
