//! Images made by `qemu-img`, once a test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use shared::format::samples::{at, with_mbr};
use tempfile::TempDir;

/// An image.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// What it is, as Glint says it.
    pub(crate) format: &'static str,
    /// The checks it fails.
    pub(crate) fails: &'static [&'static str],
}

#[derive(Debug)]
pub(crate) struct Corpus {
    folder: TempDir,
    pub(crate) images: Vec<Made>,
}

/// Name, format of `qemu-img`, its options, format of Glint, checks that fail.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const ROWS: [Row; 20] = [
    ("raw", "raw", "", "raw", &[]),
    ("qcow2, version 2", "qcow2", "compat=0.10", "qcow2", &[]),
    ("qcow2, version 3", "qcow2", "compat=1.1", "qcow2", &[]),
    ("qcow2, lazy", "qcow2", "lazy_refcounts=on,cluster_size=4096", "qcow2", &[]),
    ("qcow2, zstd", "qcow2", "compression_type=zstd", "qcow2", &[]),
    ("qcow2, extended L2", "qcow2", "extended_l2=on,cluster_size=128k", "qcow2", &[]),
    ("qcow2, all there", "qcow2", "preallocation=falloc", "qcow2", &[]),
    ("qed", "qed", "", "qed", &["banned"]),
    ("vmdk, monolithicSparse", "vmdk", "subformat=monolithicSparse", "vmdk", &[]),
    ("vmdk, streamOptimized", "vmdk", "subformat=streamOptimized", "vmdk", &[]),
    ("vmdk, compat6", "vmdk", "compat6=on", "vmdk", &[]),
    ("vmdk, descriptor of monolithicFlat", "vmdk", "subformat=monolithicFlat", "vmdk", &["descriptor"]),
    (
        "vmdk, descriptor of twoGbMaxExtentSparse",
        "vmdk",
        "subformat=twoGbMaxExtentSparse",
        "vmdk",
        &["descriptor"],
    ),
    (
        "vmdk, descriptor of twoGbMaxExtentFlat",
        "vmdk",
        "subformat=twoGbMaxExtentFlat",
        "vmdk",
        &["descriptor"],
    ),
    ("vhd dynamic", "vpc", "subformat=dynamic,force_size=on", "vhd", &[]),
    ("vhd fixed", "vpc", "subformat=fixed,force_size=on", "vhd", &[]),
    ("vhdx dynamic", "vhdx", "subformat=dynamic", "vhdx", &[]),
    ("vhdx fixed", "vhdx", "subformat=fixed", "vhdx", &[]),
    ("vdi", "vdi", "", "vdi", &[]),
    ("ploop", "parallels", "", "ploop", &[]),
];

impl Corpus {
    /// Makes it; `None` where there is no `qemu-img`.
    pub(crate) fn make() -> Option<Self> {
        if Command::new("qemu-img").arg("--version").output().is_err() {
            println!("left out: no qemu-img here");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let disk = folder.path().join("source");
        // Some of it holds data, and much does not.
        std::fs::write(&disk, at(vec![0; 10 << 20], 5 << 20, &vec![7; 100_000])).unwrap();
        let mut corpus = Self { folder, images: Vec::new() };
        for (name, kind, options, format, fails) in ROWS {
            let path = corpus.path(name);
            let mut command = vec!["convert", "-f", "raw", "-O", kind];
            if !options.is_empty() {
                command.extend(["-o", options]);
            }
            run(&command, &[&disk, &path]);
            corpus.images.push(Made { name: name.to_owned(), path, format, fails });
        }
        corpus.on_others(&disk);
        corpus
            .create("vdi, 3 TiB", "vdi", "3T", "vdi")
            .create("qcow2, 3 TiB", "qcow2", "3T", "qcow2")
            .create("vhdx, 3 TiB", "vhdx", "3T", "vhdx")
            .create("vmdk, 3 GiB and a sector", "vmdk", "3221225984", "vmdk");
        corpus.disks();
        Some(corpus)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name.replace([' ', ','], "-"))
    }

    /// Images that lead to other files.
    fn on_others(&mut self, disk: &Path) {
        let path = self.path("qcow2 on another");
        let on = format!("create -f qcow2 -F raw -b {}", disk.display());
        run(&on.split(' ').collect::<Vec<_>>(), &[&path]);
        self.images.push(Made {
            name: "qcow2 on another".to_owned(),
            path,
            format: "qcow2",
            fails: &["backing_file"],
        });
        let (path, data) = (self.path("qcow2 with its data elsewhere"), self.path("data"));
        let with = format!("create -f qcow2 -o data_file={}", data.display());
        run(&with.split(' ').collect::<Vec<_>>(), &[&path, Path::new("10M")]);
        self.images.push(Made {
            name: "qcow2 with its data elsewhere".to_owned(),
            path,
            format: "qcow2",
            fails: &["data_file"],
        });
        let (path, base) = (self.path("vmdk on another"), self.path("vmdk, monolithicSparse"));
        let on = format!("create -f vmdk -F vmdk -b {}", base.display());
        run(&on.split(' ').collect::<Vec<_>>(), &[&path]);
        self.images.push(Made {
            name: "vmdk on another".to_owned(),
            path,
            format: "vmdk",
            fails: &["descriptor"],
        });
    }

    fn create(&mut self, name: &str, kind: &str, size: &str, format: &'static str) -> &mut Self {
        let path = self.path(name);
        run(&["create", "-f", kind], &[&path, Path::new(size)]);
        self.images.push(Made { name: name.to_owned(), path, format, fails: &[] });
        self
    }

    /// Disks byte for byte, and one with a footer.
    fn disks(&mut self) {
        let disk = with_mbr(vec![0; 1 << 20], 0x83);
        for (name, kind, format) in [("gpt", "raw", "gpt"), ("vhd fixed, of a disk", "vpc", "vhd")] {
            let (source, path) = (self.path("disk"), self.path(name));
            let disk = if kind == "vpc" { vec![7; 1 << 20] } else { disk.clone() };
            std::fs::write(&source, disk).unwrap();
            let options: &[&str] = if kind == "vpc" { &["-o", "subformat=fixed,force_size=on"] } else { &[] };
            run(&[&["convert", "-f", "raw", "-O", kind], options].concat(), &[&source, &path]);
            self.images.push(Made { name: name.to_owned(), path, format, fails: &[] });
        }
    }

    /// The size of the disk in an image, as QEMU tells it; it does not open what leads to files that it cannot find.
    pub(crate) fn virtual_size(&self, path: &Path) -> Option<u64> {
        let made = self.images.iter().find(|made| made.path == path)?;
        let kind = match made.format {
            "vhd" => "vpc",
            "ploop" => "parallels",
            "gpt" => "raw",
            format => format,
        };
        if made.fails.contains(&"descriptor") && !made.name.contains("another") {
            return None;
        }
        let output =
            Command::new("qemu-img").args(["info", "--output=json", "-f", kind]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}: {}", made.name, String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["virtual-size"].as_u64()
    }
}

fn run(command: &[&str], paths: &[&Path]) {
    let output = Command::new("qemu-img").args(command).args(paths).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
