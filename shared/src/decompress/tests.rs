use proptest::prelude::*;

use super::properties::{BOUNDS, any_bytes_are_unpacked_within_bounds, unpacked};
use super::*;
use crate::image::ContainerFormat;

/// A member of gzip, stored.
fn gzip(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn crc32(data: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, data)).unwrap()
}

/// How an archive of zip is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Stored,
    Deflated,
    /// Sizes stand behind the file.
    Behind,
    /// Sizes are of 64 bits, also behind the file.
    Wide,
}

fn zip(name: &[u8], data: &[u8], way: Way) -> Vec<u8> {
    let packed = if way == Way::Stored { data.to_vec() } else { deflate(data) };
    let (flags, method): (u16, u16) = match way {
        Way::Stored => (0, 0),
        Way::Deflated => (0, 8),
        Way::Behind | Way::Wide => (8, 8),
    };
    let short = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    let wide = |len: usize| (len as u64).to_le_bytes();
    let crc = crc32(data).to_le_bytes();
    let extra = match way {
        Way::Wide => [&[1, 0, 16, 0][..], &wide(data.len()), &wide(packed.len())].concat(),
        _ => Vec::new(),
    };
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
    let measures = match way {
        Way::Wide => [crc, [255; 4], [255; 4]].concat(),
        _ => [crc, short(packed.len()), short(data.len())].concat(),
    };
    let before = [&20_u16.to_le_bytes()[..], &flags.to_le_bytes(), &method.to_le_bytes(), &[0; 4]].concat();
    let said = if flags == 0 {
        measures.clone()
    } else if way == Way::Wide {
        [[0; 4], [255; 4], [255; 4]].concat()
    } else {
        vec![0; 12]
    };
    let mut out =
        [b"PK\x03\x04", before.as_slice(), &said, &len(name), &len(&extra), name, &extra, &packed].concat();
    match way {
        Way::Behind => out.extend([&crc[..], &short(packed.len()), &short(data.len())].concat()),
        Way::Wide => out.extend([&b"PK\x07\x08"[..], &crc, &wide(packed.len()), &wide(data.len())].concat()),
        _ => {}
    }
    let directory = out.len();
    out.extend(
        [b"PK\x01\x02", &[20, 0][..], &before, &measures, &len(name), &len(&extra), &[0; 14], name, &extra]
            .concat(),
    );
    let size = out.len() - directory;
    if way == Way::Wide {
        out.extend([b"PK\x06\x06", &wide(44)[..], &[0; 44]].concat());
        out.extend([b"PK\x06\x07", &[0; 16][..]].concat());
    }
    out.extend(
        [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &short(size), &short(directory), &[2, 0], b"ok"]
            .concat(),
    );
    out
}

/// An archive of LHA with a header of level 0.
fn lha(method: [u8; 5], packed: &[u8], data: &[u8]) -> Vec<u8> {
    let crc = data.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xa001 })
    });
    let short = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    let header = [
        &method[..],
        &short(packed.len())[..],
        &short(data.len()),
        &[0; 4],
        &[32, 0, 1],
        b"f",
        &crc.to_le_bytes(),
    ]
    .concat();
    let sum = header.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[u8::try_from(header.len()).unwrap(), sum][..], &header, packed, &[0]].concat()
}

/// Two blocks of `-lh5-`, each so many times one letter, which takes no bits: of 52 bits each.
fn lh5(letter: u8, times: u16) -> Vec<u8> {
    let block = u128::from(times) << 36 | u128::from(letter) << 8;
    (block << 76 | block << 24).to_be_bytes()[..13].to_vec()
}

