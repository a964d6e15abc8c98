//! What is really in uploaded data: attacks and their refusals.

use serde_json::{Value, json};
use shared::format::samples::{self, DESCRIPTOR, at};
use shared::format::{Check, Rules};
use tests::callers::{MEMBER, READER};
use tests::request::Answer;
use tests::service::Service;
use tests::world::{PART, World};

use super::{Lines, sessions};

async fn queued(service: &Service, disk_format: &str, container_format: &str) -> String {
    service.made(MEMBER, json!({"disk_format": disk_format, "container_format": container_format})).await
}

async fn put(service: &Service, path: &str, data: &[u8]) -> Answer {
    let call = service.call("PUT", &format!("{path}/file")).by(MEMBER);
    call.header("content-type", "application/octet-stream").chunked(data).send().await
}

/// What an image says of its data.
async fn data_of(service: &Service, path: &str) -> Value {
    let image = service.get(READER, path).await.json();
    json!([image["status"], image["size"], image["virtual_size"], image["checksum"], image["os_hash_value"]])
}

/// Uploads to fresh images, as a body and by a session, which are told the same. What is refused leaves an image as it was, and
/// ready for data that is right.
async fn uploaded(service: &Service, disk_format: &str, data: &[u8]) -> String {
    let (by_body, by_session) =
        (queued(service, disk_format, "bare").await, queued(service, disk_format, "bare").await);
    let (body, session) = (
        put(service, &by_body, data).await.line(),
        sessions::uploaded(service, &by_session, data).await.line(),
    );
    if body == "204" {
        assert_eq!(
            (session.as_str(), data_of(service, &by_session).await),
            ("200", data_of(service, &by_body).await)
        );
        let image = service.get(READER, &by_body).await.json();
        assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(data.len())));
        return format!("204, virtual_size {}", image["virtual_size"]);
    }
    assert_eq!(session, body.replacen("415", "400", 1));
    for path in [by_body, by_session] {
        assert_eq!(data_of(service, &path).await, json!(["queued", null, null, null, null]), "{disk_format}");
        let file = service.get(MEMBER, &format!("{path}/file")).await;
        assert_eq!((file.status.as_u16(), file.body.len()), (204, 0), "{disk_format}");
        if disk_format == "qcow2" {
            assert_eq!(put(service, &path, &samples::qcow2(3)).await.line(), "204");
        }
    }
    body
}

#[tokio::test]
async fn the_size_of_the_disk_is_told() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (disk_format, data) in [
        ("qcow2", samples::qcow2(2)),
        ("qcow2", samples::qcow2(3)),
        ("vmdk", samples::vmdk(DESCRIPTOR)),
        ("vmdk", samples::vmdk_streamed()),
        ("vhd", samples::vhd()),
        ("vhd", samples::vhd_fixed(vec![0; 5000])),
        ("vdi", samples::vdi()),
        ("iso", samples::iso()),
        ("iso", samples::with_mbr(samples::iso(), 0xee)),
        ("ploop", samples::ploop()),
        ("raw", samples::gpt()),
        ("raw", samples::qcow2(3)),
        ("raw", vec![7; 5000]),
        ("raw", vec![]),
        ("ami", vec![7; 5000]),
        ("aki", samples::with_mbr(vec![0; 5000], 0)),
    ] {
        lines.add(disk_format, uploaded(&service, disk_format, &data).await);
    }
    insta::assert_snapshot!(lines, @r#"
    qcow2 → 204, virtual_size 10485760
    qcow2 → 204, virtual_size 10485760
    vmdk → 204, virtual_size 10485760
    vmdk → 204, virtual_size 10485760
    vhd → 204, virtual_size 10485760
    vhd → 204, virtual_size 10485760
    vdi → 204, virtual_size 10485760
    iso → 204, virtual_size 10485760
    iso → 204, virtual_size 10485760
    ploop → 204, virtual_size 10485760
    raw → 204, virtual_size 4096
    raw → 204, virtual_size 1024
    raw → 204, virtual_size 5000
    raw → 204, virtual_size null
    ami → 204, virtual_size null
    aki → 204, virtual_size null
    "#);
}

