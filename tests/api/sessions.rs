//! Upload sessions: the data comes part by part, by signed URLs.

use serde_json::{Value, json};
use tests::callers::{ADMIN, MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::request::Answer;
use tests::service::Service;
use tests::world::{MAX_IMAGE, PART, SESSION_LIFE, URL_LIFE, World};

use super::Lines;

async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"name": "web", "disk_format": "raw", "container_format": "bare"})).await
}

async fn open(service: &Service, path: &str, body: Value) -> Answer {
    service.call("POST", &format!("{path}/uploads")).by(MEMBER).json(&body).send().await
}

pub(super) async fn opened(service: &Service, path: &str, size: usize) -> Value {
    let answer = open(service, path, json!({"size": size})).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.json()
}

/// Where a part goes within this process.
fn target(part: &Value) -> String {
    part["url"].as_str().unwrap().strip_prefix("http://glint").unwrap().to_owned()
}

async fn bring(service: &Service, part: &Value, data: &[u8]) -> Answer {
    let number = |name: &str| usize::try_from(part[name].as_u64().unwrap()).unwrap();
    let bytes = &data[number("offset")..number("offset") + number("size")];
    let call = service.call_url("PUT", part["url"].as_str().unwrap());
    let headers = part["headers"].as_object().into_iter().flatten();
    headers
        .fold(call, |call, (name, value)| call.header(name, value.as_str().unwrap()))
        .body(bytes)
        .send()
        .await
}

pub(super) async fn bring_all(service: &Service, session: &Value, data: &[u8]) {
    let mut page = session.clone();
    loop {
        for part in page["parts"].as_array().unwrap() {
            let answer = bring(service, part, data).await;
            assert_eq!(answer.line(), "200", "{part}");
            assert!(answer.header("etag").starts_with('"'));
        }
        let Some(next) = page["next"].as_str() else { return };
        page = service.get(MEMBER, next).await.json();
    }
}

/// Uploads data by a session, and answers what completing it was told.
pub(super) async fn uploaded(service: &Service, path: &str, data: &[u8]) -> Answer {
    let answer = open(service, path, json!({"size": data.len()})).await;
    if answer.status != 201 {
        return answer;
    }
    let session = answer.json();
    bring_all(service, &session, data).await;
    complete(service, &session).await
}

fn path_of(session: &Value) -> String {
    session["self"].as_str().unwrap().to_owned()
}

pub(super) async fn complete(service: &Service, session: &Value) -> Answer {
    service.call("POST", &format!("{}/complete", path_of(session))).by(MEMBER).send().await
}

async fn data_of(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    json!([image["status"], image["size"], image["checksum"], image["os_hash_algo"]])
}

#[tokio::test]
async fn data_that_comes_part_by_part_makes_the_image_active() {
    let service = Service::empty().await;
    for size in [0, 1, PART, PART * 3 + 5] {
        let (path, data) = (queued(&service).await, bytes(size));
        let session = opened(&service, &path, size).await;
        assert_eq!(service.get(READER, &path).await.json()["status"], "saving");
        bring_all(&service, &session, &data).await;
        let done = complete(&service, &session).await;
        assert_eq!((done.line().as_str(), &done.json()["status"]), ("200", &json!("complete")), "{size}");
        assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.body, data, "{size}");
        // A client that did not hear of it asks again.
        assert_eq!(complete(&service, &session).await.line(), "200");
        assert_eq!(service.get(MEMBER, &path_of(&session)).await.json()["status"], "complete");
    }
    let path = queued(&service).await;
    let session = opened(&service, &path, 3).await;
    bring_all(&service, &session, b"abc").await;
    complete(&service, &session).await;
    insta::assert_snapshot!(data_of(&service, &path).await, @r#"["active",3,"900150983cd24fb0d6963f7d28e17f72","sha512"]"#);
}

