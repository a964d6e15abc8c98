use serde_json::json;
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::service::Service;

use super::Lines;

const CALLERS: [(&str, &str); 5] = [
    ("admin", ADMIN),
    ("member", MEMBER),
    ("reader", READER),
    ("stranger", STRANGER),
    ("no project", ":member,reader"),
];

/// An image of each visibility in two projects, and one that is nobody's.
async fn catalogue(service: &Service) -> Vec<String> {
    let mut paths = Vec::new();
    for owner in ["p1", "p2"] {
        for visibility in ["private", "shared", "community", "public"] {
            let name = format!("{owner}-{visibility}");
            paths.push(
                service.made(ADMIN, json!({"name": name, "owner": owner, "visibility": visibility})).await,
            );
        }
    }
    paths.push(service.made(ADMIN, json!({"name": "nobodys", "owner": null})).await);
    paths
}

#[tokio::test]
async fn who_sees_which_image_by_its_id() {
    let service = Service::empty().await;
    let paths = catalogue(&service).await;
    let mut lines = Lines::default();
    for (who, token) in CALLERS {
        let mut seen = Vec::new();
        for path in &paths {
            let answer = service.get(token, path).await;
            match answer.status.as_u16() {
                200 => seen.push(answer.json()["name"].as_str().unwrap().to_owned()),
                404 => {}
                _ => panic!("{answer}"),
            }
        }
        lines.add(who, seen.join(" "));
    }
    insta::assert_snapshot!(lines, @r#"
    admin → p1-private p1-shared p1-community p1-public p2-private p2-shared p2-community p2-public nobodys
    member → p1-private p1-shared p1-community p1-public p2-community p2-public nobodys
    reader → p1-private p1-shared p1-community p1-public p2-community p2-public nobodys
    stranger → p1-community p1-public p2-private p2-shared p2-community p2-public nobodys
    no project → p1-community p1-public p2-community p2-public nobodys
    "#);
}

#[tokio::test]
async fn who_lists_which_images() {
    let service = Service::empty().await;
    catalogue(&service).await;
    let mut lines = Lines::default();
    for query in [
        "",
        "&visibility=all",
        "&visibility=public",
        "&visibility=community",
        "&visibility=shared",
        "&visibility=private",
    ] {
        for (who, token) in CALLERS {
            let answer = service.get(token, &format!("/v2/images?sort=created_at:asc{query}")).await;
            lines.add(format!("{who} {query}"), answer.names());
        }
    }
    insta::assert_snapshot!(lines, @r#"
    admin  → p1-private p1-shared p1-public p2-private p2-shared p2-public nobodys
    member  → p1-private p1-shared p1-community p1-public p2-public
    reader  → p1-private p1-shared p1-community p1-public p2-public
    stranger  → p1-public p2-private p2-shared p2-community p2-public
    no project  → p1-public p2-public
    admin &visibility=all → p1-private p1-shared p1-community p1-public p2-private p2-shared p2-community p2-public nobodys
    member &visibility=all → p1-private p1-shared p1-community p1-public p2-community p2-public
    reader &visibility=all → p1-private p1-shared p1-community p1-public p2-community p2-public
    stranger &visibility=all → p1-community p1-public p2-private p2-shared p2-community p2-public
    no project &visibility=all → p1-community p1-public p2-community p2-public
    admin &visibility=public → p1-public p2-public
    member &visibility=public → p1-public p2-public
    reader &visibility=public → p1-public p2-public
    stranger &visibility=public → p1-public p2-public
    no project &visibility=public → p1-public p2-public
    admin &visibility=community → p1-community p2-community
    member &visibility=community → p1-community p2-community
    reader &visibility=community → p1-community p2-community
    stranger &visibility=community → p1-community p2-community
    no project &visibility=community → p1-community p2-community
    admin &visibility=shared → p1-shared p2-shared nobodys
    member &visibility=shared → p1-shared
    reader &visibility=shared → p1-shared
    stranger &visibility=shared → p2-shared
    no project &visibility=shared → nothing
    admin &visibility=private → p1-private p2-private
    member &visibility=private → p1-private
    reader &visibility=private → p1-private
    stranger &visibility=private → p2-private
    no project &visibility=private → nothing
    "#);
}

#[tokio::test]
async fn roles_make_the_difference() {
    let service = Service::empty().await;
    let path = service.made(MEMBER, json!({"name": "web"})).await;
    let mut lines = Lines::default();
    for token in ["p1:member", "p1:reader", "p1:", "p1:other", "p2:admin", ":admin", "p1:Admin"] {
        lines.answer(format!("list as {token}"), &service.get(token, "/v2/images").await);
        lines.answer(format!("show as {token}"), &service.get(token, &path).await);
    }
    insta::assert_snapshot!(lines, @r#"
    list as p1:member → 403 You are not authorized to complete this action.
    show as p1:member → 404 No image found with ID <id 1>
    list as p1:reader → 200
    show as p1:reader → 200
    list as p1: → 403 You are not authorized to complete this action.
    show as p1: → 404 No image found with ID <id 1>
    list as p1:other → 403 You are not authorized to complete this action.
    show as p1:other → 404 No image found with ID <id 1>
    list as p2:admin → 200
    show as p2:admin → 200
    list as :admin → 200
    show as :admin → 200
    list as p1:Admin → 200
    show as p1:Admin → 200
    "#);
}

#[tokio::test]
async fn setting_a_visibility_needs_a_right_and_leaving_it_does_not() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for from in ["private", "shared", "community", "public"] {
        for to in ["private", "shared", "community", "public"] {
            for (who, token) in [("member", MEMBER), ("reader", READER), ("admin", ADMIN)] {
                let path = service.made(ADMIN, json!({"owner": "p1", "visibility": from})).await;
                let change = json!([{"op": "replace", "path": "/visibility", "value": to}]);
                let answer = service.patch(token, &path, change).await;
                lines.answer(format!("{who} {from} to {to}"), &answer);
            }
        }
    }
    insta::assert_snapshot!(lines, @r#"
    member private to private → 200
    reader private to private → 403 You are not authorized to complete this action.
    admin private to private → 200
    member private to shared → 200
    reader private to shared → 403 You are not authorized to complete this action.
    admin private to shared → 200
    member private to community → 200
    reader private to community → 403 You are not authorized to complete this action.
    admin private to community → 200
    member private to public → 403 You are not authorized to complete this action.
    reader private to public → 403 You are not authorized to complete this action.
    admin private to public → 200
    member shared to private → 200
    reader shared to private → 403 You are not authorized to complete this action.
    admin shared to private → 200
    member shared to shared → 200
    reader shared to shared → 403 You are not authorized to complete this action.
    admin shared to shared → 200
    member shared to community → 200
    reader shared to community → 403 You are not authorized to complete this action.
    admin shared to community → 200
    member shared to public → 403 You are not authorized to complete this action.
    reader shared to public → 403 You are not authorized to complete this action.
    admin shared to public → 200
    member community to private → 200
    reader community to private → 403 You are not authorized to complete this action.
    admin community to private → 200
    member community to shared → 200
    reader community to shared → 403 You are not authorized to complete this action.
    admin community to shared → 200
    member community to community → 200
    reader community to community → 403 You are not authorized to complete this action.
    admin community to community → 200
    member community to public → 403 You are not authorized to complete this action.
    reader community to public → 403 You are not authorized to complete this action.
    admin community to public → 200
    member public to private → 200
    reader public to private → 403 You are not authorized to complete this action.
    admin public to private → 200
    member public to shared → 200
    reader public to shared → 403 You are not authorized to complete this action.
    admin public to shared → 200
    member public to community → 200
    reader public to community → 403 You are not authorized to complete this action.
    admin public to community → 200
    member public to public → 200
    reader public to public → 403 You are not authorized to complete this action.
    admin public to public → 200
    "#);
}

#[tokio::test]
async fn a_hidden_image_is_left_out_of_lists_alone() {
    let service = Service::empty().await;
    let hidden = service.made(MEMBER, json!({"name": "old", "os_hidden": true})).await;
    service.made(MEMBER, json!({"name": "new"})).await;
    let mut lines = Lines::default();
    for query in [
        "",
        "?os_hidden=false",
        "?os_hidden=true",
        "?os_hidden=TRUE",
        "?os_hidden=both",
        "?visibility=all",
        "?name=old",
    ] {
        lines.add(query, service.get(READER, &format!("/v2/images{query}")).await.names());
    }
    insta::assert_snapshot!(lines, @r#"
     → new
    ?os_hidden=false → new
    ?os_hidden=true → old
    ?os_hidden=TRUE → old
    ?os_hidden=both → 400 os_hidden: must be true or false
    ?visibility=all → new
    ?name=old → nothing
    "#);
    assert_eq!(service.get(READER, &hidden).await.json()["os_hidden"], true);
}