fn samples() -> Vec<(Packing, Vec<u8>, Vec<u8>)> {
    let data = b"What is packed, and comes out again. ".repeat(20);
    let mut packer = zstd::bulk::Compressor::new(1).unwrap();
    packer.include_checksum(true).unwrap();
    let zstd = packer.compress(&data).unwrap();
    let mut samples = vec![
        (Packing::Gzip, gzip(&data), data.clone()),
        (Packing::Zstd, zstd, data.clone()),
        (Packing::Lha, lha(*b"-lh0-", &data, &data), data.clone()),
        (Packing::Lha, lha(*b"-lh5-", &lh5(b'a', 1500), &[b'a'; 3000]), vec![b'a'; 3000]),
    ];
    for way in [Way::Stored, Way::Deflated, Way::Behind, Way::Wide] {
        samples.push((Packing::Zip, zip(b"disk", &data, way), data.clone()));
    }
    samples
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    outcome.unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_packed_comes_out_however_it_arrives() {
    for (packing, packed, data) in samples() {
        assert_eq!(Packing::sniff(&packed[..Packing::HEAD]), Some(packing));
        for piece in [1, 7, 4096] {
            let out = unpacked(packing, &packed, piece, BOUNDS).await;
            assert!(out.as_ref().is_ok_and(|out| *out == data), "{packing:?}: {out:?}");
        }
    }
}

#[tokio::test]
async fn what_is_cut_off_anywhere_ends_with_an_error() {
    for (packing, packed, _) in samples() {
        // Some write no mark of the end behind an archive of lha.
        let last = packed.len() - usize::from(packing == Packing::Lha);
        for end in 0..last {
            let out = unpacked(packing, &packed[..end], 4096, BOUNDS).await;
            assert!(out.is_err(), "{packing:?} of {end} bytes of {}", packed.len());
            let text = refusal(out);
            assert!(text.contains("at byte") || text.contains("no file"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_behind_the_end_is_an_error_that_says_where() {
    for (packing, packed, _) in samples() {
        let len = packed.len();
        let out = refusal(unpacked(packing, &[packed, b"garbage".to_vec()].concat(), 4096, BOUNDS).await);
        let at = out.rsplit(' ').next().and_then(|at| at.parse::<usize>().ok());
        assert!(at.is_some_and(|at| (len..=len + 7).contains(&at)), "{packing:?}, {len}: {out}");
    }
}

#[tokio::test]
async fn several_members_one_behind_the_other_are_one() {
    for (packing, packed, data) in samples() {
        let twice = [packed.clone(), packed].concat();
        let out = unpacked(packing, &twice, 100, BOUNDS).await;
        match packing {
            Packing::Gzip | Packing::Zstd | Packing::Xz => {
                assert!(out.unwrap() == data.repeat(2), "{packing:?}");
            }
            Packing::Zip | Packing::Lha => assert!(out.is_err(), "{packing:?}"),
        }
    }
    let frame = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &samples()[1].1].concat();
    assert_eq!(Packing::sniff(&frame), Some(Packing::Zstd));
    assert_eq!(unpacked(Packing::Zstd, &frame, 5, BOUNDS).await.unwrap(), samples()[1].2);
}

#[tokio::test]
async fn a_changed_byte_of_data_or_checksum_is_found() {
    for (packing, packed, data) in samples() {
        for at in 0..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 0x10;
            // Names, times and comments say nothing of the data; what says something of it must.
            if let Ok(out) = unpacked(packing, &changed, 4096, BOUNDS).await {
                assert!(out == data, "{packing:?}, byte {at}");
            }
        }
    }
}

#[tokio::test]
async fn an_archive_is_of_one_file_that_can_be_read() {
    let one = zip(b"disk", b"data", Way::Stored);
    let with = |at: usize, byte: u8| {
        let mut zip = one.clone();
        zip[at] = byte;
        zip
    };
    let header = one.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let two = [&one[..header], one.as_slice()].concat();
    let empty = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    for (zip, why) in [
        (two, "more than one file"),
        (empty, "no file in it"),
        (with(6, 1), "encrypted"),
        (with(8, 12), "the method 12 is neither"),
        (with(6, 8), "whose size stands behind it"),
        (zip(b"folder/", b"", Way::Stored), "a folder"),
    ] {
        let error = refusal(unpacked(Packing::Zip, &zip, 4096, BOUNDS).await);
        assert!(error.starts_with("the zip data is not taken: ") && error.contains(why), "{error}");
    }
    let error = refusal(unpacked(Packing::Lha, &lha(*b"-lh9-", b"x", b"x"), 4096, BOUNDS).await);
    assert!(error.contains("the method -lh9- is not known"), "{error}");
}

#[tokio::test]
async fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 8 << 20];
    let bombs = [
        (Packing::Gzip, gzip(&zeros)),
        (Packing::Zip, zip(b"disk", &zeros, Way::Behind)),
        (Packing::Lha, lha(*b"-lh5-", &lh5(0, u16::MAX).repeat(60), &zeros[..65_535 * 120])),
    ];
    for (packing, bomb) in bombs {
        let dense = Bounds { max_ratio: 20, floor: 64 << 10, ..BOUNDS };
        let error = refusal(unpacked(packing, &bomb, 4096, dense).await);
        assert!(error.contains("more than 20 times as many"), "{error}");
        let large = Bounds { max_bytes: 1 << 20, max_ratio: u64::MAX, floor: 0 };
        let error = refusal(unpacked(packing, &bomb, 4096, large).await);
        assert!(error.contains("more than the limit of 1048576 bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_source_that_breaks_is_not_called_damaged() {
    let (packing, packed, _) = samples().swap_remove(0);
    let pieces = vec![Ok(bytes::Bytes::copy_from_slice(&packed[..20])), Err("the network".into())];
    let mut stream = decompress(packing, Box::pin(futures_util::stream::iter(pieces)), BOUNDS);
    let mut last = None;
    while let Some(item) = futures_util::StreamExt::next(&mut stream).await {
        last = Some(item);
    }
    assert!(matches!(last, Some(Err(Error::Source(_)))), "{last:?}");
}

#[test]
fn what_is_not_packed_is_told_and_what_is_meant_to_be_stays() {
    for head in [b"QFI\xfb\0\0\0\x03", b"\0\0\0\0\0\0\0\0", b"ab-lh5x-"] {
        assert_eq!(Packing::sniff(head), None);
    }
    assert_eq!((Packing::sniff(b""), Packing::sniff(b"PK")), (None, None));
    assert!(
        Packing::is_unpacked(Some(ContainerFormat::Bare))
            && !Packing::is_unpacked(Some(ContainerFormat::Compressed))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_a_sample_stays_in_bounds(which in 0_usize..8, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8)) {
        let (_, mut packed, _) = samples().swap_remove(which);
        let len = packed.len();
        for (at, byte) in changes {
            packed[usize::from(at) % len] = byte;
        }
        any_bytes_are_unpacked_within_bounds(&packed);
    }

    #[test]
    fn any_bytes_stay_in_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        any_bytes_are_unpacked_within_bounds(&bytes);
    }
}