/// In this process, for parts are small here.
#[tokio::test]
async fn a_session_says_what_is_to_be_brought() {
    let world = World::default();
    let path = queued(&world).await;
    let answer = open(&world, &path, json!({"size": PART * 2 + 1})).await;
    let mut session = answer.json();
    assert_eq!(answer.header("location"), format!("http://glint{}", path_of(&session)));
    let id = session["id"].as_str().unwrap().to_owned();
    for part in session["parts"].as_array_mut().unwrap() {
        let url = part["url"].as_str().unwrap().replace(&id, "<session>");
        let url = url.split("&signature=").next().unwrap().to_owned();
        part["url"] = url.split("&expires=").next().unwrap().to_owned().into();
    }
    session["id"] = "<session>".into();
    session["self"] = session["self"].as_str().unwrap().replace(&id, "<session>").into();
    insta::assert_snapshot!(format!("{session:#}"), @r#"
    {
      "expires_at": "2026-10-01T08:30:00Z",
      "id": "<session>",
      "image_id": "00000000-0000-4000-8000-000000000001",
      "part_count": 3,
      "part_size": 64,
      "parts": [
        {
          "arrived": false,
          "expires_at": "2026-10-01T08:10:00Z",
          "number": 1,
          "offset": 0,
          "size": 64,
          "url": "http://glint/v2/images/00000000-0000-4000-8000-000000000001/uploads/<session>/parts/1?offset=0&length=64"
        },
        {
          "arrived": false,
          "expires_at": "2026-10-01T08:10:00Z",
          "number": 2,
          "offset": 64,
          "size": 64,
          "url": "http://glint/v2/images/00000000-0000-4000-8000-000000000001/uploads/<session>/parts/2?offset=64&length=64"
        },
        {
          "arrived": false,
          "expires_at": "2026-10-01T08:10:00Z",
          "number": 3,
          "offset": 128,
          "size": 1,
          "url": "http://glint/v2/images/00000000-0000-4000-8000-000000000001/uploads/<session>/parts/3?offset=128&length=1"
        }
      ],
      "self": "/v2/images/00000000-0000-4000-8000-000000000001/uploads/<session>",
      "size": 129,
      "status": "open"
    }
    "#);
}

#[tokio::test]
async fn a_session_is_resumed_from_what_has_arrived() {
    let world = World::default();
    let (path, data) = (queued(&world).await, bytes(PART * 5));
    let session = opened(&world, &path, data.len()).await;
    for at in [1, 3] {
        assert_eq!(bring(&world, &session["parts"][at], &data).await.line(), "200");
    }
    let told = complete(&world, &session).await;
    assert_eq!(told.line(), "409 Of 5 parts these have not arrived: 1, 3, 5.");

    // Another machine goes on, by pages.
    let (mut next, mut arrived) = (Some(format!("{}?limit=2", path_of(&session))), Vec::new());
    while let Some(page) = next {
        let page = world.get(MEMBER, &page).await.json();
        for part in page["parts"].as_array().unwrap() {
            arrived.push(part["arrived"].as_bool().unwrap());
            if part["arrived"] == false {
                assert_eq!(bring(&world, part, &data).await.line(), "200");
            }
        }
        next = page["next"].as_str().map(|next| format!("{next}&limit=2"));
    }
    assert_eq!(arrived, [false, true, false, true, false]);
    assert_eq!(complete(&world, &session).await.line(), "200");
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, data);
}

#[tokio::test]
async fn who_lost_the_answer_that_opened_a_session_finds_it_in_the_list() {
    let service = Service::empty().await;
    let (path, data) = (queued(&service).await, bytes(PART * 2 + 1));
    let list = format!("{path}/uploads");
    let none = json!({"uploads": [], "first": list});
    assert_eq!(service.get(MEMBER, &list).await.json(), none, "nothing was opened");
    let opened = opened(&service, &path, data.len()).await;
    assert_eq!(bring(&service, &opened["parts"][0], &data).await.line(), "200");

    let listed = service.get(MEMBER, &list).await.json();
    let [session] = listed["uploads"].as_array().unwrap().as_slice() else { panic!("{listed:#}") };
    let parts = session["parts"].as_array().unwrap();
    let arrived: Vec<_> = (0..parts.len()).map(|part| part == 0).collect();
    let known = |session: &Value| {
        let parts = session["parts"].as_array().unwrap().iter().map(|part| part["arrived"].clone());
        json!([session["id"], session["self"], session["status"], session["size"], parts.collect::<Vec<_>>()])
    };
    let this = path_of(&opened);
    let size = data.len();
    assert_eq!(known(session), json!([opened["id"], this, "open", size, arrived]));
    assert_eq!(known(session), known(&service.get(MEMBER, &this).await.json()));
    for part in parts.iter().skip(1) {
        assert_eq!(bring(&service, part, &data).await.line(), "200");
    }
    assert_eq!(complete(&service, session).await.line(), "200");
    assert_eq!(service.get(MEMBER, &list).await.json(), none, "it is over");
    assert_eq!(service.get(MEMBER, &format!("{path}/file")).await.body, data);
}

