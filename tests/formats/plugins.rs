//! Data that is unpacked and converted in one, as an importer does it with an object, held against the system's tools and `qemu-img`.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use shared::adapters::memory::MemoryStore;
use shared::id::{ImageId, Ulid};
use shared::image::{ContainerFormat, DiskFormat, Image, OutputFormat};
use shared::import::{Plugin, Plugins};
use shared::ports::Store as _;
use shared::store::ObjectKey;
use shared::time::Timestamp;
use shared::transfer::remake::{Remade, RemakeError, RemakeSettings, ReplaySettings, StoredOrigin};

use super::disks::{Images, KINDS, SETTINGS, qemu};

const MIB: usize = 1 << 20;

const PACKERS: [&[&str]; 3] = [&["gzip", "-1", "-c"], &["xz", "-1", "-c"], &["zstd", "-1", "-c", "-q"]];

/// Little is kept, so that small disks jump.
const SMALL: RemakeSettings =
    RemakeSettings { convert: SETTINGS, replay: ReplaySettings { kept_bytes: MIB as u64, replays: 8 } };

/// A disk of noise here and there.
fn disk() -> Vec<u8> {
    let mut state = 11_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let mut disk = vec![0; 10 * MIB];
    for place in [0, 3 * MIB + 777, 9 * MIB] {
        disk[place..place + 300_000].fill_with(&mut next);
    }
    disk
}

fn packed(packer: &[&str], image: &Path) -> Option<Vec<u8>> {
    let Ok(output) = Command::new(packer[0]).args(&packer[1..]).arg(image).output() else {
        println!("left out: no {} here", packer[0]);
        return None;
    };
    assert!(output.status.success(), "{packer:?}");
    Some(output.stdout)
}

async fn stored(bytes: Vec<u8>) -> Arc<StoredOrigin> {
    let (store, key) =
        (Arc::new(MemoryStore::new()), ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1)));
    store.put(&key, vec![Bytes::from(bytes)].into()).await.unwrap();
    Arc::new(StoredOrigin::open(store, key).await.unwrap())
}

/// What an image of a format becomes of an object.
async fn remade(
    bytes: Vec<u8>,
    format: DiskFormat,
    output_format: OutputFormat,
) -> Result<Remade, RemakeError> {
    let plugins = Plugins {
        enabled: vec![Plugin::ImageConversion, Plugin::ImageDecompression],
        output_format,
        ..Plugins::default()
    };
    let image = Image::queued(ImageId::from_random(1), None, Timestamp::from_microseconds(0));
    let image = Image { disk_format: Some(format), container_format: Some(ContainerFormat::Bare), ..image };
    let remake = plugins.remake(&image, 1 << 30).unwrap();
    Ok(Remade::open(stored(bytes).await, &remake, &SMALL).await?.unwrap())
}

async fn all(remade: &Remade, from: u64) -> Vec<u8> {
    let pieces: Vec<Bytes> = remade.stream(from).try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn packed_disks_of_every_format_become_what_qemu_makes_of_them_unpacked() {
    let Some(images) = Images::new() else { return };
    let disk = images.write("disk", &disk());
    for (at, kind) in KINDS.into_iter().enumerate() {
        let image = images.make(&disk, kind);
        let expected = images.raw(&image, kind.1);
        // Each packer has its turn.
        let Some(packed) = packed(PACKERS[at % PACKERS.len()], &image) else { continue };
        let to = if kind.0 == DiskFormat::Raw { OutputFormat::Qcow2 } else { OutputFormat::Raw };
        let remade = remade(packed, kind.0, to).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let made = all(&remade, 0).await;
        assert_eq!(remade.size(), Some(made.len() as u64), "{kind:?}");
        let from = made.len() / 3;
        assert!(all(&remade, from as u64).await == made[from..], "{kind:?} from {from}");
        if to == OutputFormat::Qcow2 {
            let target = images.write("target", &made);
            qemu(&["check", "-q", "-f", "qcow2"], &[&target]);
            qemu(&["compare", "-f", kind.1, "-F", "qcow2"], &[&image, &target]);
        } else {
            assert!(made == expected, "{kind:?}: {} bytes, and {}", made.len(), expected.len());
        }
    }
}

#[tokio::test]
async fn a_packed_disk_of_the_format_already_is_unpacked_and_nothing_else() {
    let Some(images) = Images::new() else { return };
    let disk = disk();
    let path = images.write("disk", &disk);
    for packer in PACKERS {
        let Some(packed) = packed(packer, &path) else { continue };
        let remade = remade(packed, DiskFormat::Raw, OutputFormat::Raw).await.unwrap();
        assert_eq!(remade.size(), None, "{packer:?}");
        let remade = remade.measured().await.unwrap();
        assert_eq!(remade.size(), Some(disk.len() as u64), "{packer:?}");
        assert!(all(&remade, 5_000_000).await == disk[5_000_000..], "{packer:?}");
    }
}
