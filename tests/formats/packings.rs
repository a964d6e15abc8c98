//! Data that the system's own tools pack, unpacked as it flows. A tool that is not here is left out, and the test says so.

use std::io::Write as _;
use std::process::{Command, Stdio};

use shared::decompress::properties::{BOUNDS, unpacked};
use shared::decompress::{Bounds, Packing};

/// A packing, the tool and its arguments, from its standard input to its standard output.
const TOOLS: [(Packing, &[&str]); 12] = [
    (Packing::Gzip, &["gzip", "-1"]),
    (Packing::Gzip, &["gzip", "-9", "-n"]),
    (Packing::Xz, &["xz", "-0"]),
    (Packing::Xz, &["xz", "-9", "--check=sha256"]),
    (Packing::Xz, &["xz", "-1", "--check=crc32", "--block-size=65536"]),
    (Packing::Xz, &["xz", "--check=none", "--x86", "--lzma2"]),
    (Packing::Zstd, &["zstd", "-1"]),
    (Packing::Zstd, &["zstd", "-19", "--no-check"]),
    (Packing::Zstd, &["zstd", "-3", "--content-size"]),
    (Packing::Zip, &["zip", "-q", "-", "-"]),
    (Packing::Zip, &["zip", "-q", "-9", "-fz", "-", "-"]),
    (Packing::Zip, &["zip", "-q", "-1", "-fz-", "-", "-"]),
];

fn packed(tool: &[&str], data: &[u8]) -> Option<Vec<u8>> {
    let (program, arguments) = tool.split_first().unwrap();
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("left out: no {program} here");
        return None;
    };
    let (mut input, data) = (child.stdin.take().unwrap(), data.to_vec());
    let writer = std::thread::spawn(move || input.write_all(&data).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{tool:?}");
    Some(output.stdout)
}

fn data() -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..300_000).map(|_| next()).collect();
    [noise.as_slice(), &b"and text ".repeat(50_000), &vec![0; 500_000], &noise[..100]].concat()
}

#[tokio::test]
async fn what_tools_pack_comes_out_as_it_was() {
    let data = data();
    for (packing, tool) in TOOLS {
        let Some(packed) = packed(tool, &data) else { continue };
        assert_eq!(Packing::sniff(&packed[..Packing::HEAD]), Some(packing), "{tool:?}");
        for piece in [1000, 1 << 20] {
            let out = unpacked(packing, &packed, piece, BOUNDS).await;
            assert!(out.as_ref().is_ok_and(|out| *out == data), "{tool:?}: {:?}", out.err());
        }
    }
}

#[tokio::test]
async fn what_tools_pack_is_cut_off_nowhere_without_an_error() {
    let data = b"Some text, and more text.".repeat(9);
    for (packing, tool) in TOOLS {
        let Some(packed) = packed(tool, &data) else { continue };
        for end in 0..packed.len() {
            let out = unpacked(packing, &packed[..end], 4096, BOUNDS).await;
            assert!(out.is_err(), "{tool:?}: {end} of {} bytes", packed.len());
        }
    }
}

#[tokio::test]
async fn what_a_tool_packs_too_densely_is_refused() {
    let zeros = vec![0; 3 << 20];
    let bounds = Bounds { max_ratio: 20, floor: 64 << 10, ..BOUNDS };
    for (packing, tool) in TOOLS {
        let Some(packed) = packed(tool, &zeros) else { continue };
        let error = unpacked(packing, &packed, 4096, bounds).await.unwrap_err().to_string();
        assert!(error.contains("more than 20 times as many"), "{tool:?}: {error}");
    }
}