/// In this process, for parts are small here.
#[tokio::test]
async fn a_list_of_sessions_has_the_first_page_of_parts_and_keeps_the_session_alive() {
    let world = World::default();
    let path = queued(&world).await;
    let id = opened(&world, &path, PART * 150).await["id"].clone();
    let list = format!("{path}/uploads");
    world.clock.advance(SESSION_LIFE * 3 / 4);
    let listed = world.get(MEMBER, &list).await.json();
    let session = &listed["uploads"][0];
    let marker = session["next"].as_str().unwrap().rsplit_once('=').unwrap().1;
    assert_eq!((session["parts"].as_array().unwrap().len(), marker), (100, "100"));
    world.clock.advance(SESSION_LIFE / 2);
    world.reaper.run().await.unwrap();
    assert_eq!(world.get(MEMBER, &list).await.json()["uploads"][0]["id"], id);
    world.clock.advance(SESSION_LIFE + URL_LIFE);
    world.reaper.run().await.unwrap();
    assert_eq!(world.get(MEMBER, &list).await.json()["uploads"], json!([]), "it has ended");
}

#[tokio::test]
async fn only_who_may_upload_may_open_a_session_or_see_one() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for visibility in ["private", "public"] {
        let image = json!({"owner": "p1", "visibility": visibility, "disk_format": "raw", "container_format": "bare"});
        let path = service.made(ADMIN, image).await;
        let session = opened(&service, &path, 7).await;
        let this = path_of(&session);
        for (who, token) in [("stranger", STRANGER), ("reader", READER), ("member", MEMBER), ("admin", ADMIN)]
        {
            let ask = async |method: &str, path: &str, body: &Value| {
                let call = service.call(method, path).by(token);
                let call = if body.is_null() { call } else { call.json(body) };
                call.send().await.status.as_u16()
            };
            let statuses = [
                ask("POST", &format!("{path}/uploads"), &json!({"size": 7})).await,
                ask("GET", &format!("{path}/uploads"), &Value::Null).await,
                ask("GET", &this, &Value::Null).await,
                ask("POST", &format!("{this}/parts"), &json!({"parts": []})).await,
                ask("POST", &format!("{this}/complete"), &Value::Null).await,
            ];
            lines.add(format!("{visibility}, {who}"), statuses.map(|status| status.to_string()).join(" "));
        }
        for token in [STRANGER, READER] {
            assert!(service.call("DELETE", &this).by(token).send().await.status.is_client_error());
        }
        assert_eq!(service.call("GET", &this).send().await.status, 401);
        assert_eq!(service.call("DELETE", &this).by(MEMBER).send().await.line(), "204");
    }
    insta::assert_snapshot!(lines, @r#"
    private, stranger → 404 404 404 404 404
    private, reader → 403 403 403 403 403
    private, member → 409 200 200 400 409
    private, admin → 409 200 200 400 409
    public, stranger → 403 403 403 403 403
    public, reader → 403 403 403 403 403
    public, member → 409 200 200 400 409
    public, admin → 409 200 200 400 409
    "#);
}

