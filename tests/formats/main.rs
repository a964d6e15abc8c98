//! Inspection of image data, held against QEMU and against what Glance inspects by, on images that `qemu-img` makes.
//!
//! Without `qemu-img`, or without the clients' virtual environment (`tests/clients/venv.sh`), what needs it is left out, and says so.

#![cfg(test)]

mod conversions;
mod corpus;
mod disks;
mod packings;
mod plugins;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use shared::format::{Content, Format, properties};

use corpus::{Corpus, Made};

/// What the bytes of a file are; by pieces and by ranges it is the same.
fn inspected(path: &Path) -> Content {
    let bytes = std::fs::read(path).unwrap();
    properties::any_split_is_the_same(&bytes, &[4096, 1, 65_536, 777]);
    properties::ranges_tell_what_the_stream_tells(&bytes);
    properties::any_bytes_are_judged(&bytes);
    properties::whole(&bytes)
}

fn names(content: &Content) -> Vec<&'static str> {
    content.formats.iter().map(|found| found.format.name()).collect()
}

fn failures(content: &Content) -> Vec<&'static str> {
    let failures = content.formats.iter().flat_map(|found| &found.failures);
    failures.map(|failure| failure.check.name()).collect()
}

#[test]
fn images_that_qemu_makes_are_told_with_the_size_it_tells() {
    let Some(corpus) = Corpus::make() else { return };
    for Made { name, path, format, .. } in &corpus.images {
        let content = inspected(path);
        let expected = Format::parse(format).map_or_else(Vec::new, |format| vec![format.name()]);
        assert_eq!(names(&content), expected, "{name}");
        let (Some(told), Some(found)) = (corpus.virtual_size(path), content.formats.first()) else {
            continue;
        };
        assert_eq!(found.virtual_size, Some(told), "{name}");
    }
    println!("{} images held against qemu-img", corpus.images.len());
}

#[test]
fn images_that_lead_to_other_files_are_not_safe_and_the_others_are() {
    let Some(corpus) = Corpus::make() else { return };
    for Made { name, path, fails, .. } in &corpus.images {
        assert_eq!(failures(&inspected(path)), *fails, "{name}");
    }
}

/// Where Glint tells otherwise than `oslo.utils`, by name of the image.
const DIFFERENCES: [(&str, &str); 8] = [
    ("vmdk on another", "oslo.utils overlooks that it stands on a parent"),
    ("vhd fixed", "only the end tells it, which oslo.utils does not look at"),
    ("vhd fixed, of a disk", "likewise"),
    ("ploop", "not known to oslo.utils"),
    ("qcow2, extended L2", "a feature that QEMU has had since 5.2, and oslo.utils takes for unknown"),
    ("vmdk, descriptor of monolithicFlat", "of a descriptor alone oslo.utils tells no size"),
    ("vmdk, descriptor of twoGbMaxExtentSparse", "likewise"),
    ("vmdk, descriptor of twoGbMaxExtentFlat", "likewise"),
];

#[test]
fn images_are_told_as_glance_tells_them() {
    let Some(corpus) = Corpus::make() else { return };
    let target =
        std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("venvs/clients/bin/python");
    let python = if target.exists() { target } else { PathBuf::from("../target/venvs/clients/bin/python") };
    if !python.exists() {
        println!("left out: no oslo.utils, for there is no {}", python.display());
        return;
    }
    let paths = corpus.images.iter().map(|made| &made.path);
    let output = Command::new(&python).arg("formats/oslo.py").args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let mut held = 0;
    for (Made { name, path, .. }, line) in corpus.images.iter().zip(told.lines()) {
        let theirs: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
        let ours = inspected(path);
        let same = is_same(&theirs, &ours);
        let known = DIFFERENCES.iter().find(|(image, _)| image == name);
        assert_eq!(same, known.is_none(), "{name}: {theirs:?}, {ours:?}, {known:?}");
        held += usize::from(same);
    }
    println!("{held} images told as oslo.utils tells them, {} otherwise", DIFFERENCES.len());
}

/// The same formats, sizes, and answer to whether they are safe.
fn is_same(theirs: &BTreeMap<String, Value>, ours: &Content) -> bool {
    if ours.formats.is_empty() {
        return theirs.keys().eq(["raw"]);
    }
    theirs.keys().eq(ours.formats.iter().map(|found| found.format.name()))
        && ours.formats.iter().all(|found| {
            let they = &theirs[found.format.name()];
            let safe = they["failures"].as_array().unwrap().is_empty();
            // oslo.utils tells no size where it finds danger in a vmdk, and none of a qed.
            let size = they["virtual_size"].as_u64() == found.virtual_size || !safe;
            safe == found.failures.is_empty() && size
        })
}
