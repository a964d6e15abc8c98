//! Conversion of disks, held against `qemu-img`'s, of every format that it makes and Glint reads.

use shared::convert::{Disk, Target};
use shared::format::samples::at;
use shared::image::DiskFormat;

use super::disks::{Images, KINDS, SETTINGS, all, conversion, qemu};

const MIB: usize = 1 << 20;

/// Bytes that no compressor makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

/// Disks: of nothing, of much, of some here and there, and of sizes that no cluster divides.
fn disks() -> Vec<(&'static str, Vec<u8>)> {
    let sparse = |size, places: &[usize]| {
        places.iter().fold(vec![0; size], |disk, place| at(disk, *place, &noise(100_000)))
    };
    vec![
        ("empty", vec![0; 3 * MIB]),
        ("random", noise(2 * MIB)),
        ("text", b"It compresses well. ".repeat(100_000)[..(MIB + 512)].to_vec()),
        ("sparse", sparse(40 * MIB, &[0, 5 * MIB + 777, 33 * MIB])),
        ("odd", sparse(2 * MIB + 3 * 512, &[MIB, 2 * MIB + 1536 - 100_000])),
        ("a sector", noise(512)),
    ]
}

#[tokio::test]
async fn a_raw_target_is_byte_for_byte_what_qemu_makes() {
    let Some(images) = Images::new() else { return };
    for (name, disk) in disks() {
        let disk = images.write("disk", &disk);
        for kind in KINDS {
            let image = images.make(&disk, kind);
            let expected = images.raw(&image, kind.1);
            let conversion = conversion(&image, kind.0, Target::Raw).await;
            let made = all(&conversion, 0).await;
            assert_eq!(
                (conversion.size(), conversion.virtual_size()),
                (made.len() as u64, made.len() as u64)
            );
            assert!(made == expected, "{name}, {kind:?}: {} bytes, and {}", made.len(), expected.len());
        }
    }
}

#[tokio::test]
async fn a_qcow2_target_is_sound_and_the_same_disk() {
    let Some(images) = Images::new() else { return };
    for (name, disk) in disks() {
        let disk = images.write("disk", &disk);
        for kind in KINDS {
            let image = images.make(&disk, kind);
            let conversion = conversion(&image, kind.0, Target::Qcow2).await;
            let made = all(&conversion, 0).await;
            assert_eq!(conversion.size(), made.len() as u64, "{name}, {kind:?}");
            let target = images.write("target", &made);
            qemu(&["check", "-q", "-f", "qcow2"], &[&target]);
            qemu(&["compare", "-f", kind.1, "-F", "qcow2"], &[&image, &target]);
        }
    }
}

#[tokio::test]
async fn a_run_that_begins_anywhere_brings_the_rest() {
    let Some(images) = Images::new() else { return };
    let (_, disk) = disks().swap_remove(4);
    let disk = images.write("disk", &disk);
    for kind in KINDS {
        let image = images.make(&disk, kind);
        for target in [Target::Raw, Target::Qcow2] {
            let conversion = conversion(&image, kind.0, target).await;
            let whole = all(&conversion, 0).await;
            let len = whole.len();
            for from in [
                1,
                511,
                65_535,
                65_536,
                65_537,
                5 * 65_536 + 3,
                len / 2,
                len / 3 * 2 + 1,
                len - 1,
                len,
                len + 1,
                len + MIB,
            ] {
                let rest = all(&conversion, from as u64).await;
                assert!(rest == whole.get(from..).unwrap_or_default(), "{kind:?} to {target:?} from {from}");
            }
        }
    }
}

/// Of every format more than its first table tells of: a vhdx's is the longest, with 4 GiB.
#[tokio::test]
async fn disks_of_several_tables_are_read_to_their_ends() {
    let Some(images) = Images::new() else { return };
    let size = 4 * 1024 * MIB as u64 + 5 * MIB as u64;
    let disk = images.path("disk");
    let file = std::fs::File::create(&disk).unwrap();
    file.set_len(size).unwrap();
    let data = noise(300_000);
    let places = [0, 600 * MIB as u64 + 5, size - 300_000];
    for place in places {
        std::os::unix::fs::FileExt::write_all_at(&file, &data, place).unwrap();
    }
    for kind in
        KINDS.into_iter().filter(|(_, _, options)| !options.contains("fixed") && !options.contains("static"))
    {
        if ["cluster_size=512", "preallocation=metadata"].contains(&kind.2) || kind.1 == "raw" {
            continue;
        }
        let image = images.make(&disk, kind);
        let raw = conversion(&image, kind.0, Target::Raw).await;
        assert_eq!(raw.size(), size, "{kind:?}");
        let end = all(&raw, size - 1_000_000).await;
        assert!(
            end.len() == 1_000_000 && end[..700_000].iter().all(|byte| *byte == 0) && end[700_000..] == data,
            "{kind:?}"
        );
        let target = images.write("target", &all(&conversion(&image, kind.0, Target::Qcow2).await, 0).await);
        qemu(&["check", "-q", "-f", "qcow2"], &[&target]);
        qemu(&["compare", "-f", kind.1, "-F", "qcow2"], &[&image, &target]);
    }
}

#[tokio::test]
async fn a_disk_whose_size_no_sector_divides_is_whole_in_both_targets() {
    let Some(images) = Images::new() else { return };
    let disk = noise(MIB + 100);
    let image = images.write("disk", &disk);
    assert!(all(&conversion(&image, DiskFormat::Raw, Target::Raw).await, 0).await == disk);
    let conversion = conversion(&image, DiskFormat::Raw, Target::Qcow2).await;
    assert_eq!(conversion.virtual_size(), MIB as u64 + 512);
    let target = images.write("target", &all(&conversion, 0).await);
    qemu(&["check", "-q", "-f", "qcow2"], &[&target]);
    assert!(images.raw(&target, "qcow2")[..MIB + 100] == disk);
}

#[tokio::test]
async fn images_that_lead_elsewhere_or_are_something_else_are_refused() {
    let Some(images) = Images::new() else { return };
    let disk = images.write("disk", &noise(MIB));
    let (on, data) = (images.path("on"), images.path("data"));
    qemu(&["create", "-f", "qcow2", "-F", "raw", "-b", disk.to_str().unwrap()], &[&on]);
    let elsewhere = images.path("elsewhere");
    let option = format!("data_file={}", data.display());
    qemu(&["create", "-f", "qcow2", "-o", &option], &[&elsewhere, std::path::Path::new("1M")]);
    let flat = images.make(&disk, (DiskFormat::Vmdk, "vmdk", "subformat=monolithicFlat"));
    for (path, format, why) in [
        (&on, DiskFormat::Qcow2, "backing_file"),
        (&elsewhere, DiskFormat::Qcow2, "data_file"),
        (&flat, DiskFormat::Vmdk, "a descriptor alone has its data in other files"),
        (&on, DiskFormat::Raw, "the image says 'raw', but the data is 'qcow2'"),
        (&on, DiskFormat::Vdi, "the image says 'vdi', but the data is 'qcow2'"),
        (&disk, DiskFormat::Iso, "disk_format: 'iso' is not converted"),
    ] {
        let error =
            Disk::open(super::disks::OnDisk::open(path), format, &SETTINGS).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