#[tokio::test]
async fn what_a_session_needs_is_named() {
    let service = Service::empty().await;
    let path = queued(&service).await;
    let mut lines = Lines::default();
    for body in [
        json!({}),
        json!({"size": -1}),
        json!({"size": MAX_IMAGE + 1}),
        json!({"size": 1, "md5": "abc"}),
        json!({"size": 1, "sha512": "abc"}),
        json!({"size": 1, "checksum": "crc32"}),
        json!({"size": 1, "name": "x"}),
        json!([1]),
    ] {
        lines.answer(&body, &open(&service, &path, body.clone()).await);
    }
    let unset = service.made(MEMBER, json!({"disk_format": "raw"})).await;
    lines.answer("no container format", &open(&service, &unset, json!({"size": 1})).await);
    assert_eq!(data_of(&service, &path).await[0], "queued");
    let session = opened(&service, &path, 1).await;
    lines.answer("a second session", &open(&service, &path, json!({"size": 1})).await);
    lines.answer("an upload beside it", &service.put_file(MEMBER, &path, b"abc").await);
    let this = path_of(&session);
    for query in ["marker=x", "limit=0", "limit=-1"] {
        lines.answer(query, &service.get(MEMBER, &format!("{this}?{query}")).await);
    }
    let parts =
        service.call("POST", &format!("{this}/parts")).by(MEMBER).json(&json!({"parts": []})).send().await;
    lines.answer("parts to be signed, without checksums", &parts);
    insta::assert_snapshot!(lines, @r#"
    {} → 400 size: must be given, as a whole number of bytes, 0 or more
    {"size":-1} → 400 size: must be given, as a whole number of bytes, 0 or more
    {"size":1048577} → 413 size: 1048577 bytes exceed the limit of 1048576 bytes for an image
    {"md5":"abc","size":1} → 400 md5: must be 32 hexadecimal digits
    {"sha512":"abc","size":1} → 400 sha512: must be 128 hexadecimal digits
    {"checksum":"crc32","size":1} → 400 checksum: must be one of crc64nvme, sha256, not "crc32"
    {"name":"x","size":1} → 400 name: is not known here; there are size, md5, sha512, checksum
    [1] → 400 The request body must be a JSON object.
    no container format → 400 Properties container_format must be set prior to saving data.
    a second session → 409 Image status transition from saving to saving is not allowed
    an upload beside it → 409 Image status transition from saving to saving is not allowed
    marker=x → 400 marker: must be a whole number, 0 or more, not 'x'
    limit=0 → 400 limit: must be a whole number, 1 or more, not '0'
    limit=-1 → 400 limit: must be a whole number, 1 or more, not '-1'
    parts to be signed, without checksums → 400 checksum: the session was opened without one; its URLs come with the session
    "#);
    for unknown in ["x", "01ARYZ6S41ZZZZZZZZZZZZZZZZ"] {
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/complete")] {
            let answer =
                service.call(method, &format!("{path}/uploads/{unknown}{rest}")).by(MEMBER).send().await;
            assert_eq!(answer.status, 404, "{method} {unknown}{rest}");
        }
    }
}

#[tokio::test]
async fn data_with_another_digest_is_not_taken() {
    let service = Service::empty().await;
    let right = json!({"size": 3, "md5": "900150983CD24FB0D6963F7D28E17F72"});
    for (body, expected) in [(right, "200"), (json!({"size": 3, "sha512": "0".repeat(128)}), "400")] {
        let path = queued(&service).await;
        let answer = open(&service, &path, body).await;
        assert_eq!(answer.status, 201, "{answer}");
        let session = answer.json();
        bring_all(&service, &session, b"abc").await;
        let done = complete(&service, &session).await;
        assert_eq!(done.status.as_str(), expected);
        if expected == "400" {
            let shown = service.get(MEMBER, &path_of(&session)).await.json();
            assert_eq!(shown["status"], "failed");
            assert!(done.line().contains(shown["message"].as_str().unwrap()), "{}", done.line());
            assert_eq!(data_of(&service, &path).await, json!(["queued", null, null, null]));
            assert_eq!(service.put_file(MEMBER, &path, b"abc").await.line(), "204");
        }
    }
}

