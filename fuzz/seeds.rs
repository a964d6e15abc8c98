//! Writes a corpus to begin with: the samples of every format, images that `qemu-img` makes, where it is there, and what clients of
//! sessions and signers of images send.   cargo run -p tests --example seeds

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it says what it made, and what it could not")]

use std::fs;
use std::io::{Read as _, Result};
use std::path::Path;
use std::process::Command;

use shared::format::samples;
use shared::signature::properties::certificates;

/// What lies behind a mebibyte makes fuzzing slow; `patched` has the larger samples built in.
const MOST: u64 = 1 << 20;

/// Formats of `qemu-img`, each with its options.
const QEMU: [(&str, &str); 21] = [
    ("raw", ""),
    ("qcow2", "compat=0.10"),
    ("qcow2", "compat=1.1"),
    ("qcow2", "lazy_refcounts=on,cluster_size=4096"),
    ("qcow2", "compression_type=zstd"),
    ("qcow2", "extended_l2=on,cluster_size=128k"),
    ("qcow2", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10"),
    ("qed", ""),
    ("vmdk", "subformat=monolithicSparse"),
    ("vmdk", "subformat=monolithicFlat"),
    ("vmdk", "subformat=twoGbMaxExtentSparse"),
    ("vmdk", "subformat=twoGbMaxExtentFlat"),
    ("vmdk", "subformat=streamOptimized"),
    ("vmdk", "compat6=on"),
    ("vpc", "subformat=dynamic,force_size=on"),
    ("vpc", "subformat=fixed,force_size=on"),
    ("vhdx", "subformat=dynamic"),
    ("vhdx", "subformat=fixed"),
    ("vdi", ""),
    ("luks", "key-secret=key,iter-time=10"),
    ("parallels", ""),
];

fn main() -> Result<()> {
    let mut images: Vec<_> =
        samples::all().into_iter().map(|(name, image)| (name.to_owned(), image)).collect();
    let made = qemu(&mut images)?;
    for target in ["split", "ranges", "judged"] {
        for (number, (name, image)) in images.iter().enumerate() {
            if image.len() as u64 <= MOST {
                write(target, &format!("{number:02}-{name}"), image)?;
            }
        }
    }
    // A choice of a sample, and a byte written over in it.
    for choice in 0..u8::try_from(samples::all().len()).unwrap_or(u8::MAX) {
        write("patched", &format!("{choice:02}"), &[choice, 0, 0, 24, 1, 255])?;
    }
    for choice in 0..u8::try_from(shared::convert::samples::all().len()).unwrap_or(u8::MAX) {
        write("conversions", &format!("{choice:02}"), &[choice, 0, 0, 24, 1, 255])?;
    }
    // The beginning of each way of packing.
    for (at, head) in
        [&b"\x1f\x8b\x08\0"[..], b"\xfd7zXZ\0\0\x04", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"!!-lh5-"]
            .iter()
            .enumerate()
    {
        write("packings", &format!("{at:02}"), head)?;
    }
    sessions()?;
    egress()?;
    signatures()?;
    println!("{} images, {made} of them by qemu-img", images.len());
    Ok(())
}

/// Adds the beginnings of what `qemu-img` makes. A format that this one was built without is left out.
fn qemu(images: &mut Vec<(String, Vec<u8>)>) -> Result<usize> {
    let folder = tempfile::tempdir()?;
    let mut made = 0;
    for (at, (format, options)) in QEMU.iter().enumerate() {
        let file = folder.path().join(at.to_string());
        let mut command = Command::new("qemu-img");
        command.args(["create", "-q", "-f", format, "--object", "secret,id=key,data=seed"]);
        if !options.is_empty() {
            command.args(["-o", options]);
        }
        match command.arg(&file).arg("1M").output() {
            Ok(done) if done.status.success() => {
                let mut begin = Vec::new();
                fs::File::open(&file)?.take(MOST).read_to_end(&mut begin)?;
                images.push((format!("qemu-{format}"), begin));
                made += 1;
            }
            Ok(done) => eprintln!("{format} {options}: {}", String::from_utf8_lossy(&done.stderr).trim()),
            Err(error) => {
                eprintln!("no qemu-img: {error}");
                break;
            }
        }
    }
    Ok(made)
}

fn sessions() -> Result<()> {
    let bodies = [
        r#"{"size": 100, "md5": "d41d8cd98f00b204e9800998ecf8427e", "sha512": null, "checksum": "sha256"}"#,
        r#"{"size": 18446744073709551615, "checksum": "crc64nvme"}"#,
        r#"{"parts": [{"number": 2, "crc64nvme": "rosUhgp5mIg="}, {"number": 15, "crc64nvme": "rosUhgp5mIg="}]}"#,
        r#"{"parts": [{"number": 1, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}]}"#,
    ];
    for (at, body) in bodies.iter().enumerate() {
        write("sessions", &format!("body-{at}"), &[&[0][..], body.as_bytes()].concat())?;
    }
    let page = [0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 9];
    write("sessions", "page", &[&[1][..], page.as_slice()].concat())?;
    let query = "offset=0&length=9&expires=1000000&crc64nvme=726f735568677035&signature=00";
    write("sessions", "seal", &[&[2, 0, 0, 0, 0, 0, 0, 0, 9, 1][..], query.as_bytes()].concat())?;
    write("sessions", "state", &[3, 0, 0, 0, 17, 1])
}

fn egress() -> Result<()> {
    let urls = [
        "https://images.example:443/a.qcow2?x=y#z",
        "http://images.example@10.0.0.1/",
        "http://[::ffff:127.0.0.1]:80/",
        "//0x7f.1/latest",
        "../a?b",
    ];
    for (at, url) in urls.iter().enumerate() {
        write("egress", &format!("url-{at}"), &[&[1][..], url.as_bytes()].concat())?;
    }
    for way in 0..16 {
        write("egress", &format!("address-{way:02}"), &[0, way, 127, 0, 0, 1])?;
    }
    Ok(())
}

fn signatures() -> Result<()> {
    for (at, certificate) in certificates().iter().enumerate() {
        write("signatures", &format!("certificate-{at:02}"), &[&[0][..], certificate.as_slice()].concat())?;
        write(
            "signatures",
            &format!("patched-{at:02}"),
            &[1, u8::try_from(at).unwrap_or_default(), 0, 40, 1],
        )?;
    }
    let said = "AQID\nSHA-256\nRSA-PSS\n1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab";
    write("signatures", "said", &[&[2][..], said.as_bytes()].concat())?;
    let saved = r#"{"signature": "AQID", "hash_method": "SHA-256", "key_type": "DSA", "certificate_uuid": "1a9eb1b2-2b4c-4a6e-8f0a-0123456789ab", "certificate": "MIIB"}"#;
    write("signatures", "saved", &[&[3][..], saved.as_bytes()].concat())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}
