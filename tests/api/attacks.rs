//! Attacks on image services that touch bytes, by the record that made them known, and their refusals.
//!
//! | Record | Attack | Where |
//! | --- | --- | --- |
//! | OSSA-2015-014 | qcow2 on a backing file | `formats::data_that_leads_to_files_of_the_host_is_refused`, as a body and by a session |
//! | OSSA-2023-002 | vmdk whose descriptor names files | the same |
//! | OSSA-2024-001 | qcow2 with its data elsewhere | the same |
//! | OSSA-2014-028, 2015-003 | more bytes than a project may have, of unknown number | `quotas::bytes_of_unknown_number_may_come_until_the_limit_is_passed` |
//! | OSSA-2015-020 | the last of a quota, asked for many times at once | `the_last_of_a_quota_is_given_to_one_session`; uploads in `faults::usage` |
//! | OSSA-2015-019, 2016-006 | status or data of an active image changed | `nothing_changes_the_data_of_an_active_image` |
//! | OSSA-2012-017 | others' data deleted | `nobody_ends_anothers_session`; sessions in `sessions::only_who_may_upload_may_open_a_session_or_see_one` |
//! | OSSA-2014-041, 2015-002 | a location that is a file of the host | `no_location_of_the_host_is_taken` |
//! | OSSN-0065, 0090 | data of a shared store swapped or taken by its location | `locations`, `relocations`; objects of others in `shared::store::address` |
//! | LP 2161330, 2152110 | a location, or a task, inside the operator's network | `relocations::no_location_leads_into_the_host_or_its_network`, `tasks`; redirects and addresses in `tests/egress` |
//! | OSSA-2013-002, 2013-007, 2014-004 | credentials in records, errors, logs | `no_leave_and_no_token_is_written_anywhere` |
//! | OSSA-2016-012 | a header that makes who reads it reserve what it says | `numbers_of_hostile_headers_reserve_nothing`; any bytes in `shared::format` |
//!
//! What a part's URL is leave for is in `sessions::a_part_is_taken_by_its_own_url_alone`.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::format::samples::{self, at};
use shared::ports::Query;
use tests::callers::{MEMBER, READER, STRANGER};
use tests::fixtures::bytes;
use tests::service::Service;
use tests::world::{PART, World};

use super::sessions::{bring_all, complete, opened};

async fn queued(service: &Service) -> String {
    service.made(MEMBER, json!({"disk_format": "raw", "container_format": "bare"})).await
}

/// What an image and its data are.
async fn all_of(service: &Service, path: &str) -> (Value, Vec<u8>) {
    let image = service.get(MEMBER, path).await.json();
    (image, service.get(MEMBER, &format!("{path}/file")).await.body.to_vec())
}

#[tokio::test]
async fn the_last_of_a_quota_is_given_to_one_session() {
    let world = World::default();
    let mut paths = Vec::new();
    for _ in 0..6 {
        paths.push(queued(&world).await);
    }
    world.limits.set(&[("image_size_total", 1)]);
    let size = (1 << 20) / 2 - 1;
    let body = json!({"size": size});
    let opening =
        paths.iter().map(|path| world.call("POST", &format!("{path}/uploads")).by(MEMBER).json(&body).send());
    let mut statuses: Vec<_> = join_all(opening).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 413, 413, 413, 413]);
}

