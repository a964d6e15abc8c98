use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;

use super::Lines;

#[tokio::test]
async fn a_deleted_image_is_gone_from_everywhere() {
    let service = Service::empty().await;
    let path =
        service.made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare"})).await;
    service.put_file(MEMBER, &path, b"abc").await;
    insta::assert_snapshot!(service.call("DELETE", &path).by(MEMBER).header("content-length", "0").send().await, @r#"
    204 No Content
    x-openstack-request-id: <request id>
    "#);
    let mut lines = Lines::default();
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("GET", format!("{path}/file"))] {
        lines.answer(method, &service.call(method, &path).by(ADMIN).send().await);
    }
    lines.answer("PATCH", &service.patch(ADMIN, &path, json!([])).await);
    lines.answer("PUT file", &service.put_file(ADMIN, &path, b"abc").await);
    lines.answer("PUT tag", &service.call("PUT", &format!("{path}/tags/a")).by(ADMIN).send().await);
    for query in ["", "?deleted=true", "?status=deleted", "?visibility=all"] {
        lines.add(format!("list {query}"), service.get(ADMIN, &format!("/v2/images{query}")).await.names());
    }
    insta::assert_snapshot!(lines, @r#"
    GET → 404 No image found with ID <id 1>
    DELETE → 404 No image found with ID <id 1>
    GET → 404 No image found with ID <id 1>
    PATCH → 404 No image found with ID <id 1>
    PUT file → 404 No image found with ID <id 1>
    PUT tag → 404 No image found with ID <id 1>
    list  → nothing
    list ?deleted=true → nothing
    list ?status=deleted → nothing
    list ?visibility=all → nothing
    "#);
}

#[tokio::test]
async fn a_protected_image_is_not_deleted_not_even_by_the_administrator() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"protected": true})).await;
    insta::assert_snapshot!(service.call("DELETE", &path).by(ADMIN).send().await.line(), @"403 Image <id 1> is protected and cannot be deleted.");
    let unprotect = json!([{"op": "replace", "path": "/protected", "value": false}]);
    assert_eq!(service.patch(MEMBER, &path, unprotect).await.status.as_u16(), 200);
    assert_eq!(service.call("DELETE", &path).by(MEMBER).send().await.line(), "204");
}

#[tokio::test]
async fn who_sees_an_image_may_not_therefore_delete_it() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for visibility in ["private", "shared", "community", "public"] {
        let path = service.made(ADMIN, json!({"owner": "p1", "visibility": visibility})).await;
        for (who, token) in [("stranger", STRANGER), ("reader", READER), ("member", MEMBER)] {
            lines.answer(
                format!("{who}, {visibility}"),
                &service.call("DELETE", &path).by(token).send().await,
            );
        }
    }
    insta::assert_snapshot!(lines, @r#"
    stranger, private → 404 No image found with ID <id 1>
    reader, private → 403 You are not authorized to complete this action.
    member, private → 204
    stranger, shared → 404 No image found with ID <id 2>
    reader, shared → 403 You are not authorized to complete this action.
    member, shared → 204
    stranger, community → 403 You are not authorized to complete this action.
    reader, community → 403 You are not authorized to complete this action.
    member, community → 204
    stranger, public → 403 You are not authorized to complete this action.
    reader, public → 403 You are not authorized to complete this action.
    member, public → 204
    "#);
}