#[tokio::test]
async fn data_that_is_not_what_its_image_says_is_refused() {
    let service = Service::empty().await;
    let mut lines = Lines::default();
    for (disk_format, data) in [
        ("qcow2", vec![7; 5000]),
        ("qcow2", vec![]),
        ("qcow2", samples::vdi()),
        ("vhd", vec![7; 5000]),
        ("iso", samples::gpt()),
        ("ami", samples::qcow2(3)),
        ("iso", at(samples::iso(), 0, &samples::qcow2(3))),
        ("raw", at(samples::iso(), 0, &samples::qcow2(3))),
    ] {
        lines.add(disk_format, uploaded(&service, disk_format, &data).await);
    }
    insta::assert_snapshot!(lines, @r#"
    qcow2 → 415 disk_format: the image says 'qcow2', but the data is 'raw'
    qcow2 → 415 disk_format: the image says 'qcow2', but the data is 'raw'
    qcow2 → 415 disk_format: the image says 'qcow2', but the data is 'vdi'
    vhd → 415 disk_format: the image says 'vhd', but the data is 'raw'
    iso → 415 disk_format: the image says 'iso', but the data is 'gpt'
    ami → 415 disk_format: the image says 'ami', but the data is 'qcow2'
    iso → 415 disk_format: the data has several formats at once: 'iso', 'qcow2'
    raw → 415 disk_format: the data has several formats at once: 'iso', 'qcow2'
    "#);
}

/// OSSA-2015-014, OSSA-2023-002, OSSA-2024-001, and what is like them.
#[tokio::test]
async fn data_that_leads_to_files_of_the_host_is_refused() {
    let service = Service::empty().await;
    let vmdk = |from: &str, to: &str| samples::vmdk(&DESCRIPTOR.replace(from, to));
    let mut lines = Lines::default();
    for (disk_format, data) in [
        ("qcow2", samples::qcow2_on("/etc/passwd")),
        ("raw", samples::qcow2_on("/etc/passwd")),
        ("qcow2", samples::qcow2_with_data_in("/etc/shadow")),
        ("qcow2", at(samples::qcow2(3), 72, &(1_u64 << 40).to_be_bytes())),
        ("qcow2", samples::qcow2(7)),
        ("raw", samples::qed()),
        ("vmdk", vmdk("disk.vmdk", "/etc/passwd")),
        ("vmdk", vmdk("monolithicSparse", "monolithicFlat")),
        ("vmdk", vmdk("SPARSE", "FLAT")),
        ("vmdk", vmdk("parentCID=ffffffff", "parentFileNameHint=\"/etc/passwd\"")),
        ("vmdk", DESCRIPTOR.as_bytes().to_vec()),
        ("vmdk", samples::vmdk("")),
        ("vmdk", at(samples::vmdk_streamed(), samples::vmdk_streamed().len() - 1024 + 28, &[9])),
        ("vhd", samples::vhd_footer(4)),
        ("vdi", at(samples::vdi(), 0x4c, &[4])),
        ("raw", at(samples::gpt(), 446, &[1])),
        ("raw", at(samples::gpt(), 454, &[2])),
        ("raw", samples::luks2()),
        ("qcow2", samples::qcow2(3)[..50].to_vec()),
        ("qcow2", at(samples::qcow2(3), 24, &u64::MAX.to_be_bytes())),
    ] {
        lines.add(disk_format, uploaded(&service, disk_format, &data).await);
    }
    insta::assert_snapshot!(lines, @r#"
    qcow2 → 415 the data is 'qcow2' and not safe: check backing_file failed: the image has a backing file, '/etc/passwd'
    raw → 415 the data is 'qcow2' and not safe: check backing_file failed: the image has a backing file, '/etc/passwd'
    qcow2 → 415 the data is 'qcow2' and not safe: check data_file failed: the image has an external data file, '/etc/shadow'
    qcow2 → 415 the data is 'qcow2' and not safe: check unknown_features failed: the incompatible features 0x10000000000 are not known
    qcow2 → 415 the data is 'qcow2' and not safe: check unknown_features failed: version 7 is neither 2 nor 3
    raw → 415 the data is 'qed' and not safe: check banned failed: this format is not taken
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: the extent names another file, '/etc/passwd'
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: createType 'monolithicflat' is none of monolithicSparse and streamOptimized
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: an extent of type 'flat' is no sparse file
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: the disk has a parent, '/etc/passwd'
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: a descriptor alone has its data in other files
    vmdk → 415 the data is 'vmdk' and not safe: check descriptor failed: there is no descriptor
    vmdk → 415 the data is 'vmdk' and not safe: check footer failed: place of the descriptor: 1 in the header, 9 in the footer
    vhd → 415 the data is 'vhd' and not safe: check parent failed: the disk holds what differs from another
    vdi → 415 the data is 'vdi' and not safe: check parent failed: an image of type 4 holds what differs from another
    raw → 415 the data is 'gpt' and not safe: check mbr failed: partition 0 has boot flag 0x01, neither 0x00 nor 0x80
    raw → 415 the data is 'gpt' and not safe: check gptmbr failed: the protective partition 0 starts at LBA 2, not 1
    raw → 415 the data is 'luks' and not safe: check version failed: LUKS version 2 is not 1
    qcow2 → 415 the data is 'qcow2' and not safe: check header failed: the header is cut off: 50 of 104 bytes
    qcow2 → 415 the data is 'qcow2' and not safe: check header failed: a disk of 18446744073709551615 bytes is over the limit of 9223372036854775807 bytes
    "#);
}

#[tokio::test]
async fn what_is_wrapped_in_something_else_is_not_looked_into() {
    let service = Service::empty().await;
    let path = queued(&service, "vmdk", "ova").await;
    assert_eq!(put(&service, &path, &samples::qcow2_on("/etc/passwd")).await.line(), "204");
    let image = service.get(READER, &path).await.json();
    assert_eq!(image["virtual_size"], Value::Null);
}

/// In process: the store is looked at.
#[tokio::test]
async fn of_data_that_is_refused_nothing_stays_stored() {
    let world = World::default();
    // Refused by its beginning, in the only part, in the midst of parts; and by its end.
    let (small, large) = (samples::qcow2_on("x"), at(samples::qcow2_on("x"), 100_000 + PART, b"end"));
    let tail = at(samples::vmdk_streamed(), 0x2000, &[1; 0x4000]);
    for (disk_format, data) in [("qcow2", small), ("qcow2", large), ("vmdk", tail)] {
        let path = queued(&world, disk_format, "bare").await;
        assert_eq!(put(&world, &path, &data).await.status.as_u16(), 415, "{disk_format}");
        assert_eq!(sessions::uploaded(&world, &path, &data).await.status.as_u16(), 400, "{disk_format}");
        assert_eq!(world.store.keys(), []);
    }
}

#[tokio::test]
async fn rules_can_be_relaxed() {
    let world = World::holding_to(Rules { require_match: false, allowed: vec![Check::BackingFile] });
    let mut lines = Lines::default();
    for (disk_format, data) in [
        ("qcow2", samples::qcow2_on("base")),
        ("qcow2", samples::qcow2_with_data_in("/etc/shadow")),
        ("vmdk", samples::qcow2(3)),
        ("vmdk", samples::qed()),
        ("iso", at(samples::iso(), 0, &samples::qcow2(3))),
    ] {
        lines.add(disk_format, uploaded(&world, disk_format, &data).await);
    }
    insta::assert_snapshot!(lines, @r#"
    qcow2 → 204, virtual_size 10485760
    qcow2 → 415 the data is 'qcow2' and not safe: check data_file failed: the image has an external data file, '/etc/shadow'
    vmdk → 204, virtual_size null
    vmdk → 415 the data is 'qed' and not safe: check banned failed: this format is not taken
    iso → 204, virtual_size null
    "#);
}