/// Who had leave to bring a part of it has none once it is active, by the same URL or by another image's.
#[tokio::test]
async fn nothing_changes_the_data_of_an_active_image() {
    let world = World::default();
    let (path, data, other) = (queued(&world).await, bytes(PART * 2), vec![7; PART]);
    let session = opened(&world, &path, data.len()).await;
    bring_all(&world, &session, &data).await;
    assert_eq!(complete(&world, &session).await.line(), "200");
    let before = all_of(&world, &path).await;
    assert_eq!((&before.0["status"], &before.1), (&json!("active"), &data));

    let this = session["self"].as_str().unwrap();
    let octets = [("content-type", "application/octet-stream"), ("x-image-meta-status", "queued")];
    let file = octets
        .iter()
        .fold(world.call("PUT", &format!("{path}/file")), |call, (name, value)| call.header(name, value));
    assert_eq!(file.by(MEMBER).body(&other).send().await.status, 409);
    let again = world.call("POST", &format!("{path}/uploads")).by(MEMBER);
    assert_eq!(again.json(&json!({"size": 7})).send().await.status, 409);
    for part in session["parts"].as_array().unwrap() {
        let put = world.call_url("PUT", part["url"].as_str().unwrap()).body(&other).send().await;
        assert_eq!(put.status, 404, "{put}");
    }
    assert_eq!(complete(&world, &session).await.line(), "200", "it is, and stays so");
    assert_eq!(world.call("DELETE", this).by(MEMBER).send().await.status, 409);
    for (name, value) in [
        ("status", json!("queued")),
        ("size", json!(1)),
        ("checksum", json!("0".repeat(32))),
        ("os_hash_value", json!("0".repeat(128))),
        ("disk_format", json!("qcow2")),
    ] {
        let change = json!([{"op": "replace", "path": format!("/{name}"), "value": value}]);
        assert_eq!(world.patch(MEMBER, &path, change).await.status, 403, "{name}");
    }
    assert_eq!(all_of(&world, &path).await, before);

    // Another image's leave, of another session.
    let third = queued(&world).await;
    let open = opened(&world, &third, data.len()).await;
    let (from, to) = (third.rsplit('/').next().unwrap(), path.rsplit('/').next().unwrap());
    let url = open["parts"][0]["url"].as_str().unwrap();
    let sessions = (open["id"].as_str().unwrap(), session["id"].as_str().unwrap());
    for forged in [url.replace(from, to), url.replace(from, to).replace(sessions.0, sessions.1)] {
        assert_ne!(forged, url);
        let put = world.call_url("PUT", &forged).body(&other).send().await;
        assert_eq!(put.status, 403, "{put}");
    }
    assert_eq!(all_of(&world, &path).await, before);
}

#[tokio::test]
async fn nobody_ends_anothers_session() {
    let service = Service::empty().await;
    for visibility in ["private", "shared"] {
        let image = json!({"visibility": visibility, "disk_format": "raw", "container_format": "bare"});
        let (path, data) = (service.made(MEMBER, image).await, bytes(7));
        let session = opened(&service, &path, data.len()).await;
        bring_all(&service, &session, &data).await;
        let this = session["self"].as_str().unwrap();
        for (token, status) in [(STRANGER, 404), (READER, 403)] {
            for (method, path) in
                [("DELETE", this.to_owned()), ("POST", format!("{this}/complete")), ("DELETE", path.clone())]
            {
                let answer = service.call(method, &path).by(token).send().await;
                assert_eq!(answer.status, status, "{method} {path} by {token}");
            }
        }
        // Nothing of it was lost.
        assert_eq!(complete(&service, &session).await.line(), "200");
        assert_eq!(all_of(&service, &path).await.1, data);
    }
}

#[tokio::test]
async fn no_location_of_the_host_is_taken() {
    let service = Service::empty().await;
    for url in ["file:///etc/passwd", "filesystem:///etc/passwd", "swift+config://ref/a/b", "/etc/passwd"] {
        let location = json!([{"url": url, "metadata": {}}]);
        for name in ["locations", "direct_url"] {
            let value = if name == "locations" { location.clone() } else { json!(url) };
            let mut image = json!({"disk_format": "raw", "container_format": "bare"});
            image[name] = value.clone();
            assert_eq!(service.post(MEMBER, image).await.status, 403, "{name} of {url}");
        }
        let path = queued(&service).await;
        for (op, at, value) in [
            ("add", "/locations/-", location[0].clone()),
            ("replace", "/locations", location.clone()),
            ("add", "/direct_url", json!(url)),
        ] {
            let change = json!([{"op": op, "path": at, "value": value}]);
            let answer = service.patch(MEMBER, &path, change).await;
            assert!(answer.status.is_client_error(), "{op} {at} of {url}: {answer}");
        }
        let (image, data) = all_of(&service, &path).await;
        assert_eq!((&image["status"], data.len()), (&json!("queued"), 0), "{url}");
        assert!(!image.to_string().contains("passwd"), "{image}");
    }
}

