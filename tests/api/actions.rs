use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::request::Answer;
use tests::service::Service;

use super::Lines;

async fn act(service: &Service, token: &str, image: &str, action: &str) -> Answer {
    service.call("POST", &format!("{image}/actions/{action}")).by(token).send().await
}

async fn active(service: &Service) -> String {
    let image =
        json!({"owner": "p1", "visibility": "public", "disk_format": "raw", "container_format": "bare"});
    let image = service.made(ADMIN, image).await;
    assert_eq!(service.put_file(MEMBER, &image, b"abc").await.line(), "204");
    image
}

#[tokio::test]
async fn an_image_is_taken_out_of_use_and_back() {
    let service = Service::empty().await;
    let image = active(&service).await;
    let mut lines = Lines::default();
    for action in ["deactivate", "deactivate", "reactivate", "reactivate"] {
        lines.answer(action, &act(&service, MEMBER, &image, action).await);
        lines.add("it is", &service.get(READER, &image).await.json()["status"]);
        for (who, token) in [("stranger", STRANGER), ("owner", MEMBER), ("admin", ADMIN)] {
            let file = service.get(token, &format!("{image}/file")).await;
            lines.add(format!("{who} downloads"), file.status);
        }
    }
    insta::assert_snapshot!(lines, @r#"
    deactivate → 204
    it is → "deactivated"
    stranger downloads → 403 Forbidden
    owner downloads → 403 Forbidden
    admin downloads → 200 OK
    deactivate → 204
    it is → "deactivated"
    stranger downloads → 403 Forbidden
    owner downloads → 403 Forbidden
    admin downloads → 200 OK
    reactivate → 204
    it is → "active"
    stranger downloads → 200 OK
    owner downloads → 200 OK
    admin downloads → 200 OK
    reactivate → 204
    it is → "active"
    stranger downloads → 200 OK
    owner downloads → 200 OK
    admin downloads → 200 OK
    "#);
}

#[tokio::test]
async fn only_an_image_with_data_is_taken_out_of_use() {
    let service = Service::empty().await;
    let image = service.made(MEMBER, json!({})).await;
    let mut lines = Lines::default();
    lines.answer("queued", &act(&service, MEMBER, &image, "deactivate").await);
    lines.answer("queued", &act(&service, MEMBER, &image, "reactivate").await);
    lines.answer("absent", &act(&service, ADMIN, "/v2/images/web", "deactivate").await);
    let image = active(&service).await;
    for (who, token) in [("stranger", STRANGER), ("reader", READER)] {
        lines.answer(who, &act(&service, token, &image, "deactivate").await);
    }
    let with_body = service.call("POST", &format!("{image}/actions/deactivate")).by(MEMBER);
    lines.answer("with a body", &with_body.body(b"{}").send().await);
    lines.answer("unknown", &act(&service, MEMBER, &image, "explode").await);
    insta::assert_snapshot!(lines, @r#"
    queued → 403 Image <id 1> is queued: only one that is active or deactivated can become deactivated.
    queued → 403 Image <id 1> is queued: only one that is active or deactivated can become active.
    absent → 404 No image found with ID web
    stranger → 403 You are not authorized to complete this action.
    reader → 403 You are not authorized to complete this action.
    with a body → 400 A body is not expected with this request.
    unknown → 404 The resource could not be found.
    "#);
}

#[tokio::test]
async fn what_is_out_of_use_can_be_patched_tagged_and_deleted() {
    let service = Service::empty().await;
    let image = active(&service).await;
    assert_eq!(act(&service, MEMBER, &image, "deactivate").await.line(), "204");
    let rename = json!([{"op": "replace", "path": "/name", "value": "old"}]);
    assert_eq!(service.patch(MEMBER, &image, rename).await.json()["status"], "deactivated");
    assert_eq!(service.call("PUT", &format!("{image}/tags/a")).by(MEMBER).send().await.line(), "204");
    let format = json!([{"op": "replace", "path": "/disk_format", "value": "iso"}]);
    assert_eq!(service.patch(MEMBER, &image, format).await.status.as_u16(), 403);
    assert_eq!(service.call("DELETE", &image).by(MEMBER).send().await.line(), "204");
    assert_eq!(act(&service, ADMIN, &image, "reactivate").await.status.as_u16(), 404);
}
