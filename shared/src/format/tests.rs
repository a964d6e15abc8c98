use proptest::collection::vec;
use proptest::prelude::*;

use super::properties::{
    any_bytes_are_judged, any_split_is_the_same, patched_images_are_judged,
    ranges_tell_what_the_stream_tells, whole,
};
use super::samples::{self, DESCRIPTOR, DISK, at};
use super::*;
use crate::image::DiskFormat;

/// What an image of a format hears of its data.
fn judged(declared: &str, image: &[u8]) -> String {
    judged_by(&Rules::default(), declared, image)
}

fn judged_by(rules: &Rules, declared: &str, image: &[u8]) -> String {
    match rules.judge(DiskFormat::parse(declared).unwrap(), &whole(image)) {
        Ok(Verdict { virtual_size, overlooked }) => {
            let size = virtual_size.map_or("unknown".to_owned(), |size| size.to_string());
            overlooked.iter().fold(size, |text, refusal| format!("{text}, although {refusal}"))
        }
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn every_sample_is_told() {
    for (name, image) in samples::all() {
        let found: Vec<_> = whole(&image).formats.iter().map(|found| found.format.name()).collect();
        assert_eq!(found, if name == "raw" { vec![] } else { vec![name] });
    }
}

#[test]
fn a_disk_that_is_what_it_says_has_its_size() {
    for (declared, image, size) in [
        ("qcow2", samples::qcow2(2), DISK),
        ("qcow2", samples::qcow2(3), DISK),
        ("vdi", samples::vdi(), DISK),
        ("vhd", samples::vhd(), DISK),
        ("vhd", samples::vhd_fixed(vec![0; 70_000]), DISK),
        ("vhd", samples::vhd_fixed(samples::gpt()), DISK),
        ("vhdx", samples::vhdx(), DISK),
        ("vmdk", samples::vmdk(DESCRIPTOR), DISK),
        ("vmdk", samples::vmdk_streamed(), DISK),
        ("iso", samples::iso(), DISK),
        ("iso", samples::with_mbr(samples::iso(), 0xee), DISK),
        ("ploop", samples::ploop(), DISK),
        ("raw", vec![7; 70_000], 70_000),
        ("raw", b"abc".to_vec(), 3),
        ("raw", samples::gpt(), 4096),
    ] {
        assert_eq!(judged(declared, &image), size.to_string(), "{declared}");
    }
}

#[test]
fn what_can_be_anything_is_taken_when_it_is_nothing() {
    for declared in ["ami", "ari", "aki", "ploop", "raw"] {
        assert_eq!(judged(declared, b""), "unknown");
    }
    assert_eq!(judged("aki", b"abc"), "unknown");
    assert_eq!(
        judged("ami", &samples::qcow2(3)),
        "disk_format: the image says 'ami', but the data is 'qcow2'"
    );
}

#[test]
fn raw_takes_any_one_format_that_is_safe() {
    for (name, image) in samples::all().into_iter().filter(|(name, _)| *name != "qed") {
        let answer = judged("raw", &image);
        assert!(answer == image.len().to_string() || answer.contains("check "), "{name}: {answer}");
    }
    assert_eq!(
        judged("raw", &samples::qcow2_on("/etc/passwd")),
        "the data is 'qcow2' and not safe: check backing_file failed: the image has a backing file, '/etc/passwd'"
    );
}

#[test]
fn what_is_not_what_it_says_is_refused() {
    for (declared, image, found) in [
        ("qcow2", b"junk".to_vec(), "raw"),
        ("qcow2", Vec::new(), "raw"),
        ("vmdk", samples::qcow2(3), "qcow2"),
        ("iso", samples::gpt(), "gpt"),
        ("vhd", samples::vhdx(), "vhdx"),
        ("vhdx", samples::vhd(), "vhd"),
        ("vdi", samples::luks(), "luks"),
    ] {
        let expected = format!("disk_format: the image says '{declared}', but the data is '{found}'");
        assert_eq!(judged(declared, &image), expected);
    }
}

#[test]
fn two_formats_at_once_are_refused() {
    let polyglot = at(samples::iso(), 0, &samples::qcow2(3));
    for declared in ["iso", "qcow2", "raw", "ami"] {
        assert_eq!(
            judged(declared, &polyglot),
            "disk_format: the data has several formats at once: 'iso', 'qcow2'"
        );
    }
    assert_eq!(
        judged("vhd", &samples::vhd_fixed(samples::qcow2(3))),
        "disk_format: the data has several formats at once: 'qcow2', 'vhd'"
    );
    assert_eq!(judged("raw", &samples::vhd_fixed(samples::gpt())), "4608");
    assert_eq!(judged("raw", &samples::with_mbr(samples::iso(), 0)), samples::iso().len().to_string());
}

#[test]
fn a_mismatch_can_be_overlooked_and_danger_cannot() {
    let rules = Rules { require_match: false, allowed: vec![] };
    assert_eq!(
        judged_by(&rules, "vmdk", &samples::qcow2(3)),
        "unknown, although disk_format: the image says 'vmdk', but the data is 'qcow2'"
    );
    assert_eq!(
        judged_by(&rules, "vmdk", &samples::qcow2_on("/etc/passwd")),
        "the data is 'qcow2' and not safe: check backing_file failed: the image has a backing file, '/etc/passwd'"
    );
    let polyglot = at(samples::iso(), 0, &samples::qcow2_on("/etc/passwd"));
    assert!(judged_by(&rules, "iso", &polyglot).contains("check backing_file failed"));
}

#[test]
fn a_check_can_be_allowed_to_fail() {
    let rules = Rules { require_match: true, allowed: vec![Check::BackingFile] };
    let both = at(samples::qcow2_on("/etc/passwd"), 72, &(1_u64 << 63).to_be_bytes());
    assert_eq!(
        judged_by(&rules, "qcow2", &samples::qcow2_on("base")),
        "10485760, although the data is 'qcow2' and not safe: check backing_file failed: the image has a backing file, 'base'"
    );
    assert_eq!(
        judged_by(&rules, "qcow2", &both),
        "the data is 'qcow2' and not safe: check unknown_features failed: the incompatible features 0x8000000000000000 are not known"
    );
    for check in Check::ALL {
        assert_eq!(Check::parse(check.name()), Some(*check));
    }
}

/// Why a sample of a format is not safe.
fn danger(declared: &str, image: &[u8]) -> String {
    let answer = judged(declared, image);
    let start = format!("the data is '{declared}' and not safe: check ");
    answer.strip_prefix(&start).unwrap_or_else(|| panic!("{declared}: {answer}")).to_owned()
}

#[test]
fn a_qcow2_stands_by_itself_and_is_known() {
    for (image, expected) in [
        (
            samples::qcow2_on("/etc/passwd"),
            "backing_file failed: the image has a backing file, '/etc/passwd'",
        ),
        (
            at(samples::qcow2(2), 8, &u64::MAX.to_be_bytes()),
            "backing_file failed: the image has a backing file, at 18446744073709551615",
        ),
        (
            samples::qcow2_with_data_in("/etc/shadow"),
            "data_file failed: the image has an external data file, '/etc/shadow'",
        ),
        (
            at(samples::qcow2(3), 72, &4_u64.to_be_bytes()),
            "data_file failed: the image has an external data file, without a name",
        ),
        (
            at(samples::qcow2(3), 72, &32_u64.to_be_bytes()),
            "unknown_features failed: the incompatible features 0x20 are not known",
        ),
        (samples::qcow2(1), "unknown_features failed: version 1 is neither 2 nor 3"),
        (samples::qcow2(4), "unknown_features failed: version 4 is neither 2 nor 3"),
        (b"QFI\xfb".to_vec(), "header failed: the header is cut off: 4 of 104 bytes"),
        (samples::qcow2(3)[..103].to_vec(), "header failed: the header is cut off: 103 of 104 bytes"),
        (samples::qcow2(2)[..71].to_vec(), "header failed: the header is cut off: 71 of 72 bytes"),
        (
            at(samples::qcow2(3), 24, &(1_u64 << 63).to_be_bytes()),
            "header failed: a disk of 9223372036854775808 bytes is over the limit of 9223372036854775807 bytes",
        ),
    ] {
        assert_eq!(danger("qcow2", &image), expected);
    }
    assert_eq!(judged("qcow2", &at(samples::qcow2(3), 72, &0b1_1011_u64.to_be_bytes())), DISK.to_string());
}

#[test]
fn disks_that_stand_on_a_parent_are_refused() {
    let flags = samples::VHDX_METADATA + 0x1_0004;
    for (declared, image, expected) in [
        ("vhd", samples::vhd_footer(4), "parent failed: the disk holds what differs from another"),
        (
            "vhd",
            at(vec![0; 512], 512, &samples::vhd_footer(4)),
            "parent failed: the disk holds what differs from another",
        ),
        (
            "vhdx",
            at(samples::vhdx(), flags, &2_u32.to_le_bytes()),
            "parent failed: the disk holds what differs from another",
        ),
        (
            "vdi",
            at(samples::vdi(), 0x4c, &4_u32.to_le_bytes()),
            "parent failed: an image of type 4 holds what differs from another",
        ),
        ("vdi", at(samples::vdi(), 0x1a8, &[1]), "parent failed: the image is linked to another"),
    ] {
        assert_eq!(danger(declared, &image), expected);
    }
}

#[test]
fn a_qed_is_not_taken() {
    assert_eq!(
        judged("raw", &samples::qed()),
        "the data is 'qed' and not safe: check banned failed: this format is not taken"
    );
}

#[test]
fn headers_that_are_cut_off_or_lead_nowhere_are_refused() {
    let metadata = samples::VHDX_METADATA;
    for (declared, image, expected) in [
        ("vdi", samples::vdi()[..511].to_vec(), "the header is cut off: 511 of 512 bytes"),
        ("vhd", samples::vhd()[..100].to_vec(), "the header is cut off: 100 of 512 bytes"),
        ("vmdk", samples::vmdk(DESCRIPTOR)[..64].to_vec(), "the header is cut off: 64 of 512 bytes"),
        ("ploop", samples::ploop()[..40].to_vec(), "the header is cut off: 40 of 64 bytes"),
        (
            "ploop",
            at(samples::ploop(), 36, &u64::MAX.to_le_bytes()),
            "the size of the disk is over the limit of 9223372036854775807 bytes",
        ),
        ("vhdx", b"vhdxfile".to_vec(), "the table of regions is not readable"),
        ("vhdx", samples::vhdx()[..metadata].to_vec(), "the table of metadata is not readable"),
        (
            "vhdx",
            samples::vhdx()[..metadata + 0x1_0008].to_vec(),
            "the data ends before the size of its disk",
        ),
        (
            "vhdx",
            at(samples::vhdx(), 0x30008, &2048_u32.to_le_bytes()),
            "the table of regions is not readable",
        ),
        (
            "vhdx",
            at(samples::vhdx(), 0x30020, &u64::MAX.to_le_bytes()),
            "the table of regions names no metadata after itself",
        ),
        (
            "vhdx",
            at(samples::vhdx(), 0x30020, &0_u64.to_le_bytes()),
            "the table of regions names no metadata after itself",
        ),
        (
            "vhdx",
            at(samples::vhdx(), metadata + 80, &0x1_0004_u32.to_le_bytes()),
            "items of the metadata overlap",
        ),
        (
            "vhdx",
            at(samples::vhdx(), metadata + 80, &8_u32.to_le_bytes()),
            "the table of metadata is not readable",
        ),
        (
            "vhdx",
            at(samples::vhdx(), metadata + 0x1_0008, &u64::MAX.to_le_bytes()),
            "a disk of 18446744073709551615 bytes is over the limit of 9223372036854775807 bytes",
        ),
        (
            "vmdk",
            at(samples::vmdk(DESCRIPTOR), 12, &u64::MAX.to_le_bytes()),
            "the size of the disk is over the limit of 9223372036854775807 bytes",
        ),
        ("vmdk", at(samples::vmdk(DESCRIPTOR), 4, &9_u32.to_le_bytes()), "version 9 is none of 1, 2 and 3"),
    ] {
        assert_eq!(danger(declared, &image), format!("header failed: {expected}"), "{declared}");
    }
}

#[test]
fn a_vmdk_is_one_sparse_file_that_names_no_other() {
    let with = |from: &str, to: &str| samples::vmdk(&DESCRIPTOR.replace(from, to));
    let extent = r#"RW 20480 SPARSE "disk.vmdk""#;
    for (image, expected) in [
        (
            with("monolithicSparse", "monolithicFlat"),
            "createType 'monolithicflat' is none of monolithicSparse and streamOptimized",
        ),
        (with("createType", "created"), "there is no createType"),
        (with("CID=fffffffe", "#createType=\"streamOptimized\""), "createType stands 2 times"),
        (with("disk.vmdk", "/etc/passwd"), "the extent names another file, '/etc/passwd'"),
        (with("disk.vmdk", r"..\\secret"), r"the extent names another file, '..\\\\secret'"),
        (with("SPARSE", "FLAT"), "an extent of type 'flat' is no sparse file"),
        (with("20480", "many"), "the extent 'rw many sparse \\\"disk.vmdk\\\"' is malformed"),
        (with(extent, "RW 20480 SPARSE disk.vmdk"), "the extent 'rw 20480 sparse disk.vmdk' is malformed"),
        (with(extent, ""), "there is no extent"),
        (with(extent, &format!("{extent}\n{extent}")), "there are 2 extents, where one file has one"),
        (with("parentCID=ffffffff", "parentCID=12345678"), "the disk has a parent of id '12345678'"),
        (
            with("parentCID=", "parentFileNameHint=\"/etc/passwd\"\nparentCID="),
            "the disk has a parent, '/etc/passwd'",
        ),
        (with("CID=fffffffe", "include /etc/passwd"), "the line 'include /etc/passwd' is not understood"),
        (with("CID=fffffffe", "CID=\u{e9}"), "the descriptor is no ASCII text"),
        (samples::vmdk(""), "there is no descriptor"),
        (
            at(with("", ""), 28, &2_u64.to_le_bytes()),
            "a descriptor of 20 sectors at sector 2, and not at sector 1",
        ),
        (
            at(with("", ""), 36, &0_u64.to_le_bytes()),
            "a descriptor of 0 sectors at sector 1, and not at sector 1",
        ),
        (at(with("", ""), 12, &0_u64.to_le_bytes()), "a disk of no sectors has its data in other files"),
        (DESCRIPTOR.as_bytes().to_vec(), "a descriptor alone has its data in other files"),
        (
            b"# nothing\n\n version=1\nRW 1 FLAT \"/etc/passwd\" 0".to_vec(),
            "a descriptor alone has its data in other files",
        ),
        (at(vec![0; 2048], 0, b"COWD"), "a sparse file of ESX has no descriptor"),
    ] {
        assert_eq!(danger("vmdk", &image), format!("descriptor failed: {expected}"));
    }
    assert_eq!(judged("raw", b"a text that mentions createType=\"monolithicFlat\""), "48");
}

#[test]
fn a_long_descriptor_is_read_to_its_end() {
    let padding = "# padding\n".repeat(9000);
    let long = |descriptor: &str| {
        let sectors = (padding.len() + descriptor.len()).div_ceil(512) as u64;
        at(samples::vmdk(&format!("{padding}{descriptor}")), 36, &sectors.to_le_bytes())
    };
    assert_eq!(judged("vmdk", &long(DESCRIPTOR)), DISK.to_string());
    let flat = DESCRIPTOR.replace("disk.vmdk", "/etc/passwd");
    assert_eq!(
        danger("vmdk", &long(&flat)),
        "descriptor failed: the extent names another file, '/etc/passwd'"
    );
    // One of which the header says that it goes on for ever.
    let endless = at(long(DESCRIPTOR), 36, &u64::MAX.to_le_bytes());
    assert_eq!(judged("vmdk", &endless), DISK.to_string());
}

#[test]
fn the_footer_of_a_vmdk_says_what_its_header_says() {
    let streamed = samples::vmdk_streamed();
    let footer = streamed.len() - 1024;
    for (image, expected) in [
        (at(streamed.clone(), footer, b"KDMX"), "the footer begins with 'KDMX', not 'KDMV'"),
        (at(streamed.clone(), footer + 4, &2_u32.to_le_bytes()), "version: 1 in the header, 2 in the footer"),
        (
            at(streamed.clone(), footer + 12, &0_u64.to_le_bytes()),
            "capacity: 20480 in the header, 0 in the footer",
        ),
        (
            at(streamed.clone(), footer + 28, &9_u64.to_le_bytes()),
            "place of the descriptor: 1 in the header, 9 in the footer",
        ),
        (
            at(streamed.clone(), footer + 36, &9_u64.to_le_bytes()),
            "length of the descriptor: 20 in the header, 9 in the footer",
        ),
        (at(streamed.clone(), footer + 56, &u64::MAX.to_le_bytes()), "the footer refers to another footer"),
        (
            at(streamed.clone(), footer - 512 + 12, &1_u32.to_le_bytes()),
            "there is no marker of a footer where one belongs",
        ),
        (at(streamed.clone(), footer + 512, &[1]), "the data does not end with the marker of its end"),
        (streamed[..1024].to_vec(), "the data ends before its footer"),
    ] {
        let answer = danger("vmdk", &image);
        assert!(answer.ends_with(&format!("footer failed: {expected}")), "{answer}");
    }
}

#[test]
fn a_partition_table_is_what_it_should_be() {
    let gpt = samples::gpt();
    for (image, expected) in [
        (at(gpt.clone(), 446, &[0x7f]), "mbr failed: partition 0 has boot flag 0x7f, neither 0x00 nor 0x80"),
        (samples::with_mbr(vec![0; 4096], 0), "mbr failed: there is no partition"),
        (
            at(gpt.clone(), 448, &[3]),
            "gptmbr failed: the protective partition 0 starts at CHS 0x00 0x03 0x00, not 0x00 0x02 0x00",
        ),
        (at(gpt.clone(), 454, &[2]), "gptmbr failed: the protective partition 0 starts at LBA 2, not 1"),
        (
            at(gpt.clone(), 446 + 16 + 4, &[0x83]),
            "gptmbr failed: the protective partition is not the first and only one of 0, 1",
        ),
    ] {
        assert_eq!(judged("raw", &image), format!("the data is 'gpt' and not safe: check {expected}"));
    }
    // A kernel that boots by itself begins so, and has no partitions.
    let kernel = samples::with_mbr(vec![0; 4096], 0);
    for declared in ["aki", "ari"] {
        let answer = judged(declared, &kernel);
        assert_eq!(
            answer,
            "unknown, although the data is 'gpt' and not safe: check mbr failed: there is no partition"
        );
    }
    assert_eq!(judged("ami", &kernel), "disk_format: the image says 'ami', but the data is 'gpt'");
    // A file system that begins with a boot sector is no disk with partitions.
    let fat = at(at(kernel, 0x10, &[2]), 0x15, &[0xf8]);
    assert_eq!(whole(&fat).formats, []);
}

#[test]
fn of_luks_version_1_is_taken() {
    assert_eq!(judged("raw", &samples::luks()), samples::luks().len().to_string());
    assert_eq!(whole(&samples::luks()).formats[0].virtual_size, Some(4096));
    assert_eq!(
        judged("raw", &samples::luks2()),
        "the data is 'luks' and not safe: check version failed: LUKS version 2 is not 1"
    );
    let large = at(samples::luks2(), (16 << 20) + 512, &[]);
    assert_eq!(whole(&large).formats[0].virtual_size, Some(512));
}

#[test]
fn what_is_bad_from_the_beginning_is_told_before_the_end() {
    let mut rest = samples::qcow2_on("/etc/passwd");
    rest.resize(70_000, 0);
    for (declared, early) in [("qcow2", true), ("raw", true), ("iso", true), ("vhd", false)] {
        let mut examination = Examination::new(Rules::default(), DiskFormat::parse(declared).unwrap());
        assert_eq!(examination.update([rest.as_slice()]).is_err(), early, "{declared}");
        assert!(examination.update([rest.as_slice()]).is_ok(), "{declared}: it is told once");
        assert!(examination.conclude().is_err(), "{declared}");
    }
}

/// Samples, with some of their bytes changed, and perhaps cut off.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<_> = samples::all().into_iter().map(|(_, image)| image).collect();
    let changes = vec((any::<prop::sample::Index>(), 0_usize..2048, any::<u8>()), 0..8);
    (prop::sample::select(samples), changes, prop::option::of(any::<prop::sample::Index>())).prop_map(
        |(mut image, changes, cut)| {
            let len = image.len();
            for (anywhere, near, byte) in changes {
                // Most of what is read lies near the beginning, some anywhere.
                let place = if byte % 2 == 0 { near.min(len - 1) } else { anywhere.index(len) };
                image[place] = byte;
            }
            image.truncate(cut.map_or(len, |cut| cut.index(len)));
            image
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn images_cut_anywhere_are_the_same(image in mutated(), lengths in vec(1_usize..100_000, 1..8)) {
        any_split_is_the_same(&image, &lengths);
    }

    #[test]
    fn images_in_small_pieces_are_the_same(image in mutated(), lengths in vec(1_usize..600, 1..8)) {
        any_split_is_the_same(&image[..image.len().min(80_000)], &lengths);
    }

    #[test]
    fn images_read_by_ranges_are_the_same(image in mutated()) {
        ranges_tell_what_the_stream_tells(&image);
    }

    #[test]
    fn images_are_judged(image in mutated()) {
        any_bytes_are_judged(&image);
    }

    #[test]
    fn any_bytes_are_the_same_and_judged(bytes in vec(any::<u8>(), 0..2000), lengths in vec(1_usize..600, 1..4)) {
        any_split_is_the_same(&bytes, &lengths);
        ranges_tell_what_the_stream_tells(&bytes);
        any_bytes_are_judged(&bytes);
    }

    #[test]
    fn patched_images_are_judged_too(script in vec(any::<u8>(), 0..600)) {
        patched_images_are_judged(&script);
    }
}