thread_local! {
    /// What was logged in a test's thread, once it listens.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the thread that logs. One log for all threads: one for each would have others decide what is not worth its line.
#[derive(Debug)]
struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|heard| heard.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn listen() {
    static LOG: Once = Once::new();
    LOG.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        tracing::subscriber::set_global_default(log.with_writer(|| Heard).finish()).unwrap();
    });
    HEARD.set(Some(Vec::new()));
}

/// All that was logged, at every level, while the image went through a session, good and forged requests, and its end; and all
/// that the table holds of it.
#[tokio::test]
async fn no_leave_and_no_token_is_written_anywhere() {
    listen();
    let world = World::default();
    let secret = "p1:member,reader,cloud-secret";
    let image = json!({"disk_format": "qcow2", "container_format": "bare"});
    let (path, data) = (world.made(secret, image).await, bytes(PART + 1));
    let session = opened(&world, &path, data.len()).await;
    let urls =
        session["parts"].as_array().unwrap().iter().map(|part| part["url"].as_str().unwrap().to_owned());
    let urls: Vec<String> = urls.collect();
    let signatures = urls.iter().map(|url| url.split("signature=").nth(1).unwrap().to_owned());
    let mut secrets: Vec<String> = signatures.chain(["cloud-secret".to_owned()]).collect();
    let mut errors = Vec::new();
    for url in &urls {
        // Forged, too long, and right.
        let forged = world.call_url("PUT", &url.replace("expires=1", "expires=2")).body(&data).send().await;
        let long = world.call_url("PUT", url).body(&bytes(PART * 2)).send().await;
        assert!(forged.status.is_client_error() && long.status.is_client_error());
        errors.extend([forged, long]);
    }
    bring_all(&world, &session, &data).await;
    let refused = complete(&world, &session).await;
    assert_eq!(refused.status, 400, "it is no qcow2: {refused}");
    let put = world.call("PUT", &format!("{path}/file")).by(secret);
    let put = put.header("content-type", "application/octet-stream").body(&data).send().await;
    assert_eq!(put.status, 415);
    errors.extend([refused, put]);
    let errors: String = errors.iter().map(ToString::to_string).collect();

    let id = path.rsplit('/').next().unwrap();
    let rows = world.table.query(&Query::partition(format!("image#{id}"), 100)).await.unwrap();
    let rows = format!("{:?}", rows.items);
    assert!(rows.contains("queued"), "{rows}");
    let log = String::from_utf8(HEARD.take().unwrap()).unwrap();
    assert!(log.contains("answered") && log.contains(id), "nothing was logged: {log}");
    secrets.retain(|secret| !secret.is_empty());
    assert_eq!(secrets.len(), urls.len() + 1);
    for secret in &secrets {
        for (place, text) in [("the log", &log), ("an error", &errors), ("a record", &rows)] {
            assert!(!text.contains(secret.as_str()), "{place} has {secret}: {text}");
        }
    }
}

/// Each of these says of itself that it is larger than any memory.
#[tokio::test]
async fn numbers_of_hostile_headers_reserve_nothing() {
    let service = Service::empty().await;
    let huge = u64::MAX.to_be_bytes();
    for (disk_format, data) in [
        ("qcow2", at(samples::qcow2(3), 24, &huge)),
        ("qcow2", at(samples::qcow2(3), 36, &huge)),
        ("qcow2", at(samples::qcow2(3), 100, &[0xff; 4])),
        ("qcow2", at(at(samples::qcow2(3), 8, &huge), 16, &[0xff; 4])),
        ("vhd", at(samples::vhd(), 48, &huge)),
        ("vdi", at(samples::vdi(), 368, &huge)),
        ("vmdk", at(samples::vmdk(samples::DESCRIPTOR), 28, &huge)),
        ("vmdk", at(samples::vmdk(samples::DESCRIPTOR), 36, &huge)),
    ] {
        let path =
            service.made(MEMBER, json!({"disk_format": disk_format, "container_format": "bare"})).await;
        let status = service.put_file(MEMBER, &path, &data).await.status.as_u16();
        assert!([204, 415].contains(&status), "{disk_format}: {status}");
        let image = service.get(MEMBER, &path).await.json();
        assert_eq!(image["status"], if status == 204 { "active" } else { "queued" });
    }
}
