use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;

use super::Lines;

/// A caller that is a service, and nothing else.
const SERVICE: &str = "service:service";

#[tokio::test]
async fn the_ways_to_import_are_told() {
    let service = Service::empty().await;
    insta::assert_snapshot!(format!("{:#}", service.get(READER, "/v2/info/import").await.json()), @r#"
    {
      "import-methods": {
        "description": "Import methods available.",
        "type": "array",
        "value": [
          "glance-direct",
          "web-download",
          "copy-image"
        ]
      }
    }
    "#);
}

#[tokio::test]
async fn a_store_is_listed_and_what_is_true_of_it_is_a_text() {
    let service = Service::empty().await;
    insta::assert_snapshot!(service.get(READER, "/v2/info/stores").await.json(), @r#"{"stores":[{"default":"true","id":"default"}]}"#);
}

#[tokio::test]
async fn administrators_and_services_see_how_stores_are_configured() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (who, token) in [
        ("stranger", STRANGER),
        ("reader", READER),
        ("member", MEMBER),
        ("service", SERVICE),
        ("admin", ADMIN),
    ] {
        lines.answer(who, &service.get(token, "/v2/info/stores/detail").await);
    }
    insta::assert_snapshot!(lines, @r#"
    stranger → 403 You are not authorized to complete this action.
    reader → 403 You are not authorized to complete this action.
    member → 403 You are not authorized to complete this action.
    service → 200
    admin → 200
    "#);
    let details = service.get(ADMIN, "/v2/info/stores/detail").await.json();
    let store = &details["stores"][0];
    assert_eq!(
        (&store["id"], &store["default"], &store["weight"]),
        (&"default".into(), &"true".into(), &0.into())
    );
    assert!(["file", "memory", "s3"].contains(&store["type"].as_str().unwrap()), "{details}");
    let names: Vec<_> = store["properties"].as_object().unwrap().keys().cloned().collect();
    let credential =
        |name: &String| ["key", "secret", "token", "password"].iter().any(|word| name.contains(word));
    assert!(!names.iter().any(credential), "{names:?}");
}

#[tokio::test]
async fn what_is_told_is_only_read() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for path in ["import", "stores", "stores/detail", "nothing"] {
        let answer = service.call("POST", &format!("/v2/info/{path}")).by(ADMIN).send().await;
        lines.add(path, format!("{} {}", answer.status.as_u16(), answer.header("allow")));
    }
    insta::assert_snapshot!(lines, @r#"
    import → 405 GET, HEAD
    stores → 405 GET, HEAD
    stores/detail → 405 GET, HEAD
    nothing → 404
    "#);
}
