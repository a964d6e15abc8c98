use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::convert::properties::{SETTINGS, converted};
use crate::convert::{Target, samples};
use crate::format::samples::{DISK, at};
use crate::image::DiskFormat;

/// A source in memory, as good as it is said to be.
#[derive(Debug)]
struct Said {
    bytes: Bytes,
    ranges: bool,
    known: bool,
    sized: bool,
    /// Where it breaks.
    breaks: Option<u64>,
    reads: AtomicU32,
}

impl Said {
    fn good(bytes: impl Into<Bytes>) -> Self {
        let reads = AtomicU32::new(0);
        Self { bytes: bytes.into(), ranges: true, known: true, sized: true, breaks: None, reads }
    }

    fn streamed(bytes: impl Into<Bytes>) -> Self {
        Self { ranges: false, sized: false, ..Self::good(bytes) }
    }
}

#[async_trait]
impl Origin for Said {
    fn size(&self) -> Option<u64> {
        self.sized.then_some(self.bytes.len() as u64)
    }

    fn takes_ranges(&self) -> bool {
        self.ranges
    }

    fn is_known_again(&self) -> bool {
        self.known
    }

    async fn read(&self, from: u64, end: Option<u64>) -> Result<OriginStream, OriginError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        assert!(self.ranges || from == 0, "it has no ranges");
        let size = self.bytes.len() as u64;
        let end = end.map_or(size, |end| end.min(size));
        let stop = self.breaks.map_or(end, |breaks| breaks.min(end));
        let place = |at: u64| usize::try_from(at).unwrap();
        let (from, stop, broken) = (place(from), place(stop.max(from)), stop < end);
        let mut pieces: Vec<_> =
            self.bytes[from..stop].chunks(50_000).map(Bytes::copy_from_slice).map(Ok).collect();
        if broken {
            pieces.push(Err(StoreError::Unavailable("it broke".into()).into()));
        }
        Ok(stream::iter(pieces).boxed())
    }
}

const SMALL: RemakeSettings =
    RemakeSettings { convert: SETTINGS, replay: ReplaySettings { kept_bytes: 1 << 20, replays: 8 } };

