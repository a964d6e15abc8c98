//! In whose name.

use serde_json::{Value, json};
use tests::callers::{MEMBER, READER};
use tests::world::PART;

use crate::cloud::{Act, Cloud, text, token};

/// Answers as Keystone, each time with the next of these tokens.
fn keystone(cloud: &Cloud, tokens: &'static [&'static str]) {
    let (url, mut given) = (format!("{}/v2", cloud.url), 0);
    cloud.hook(move |seen| {
        if seen.path != "/v3/auth/tokens" {
            return Act::Pass;
        }
        given += 1;
        Act::Answer(token(tokens[(given - 1).min(tokens.len() - 1)], &url))
    });
}

#[tokio::test]
async fn a_cloud_of_clouds_yaml_is_asked_with_a_token_of_keystones() {
    let cloud = Cloud::new().await.told(&[]);
    keystone(&cloud, &[MEMBER]);
    let auth = format!("{{auth_url: '{}', username: ann, project_name: demo}}", cloud.url);
    cloud.file(
        "clouds.yaml",
        format!("clouds:\n  mine:\n    auth: {auth}\n    region_name: one\n  other: {{}}\n").as_bytes(),
    );
    cloud.file("secure.yaml", b"clouds: {mine: {auth: {password: secret}}}");
    let file = cloud.file("web.raw", b"abc");
    cloud.done(&["push", text(&file), "--os-cloud", "mine"]).await;
    let seen = cloud.seen();
    let asked: Vec<_> = seen.iter().filter(|seen| seen.path == "/v3/auth/tokens").collect();
    assert_eq!(asked.len(), 1, "one token does");
    assert!(asked[0].headers.get("x-auth-token").is_none());
    assert!(seen.iter().filter(|seen| seen.is_part()).all(|seen| seen.header("x-auth-token").is_empty()));

    let elsewhere = cloud.run(&["pull", "web", "--os-cloud", "mine", "--os-region-name", "two"]).await;
    assert_eq!(elsewhere.code, 2);
    assert!(
        elsewhere.errors.contains("no public endpoint of the Image service in region 'two'"),
        "{}",
        elsewhere.errors
    );
    let missing = cloud.run(&["pull", "web", "--os-cloud", "other"]).await;
    assert_eq!((missing.code, missing.errors.lines().count()), (2, 1), "{}", missing.errors);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_asked_for_anew() {
    let cloud = Cloud::new().await;
    let variables = [
        ("OS_AUTH_URL", cloud.url.clone()),
        ("OS_USERNAME", "ann".to_owned()),
        ("OS_PASSWORD", "p".to_owned()),
    ];
    let cloud = cloud.told(&variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    // The first is known to the service until parts were brought, then to nobody.
    let (url, mut given, mut is_over) = (cloud.url.clone(), 0, false);
    cloud.hook(move |seen| {
        is_over |= seen.is_part() && seen.before == 2;
        match seen.header("x-auth-token") {
            _ if seen.path == "/v3/auth/tokens" => {
                given += 1;
                Act::Answer(token(
                    if given == 1 { "p1:member,reader" } else { "p1:member,reader,other" },
                    &url,
                ))
            }
            MEMBER if is_over => Act::status(401, "who is that?"),
            _ => Act::Pass,
        }
    });
    let file = cloud.file("web.raw", &vec![7; PART * 6]);
    let said = cloud.done(&["push", text(&file), "--parallel", "1"]).await;
    assert_eq!(said["status"], "active");
    let tokens = cloud.seen().iter().filter(|seen| seen.path == "/v3/auth/tokens").count();
    assert_eq!(tokens, 2);
}

#[tokio::test]
async fn a_service_of_this_machine_needs_its_url_alone() {
    let cloud = Cloud::new().await.told(&[]);
    cloud.hook(|seen| {
        assert!(seen.header("x-auth-token").is_empty());
        let body = if seen.path == "/v2/images" { json!({"images": []}) } else { Value::Null };
        Act::Answer(axum::response::IntoResponse::into_response(axum::Json(body)))
    });
    for words in [&["--endpoint", &cloud.url][..], &["--endpoint", &format!("{}/v2/", cloud.url)]] {
        let ran = cloud.run(&[&["pull", "web"], words].concat()).await;
        assert_eq!(
            (ran.code, ran.errors.as_str()),
            (1, "glint: there is no image 'web', or it is not yours to see\n")
        );
    }
    let none = cloud.run(&["pull", "web", "--tries", "1"]).await;
    let first = none.errors.lines().next().unwrap();
    assert_eq!(
        first,
        "glint: no cloud is named: asking http://127.0.0.1:9292 (--endpoint, --os-cloud and OS_* name others)"
    );
}

#[tokio::test]
async fn who_may_not_is_told_what_to_do() {
    let cloud = Cloud::new().await;
    let file = cloud.file("web.raw", b"abc");
    let reader = [("OS_AUTH_TYPE", "admin_token"), ("OS_TOKEN", READER), ("OS_ENDPOINT", &cloud.url.clone())];
    let cloud = cloud.told(&reader);
    let ran = cloud.run(&["push", text(&file)]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.errors.starts_with("glint: POST /v2/images: 403 Forbidden: "), "{}", ran.errors);
    let url = cloud.url.clone();
    let ran = cloud.told(&[]).run(&["push", text(&file), "--endpoint", &url]).await;
    assert_eq!(
        (ran.code, ran.errors.as_str()),
        (
            1,
            "glint: the service wants to know who calls: name a cloud with --os-cloud, or set OS_* variables\n"
        )
    );
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_told_without_them() {
    let cloud = Cloud::new().await;
    let variables = [
        ("OS_AUTH_URL", cloud.url.clone()),
        ("OS_USERNAME", "ann".to_owned()),
        ("OS_PASSWORD", "hidden".to_owned()),
    ];
    let cloud = cloud.told(&variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    cloud.hook(|_| {
        Act::status(
            401,
            r#"{"error": {"code": 401, "message": "The request you have made requires authentication."}}"#,
        )
    });
    let ran = cloud.run(&["pull", "web"]).await;
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.errors,
        "glint: Keystone does not take these credentials: The request you have made requires authentication.\n"
    );
}