#[tokio::test]
async fn a_part_is_taken_by_its_own_url_alone() {
    let world = World::default();
    let (path, data) = (queued(&world).await, bytes(PART * 2));
    let session = opened(&world, &path, data.len()).await;
    let (first, second) = (target(&session["parts"][0]), target(&session["parts"][1]));
    let put = async |path: &str, data: &[u8]| world.call("PUT", path).body(data).send().await.line();
    let mut lines = Lines::default();
    let forged = first.replace("/parts/1?", "/parts/2?");
    lines.add("another part", put(&forged, &data[..PART]).await);
    lines.add("another length", put(&first.replace("length=64", "length=65"), &data[..=PART]).await);
    lines.add("another offset", put(&second.replace("offset=64", "offset=0"), &data[..PART]).await);
    lines.add("a later end", put(&first.replace("expires=1", "expires=2"), &data[..PART]).await);
    lines.add("no signature", put(first.split("&signature").next().unwrap(), &data[..PART]).await);
    lines.add("no query", put(first.split('?').next().unwrap(), &data[..PART]).await);
    lines.add("fewer bytes", put(&first, &data[..PART - 1]).await);
    lines.add("more bytes", put(&first, &data[..=PART]).await);
    lines.add("as signed", put(&first, &data[..PART]).await);
    lines.add("once more", put(&first, &data[..PART]).await);
    world.clock.advance(URL_LIFE);
    lines.add("too late", put(&second, &data[PART..]).await);
    let fresh = world.get(MEMBER, &path_of(&session)).await.json();
    bring(&world, &fresh["parts"][1], &data).await;
    assert_eq!(complete(&world, &session).await.line(), "200");
    let again = target(&fresh["parts"][1]);
    lines.add("after the end", put(&again, &data[PART..]).await);
    insta::assert_snapshot!(lines, @r#"
    another part → 403 the signature of the URL is not valid for what is asked
    another length → 403 the signature of the URL is not valid for what is asked
    another offset → 403 the signature of the URL is not valid for what is asked
    a later end → 403 the signature of the URL is not valid for what is asked
    no signature → 403 the signature of the URL is not valid for what is asked
    no query → 403 the signature of the URL is not valid for what is asked
    fewer bytes → 400 the part must have 64 bytes, not 63
    more bytes → 400 the part must have 64 bytes, not 65
    as signed → 200
    once more → 200
    too late → 403 the URL has expired: ask for a fresh one
    after the end → 404 the upload session has ended
    "#);
    assert_eq!(world.get(MEMBER, &format!("{path}/file")).await.body, data);
}

#[tokio::test]
async fn a_part_is_held_to_the_checksum_it_was_signed_with() {
    let world = World::default();
    let path = queued(&world).await;
    let session = open(&world, &path, json!({"size": 9, "checksum": "crc64nvme"})).await.json();
    assert_eq!(session["parts"][0].get("url"), None, "a URL comes with a checksum");
    let sign = format!("{}/parts", path_of(&session));
    let wanted = json!({"parts": [{"number": 1, "crc64nvme": "rosUhgp5mIg="}]});
    let signed = world.call("POST", &sign).by(MEMBER).json(&wanted).send().await.json();
    let target = target(&signed["parts"][0]);
    let wrong = world.call("PUT", &target).body(b"12345678x").send().await;
    assert_eq!(wrong.line(), "400 the part's crc64nvme is not the one that was declared");
    assert_eq!(world.call("PUT", &target).body(b"123456789").send().await.line(), "200");
    assert_eq!(complete(&world, &session).await.line(), "200");
}

#[tokio::test]
async fn a_session_that_is_given_up_leaves_the_image_queued() {
    let service = Service::empty().await;
    let (path, data) = (queued(&service).await, bytes(PART));
    let session = opened(&service, &path, PART).await;
    bring_all(&service, &session, &data).await;
    let this = path_of(&session);
    assert_eq!(service.call("DELETE", &this).by(MEMBER).send().await.line(), "204");
    assert_eq!(service.call("DELETE", &this).by(MEMBER).send().await.status, 404);
    assert_eq!(data_of(&service, &path).await, json!(["queued", null, null, null]));
    assert_eq!(bring(&service, &session["parts"][0], &data).await.status, 404);
    let session = opened(&service, &path, PART).await;
    bring_all(&service, &session, &data).await;
    assert_eq!(complete(&service, &session).await.line(), "200");
    let refused = service.call("DELETE", &path_of(&session)).by(MEMBER).send().await;
    assert_eq!(refused.status, 409, "{refused}");
}

#[tokio::test]
async fn bytes_announced_count_as_used_until_the_session_ends() {
    let world = World::default();
    world.limits.set(&[("image_size_total", 1), ("image_count_uploading", 1)]);
    let (path, other) = (queued(&world).await, queued(&world).await);
    assert_eq!(open(&world, &path, json!({"size": MAX_IMAGE})).await.status, 201);
    assert_eq!(open(&world, &other, json!({"size": 1})).await.status, 413);
    world.clock.advance(SESSION_LIFE * 2);
    world.reaper.run().await.unwrap();
    assert_eq!(open(&world, &other, json!({"size": 1})).await.status, 201);
}
