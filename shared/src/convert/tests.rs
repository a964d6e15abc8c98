use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::properties::{
    SETTINGS, any_image_is_converted_or_refused, converted, patched_images_are_converted_or_refused,
};
use super::*;
use crate::adapters::memory::MemoryStore;
use crate::format::samples::{DISK, at};
use crate::ports::{Chunks, Store as _};
use crate::store::ObjectKey;

const KEY: &str = "7c1f6a52-6f0f-4b5e-9a8e-0123456789ab/01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn disk() -> Vec<u8> {
    at(vec![0; usize::try_from(DISK).unwrap()], samples::PLACE, samples::TEXT)
}

#[tokio::test]
async fn every_sample_becomes_its_disk_and_a_qcow2_of_it() {
    for (name, format, image) in samples::all() {
        let image = Bytes::from(image);
        let raw = converted(&image, format, Target::Raw, 0).await;
        assert!(raw.as_ref().is_ok_and(|raw| *raw == disk()), "{name}: {:?}", raw.err());
        let qcow2 = Bytes::from(converted(&image, format, Target::Qcow2, 0).await.unwrap());
        // Header, two tables of counts, two of clusters, and the one cluster that holds data.
        assert_eq!(qcow2.len(), 6 << 16, "{name}");
        assert!(converted(&qcow2, DiskFormat::Qcow2, Target::Raw, 0).await.unwrap() == disk(), "{name}");
    }
}

#[test]
fn every_sample_goes_on_where_it_was_cut_off() {
    for (_, _, image) in samples::all() {
        any_image_is_converted_or_refused(&image);
    }
}

#[tokio::test]
async fn an_object_of_a_store_is_read_by_ranges() {
    let (store, key) = (Arc::new(MemoryStore::new()), ObjectKey::try_from(KEY.to_owned()).unwrap());
    let image = samples::qcow2_packed();
    store.put(&key, Chunks::from(vec![Bytes::from(image)])).await.unwrap();
    let data = Arc::new(Stored::open(store, key).await.unwrap());
    let opened = Disk::open(data, DiskFormat::Qcow2, &SETTINGS).await.unwrap();
    let conversion = Conversion::plan(opened, Target::Raw, SETTINGS).await.unwrap();
    let pieces: Vec<_> = futures_util::StreamExt::collect(conversion.stream(60_000)).await;
    let bytes: Vec<_> = pieces.into_iter().map(Result::unwrap).collect();
    assert!(bytes.concat() == disk()[60_000..]);
}

/// A format, an image, and a place with the bytes that are written there; then what is said of it.
type Case = (DiskFormat, Vec<u8>, usize, &'static [u8], &'static str);

#[tokio::test]
async fn what_does_not_lie_in_the_data_is_named() {
    let cases: [Case; 12] = [
        (
            DiskFormat::Qcow2,
            samples::qcow2_stored(3),
            20,
            &[0, 0, 0, 30],
            "cluster_bits: 30 is not between 9 and 21",
        ),
        (DiskFormat::Qcow2, samples::qcow2_stored(3), 32, &[0, 0, 0, 2], "crypt_method: 2 is not 0"),
        (DiskFormat::Qcow2, samples::qcow2_stored(3), 36, &[0; 4], "l1_size: 0 is not between 1"),
        (
            DiskFormat::Qcow2,
            samples::qcow2_stored(3),
            0x1_0006,
            &[2],
            "an entry of the L1 table: 131584 is no multiple of a cluster",
        ),
        (
            DiskFormat::Qcow2,
            samples::qcow2_stored(3),
            0x2_0008,
            &[0x80, 0, 0, 9],
            "beyond the end of the data",
        ),
        (
            DiskFormat::Qcow2,
            samples::qcow2_packed(),
            0x3_0000,
            &[0xff; 64],
            "what is packed at 196608 is not 65536 bytes",
        ),
        (DiskFormat::Vdi, samples::vdi(), 0x178, &[1], "block size: 65537 bytes is no power of two"),
        (DiskFormat::Vdi, samples::vdi(), 0x180, &[9], "9 entries of blocks of 65536 bytes are fewer"),
        (DiskFormat::Vhd, samples::vhd(), 512, b"nothing", "there is no header at 512"),
        (DiskFormat::Vhdx, samples::vhdx(), 0x1_0000, b"tail", "header: none of the two has the checksum"),
        (DiskFormat::Vhdx, samples::vhdx(), (1 << 20) + 8, &[7], "block 1 is in the state 7"),
        (
            DiskFormat::Vmdk,
            samples::vmdk(true),
            41 * 512 + 8,
            &[0, 0, 9, 0],
            "length of a grain: 589824 bytes",
        ),
    ];
    for (format, image, place, bytes, why) in cases {
        let image = Bytes::from(at(image, place, bytes));
        let error = converted(&image, format, Target::Raw, 0).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("the data is '{}' and cannot be read: ", format.name())),
            "{error}"
        );
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn what_was_cut_off_never_becomes_a_shorter_disk() {
    for (name, format, image) in samples::all().into_iter().skip(1) {
        let end = image.len() - 1;
        let short = Bytes::from(image).slice(..end - 8000);
        let outcome = converted(&short, format, Target::Raw, 0).await;
        assert!(outcome.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_disk_over_the_limit_is_refused() {
    let settings = Settings { max_disk_bytes: DISK - 1, ..SETTINGS };
    let image = Arc::new(Bytes::from(samples::qcow2_stored(3)));
    let error = Disk::open(image, DiskFormat::Qcow2, &settings).await.unwrap_err().to_string();
    assert_eq!(error, "the disk has 10485760 bytes, over the limit of 10485759 bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_header_is_converted_or_refused(choice: u8, changes in proptest::collection::vec((0_u8..1, any::<u16>(), proptest::collection::vec(any::<u8>(), 1..9)), 1..6)) {
        let mut script = vec![choice];
        for (high, place, bytes) in changes {
            // Where headers and tables are, most of all.
            let [middle, low] = (place % 2048).to_be_bytes();
            script.extend([high, middle, low, u8::try_from(bytes.len()).unwrap()]);
            script.extend(bytes);
        }
        patched_images_are_converted_or_refused(&script);
    }

    #[test]
    fn any_table_is_converted_or_refused(choice: u8, changes in proptest::collection::vec((0_usize..6, any::<u8>(), proptest::collection::vec(any::<u8>(), 1..9)), 1..6)) {
        const PLACES: [usize; 6] = [0x1_0000, 0x2_0000, 0x3_0000, 0x10_0000, 0x20_0000, 0x21_0000];
        let mut script = vec![choice];
        for (which, place, bytes) in changes {
            let place = u32::try_from(PLACES[which] + usize::from(place % 128)).unwrap();
            script.extend(&place.to_be_bytes()[1..]);
            script.push(u8::try_from(bytes.len()).unwrap());
            script.extend(bytes);
        }
        patched_images_are_converted_or_refused(&script);
    }
}