fn wanted(convert: Option<(DiskFormat, Target)>) -> Remake {
    Remake { unpack: true, convert, max_bytes: 64 << 20, max_ratio: 5000 }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn disk() -> Vec<u8> {
    at(vec![0; usize::try_from(DISK).unwrap()], samples::PLACE, samples::TEXT)
}

async fn opened(origin: Said, remake: &Remake) -> Result<Remade, RemakeError> {
    Ok(Remade::open(Arc::new(origin), remake, &SMALL).await?.unwrap())
}

async fn all(remade: &Remade, from: u64) -> Result<Vec<u8>, RemakeError> {
    let pieces: Vec<Bytes> = remade.stream(from).try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn what_is_neither_packed_nor_converted_stays_as_it_is() {
    for bytes in [&b""[..], b"a", b"no magic at all"] {
        let origin = Arc::new(Said::good(bytes.to_vec()));
        assert!(Remade::open(origin, &wanted(None), &SMALL).await.unwrap().is_none());
    }
    let told = Remake { unpack: false, ..wanted(None) };
    let origin = Arc::new(Said::good(gzip(b"packed")));
    assert!(Remade::open(origin, &told, &SMALL).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_packed_is_unpacked_from_any_byte_on_and_measured_when_asked() {
    let data = [samples::qcow2_packed(), vec![7; 600_000]].concat();
    for origin in [Said::good(gzip(&data)), Said::streamed(gzip(&data))] {
        let remade = opened(origin, &wanted(None)).await.unwrap();
        assert_eq!(remade.size(), None);
        let remade = remade.measured().await.unwrap();
        assert_eq!(remade.size(), Some(data.len() as u64));
        for from in [0, 1, 300_000, data.len() - 1, data.len(), data.len() + 9] {
            let rest = all(&remade, from as u64).await.unwrap();
            assert!(rest == data.get(from..).unwrap_or_default(), "{from}");
        }
    }
    let unknown = Said { known: false, ..Said::streamed(gzip(&data)) };
    let remade = opened(unknown, &wanted(None)).await.unwrap().measured().await.unwrap();
    assert_eq!(remade.size(), None);
    assert!(all(&remade, 0).await.unwrap() == data);
}

#[tokio::test]
async fn every_disk_is_converted_packed_or_as_a_stream_from_any_byte_on() {
    for (name, format, image) in samples::all() {
        let (raw, packed) = (format == DiskFormat::Raw, gzip(&image));
        let target = if raw { Target::Qcow2 } else { Target::Raw };
        let expected = converted(&image.clone().into(), format, target, 0).await.unwrap();
        assert!(raw || expected == disk(), "{name}");
        for origin in [Said::streamed(image), Said::good(packed)] {
            let remade = opened(origin, &wanted(Some((format, target)))).await.unwrap();
            assert_eq!(remade.size(), Some(expected.len() as u64), "{name}");
            for from in [0, expected.len() - 9] {
                let rest = all(&remade, from as u64).await;
                assert!(
                    rest.as_ref().is_ok_and(|rest| *rest == expected[from..]),
                    "{name}: {:?}",
                    rest.err()
                );
            }
        }
    }
}

/// A qcow2 whose clusters lie from last to first.
fn backwards() -> (Vec<u8>, Vec<u8>) {
    let cluster = 1 << 16;
    let (clusters, mut image) = (52_usize, samples::qcow2_stored(3));
    let mut disk = vec![0; usize::try_from(DISK).unwrap()];
    image.resize(0x3_0000 + clusters * cluster, 0);
    for number in 0..clusters {
        let place = 0x3_0000 + (clusters - 1 - number) * cluster;
        let mut state = u32::try_from(number).unwrap() + 1;
        let noise: Vec<u8> = (0..cluster)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        image[place..place + cluster].copy_from_slice(&noise);
        disk[number * cluster..(number + 1) * cluster].copy_from_slice(&noise);
        let entry = (1_u64 << 63 | place as u64).to_be_bytes();
        image[0x2_0000 + number * 8..0x2_0000 + number * 8 + 8].copy_from_slice(&entry);
    }
    for entry in clusters..8192 {
        image[0x2_0000 + entry * 8..0x2_0000 + entry * 8 + 8].fill(0);
    }
    (image, disk)
}

#[tokio::test]
async fn a_packed_disk_that_leads_back_and_forth_is_unpacked_again_and_no_oftener_than_may_be() {
    let (image, disk) = backwards();
    let told = wanted(Some((DiskFormat::Qcow2, Target::Raw)));
    let remade = opened(Said::good(image.clone()), &told).await.unwrap();
    assert!(all(&remade, 0).await.unwrap() == disk);
    let with =
        |kept_bytes, replays| RemakeSettings { replay: ReplaySettings { kept_bytes, replays }, ..SMALL };
    for (settings, is_made) in [(with(8 << 20, 0), true), (with(1, 200), true), (with(1, 3), false)] {
        let origin = Arc::new(Said::good(gzip(&image)));
        let remade =
            Remade::open(Arc::clone(&origin) as Arc<dyn Origin>, &told, &settings).await.unwrap().unwrap();
        match all(&remade, 0).await {
            Ok(made) => assert!(is_made && made == disk),
            Err(error) => assert!(!is_made && matches!(error, RemakeError::Jumps(3)), "{error}"),
        }
        // For its first bytes, for its length, and each run.
        assert!(origin.reads.load(Ordering::Relaxed) <= 3 + settings.replay.replays);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_as_it_was() {
    let qcow2 = samples::qcow2_stored(3);
    let to_raw = wanted(Some((DiskFormat::Qcow2, Target::Raw)));
    let broken = |bytes: &[u8]| Said { breaks: Some(bytes.len() as u64 / 2), ..Said::good(bytes.to_vec()) };
    let packed = gzip(&qcow2);
    for (origin, told) in
        [(broken(&packed), to_raw), (broken(&qcow2), to_raw), (broken(&packed), wanted(None))]
    {
        let outcome = match opened(origin, &told).await {
            Ok(remade) => all(&remade, 0).await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(matches!(outcome, Err(RemakeError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    }
    let short = Said::good(packed[..packed.len() - 1].to_vec());
    assert!(matches!(opened(short, &to_raw).await, Err(RemakeError::Unpack(_))));
    let other = Said::good(gzip(&samples::vdi()));
    let error = opened(other, &to_raw).await.unwrap_err().to_string();
    assert_eq!(error, "disk_format: the image says 'qcow2', but the data is 'vdi'");
    let unknown = Said { known: false, ..Said::good(qcow2.clone()) };
    assert!(matches!(opened(unknown, &to_raw).await, Err(RemakeError::Unknown)));
    let large = Remake { max_bytes: 1000, ..to_raw };
    assert!(matches!(opened(Said::good(packed), &large).await, Err(RemakeError::Unpack(_))));
    assert!(matches!(opened(Said::good(qcow2), &large).await, Err(RemakeError::Convert(_))));
}

#[tokio::test]
async fn a_source_that_ends_sooner_when_it_is_read_again_has_changed() {
    let (image, _) = backwards();
    let origin = Said::streamed(image.clone());
    let running = Running { origin: Arc::new(origin), unpack: None };
    let replay = Replay::open(running, SMALL.replay).await.unwrap();
    let gone = Running { origin: Arc::new(Said::streamed(image[..2 << 20].to_vec())), unpack: None };
    let replay = replay.of(gone);
    let error = RemakeError::from(convert::Error::Store(replay.read_at(2 << 20..3 << 20).await.unwrap_err()));
    assert!(matches!(error, RemakeError::Changed), "{error}");
}
