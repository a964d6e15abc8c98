//! What is fetched and made anew on the way: by ranges where a source has them, else as a stream.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use shared::convert::properties::{SETTINGS, converted};
use shared::image::{DiskFormat, OutputFormat};
use shared::import::Remake;
use shared::ports::{FetchError, FetchRequest};
use shared::transfer::Patience;
use shared::transfer::remake::{Remade, RemakeError, RemakeSettings, ReplaySettings, UrlOrigin};

use super::*;

const PATIENCE: Patience =
    Patience { tries: 3, pause: Duration::from_millis(1), whole: Duration::from_mins(1) };

const REMAKE: Remake = Remake {
    unpack: true,
    convert: Some((DiskFormat::Raw, OutputFormat::Qcow2)),
    max_bytes: 1 << 20,
    max_ratio: 100,
};

/// What a disk at a path becomes, and how many requests that took.
async fn remade(path: &str) -> (Result<Vec<u8>, RemakeError>, usize) {
    let origin = Origin::start().await;
    let fetch: Arc<dyn Fetch> = Arc::new(egress(here(), &Names::default()));
    let request = FetchRequest::whole(fetch.check(&origin.url(path)).unwrap());
    let settings = RemakeSettings { convert: SETTINGS, replay: ReplaySettings::default() };
    let made = async {
        let source = UrlOrigin::open(fetch, request, PATIENCE).await.map_err(RemakeError::Fetch)?;
        let remade = Remade::open(Arc::new(source), &REMAKE, &settings).await?.unwrap();
        let pieces: Vec<_> = remade.stream(0).try_collect().await?;
        assert_eq!(remade.size(), Some(pieces.iter().map(|piece| piece.len() as u64).sum()));
        Ok(pieces.concat())
    };
    (made.await, origin.asked().len())
}

#[tokio::test]
async fn a_disk_at_a_url_is_converted_with_ranges_and_without() {
    let expected = converted(&bytes().into(), DiskFormat::Raw, OutputFormat::Qcow2, 0).await.unwrap();
    for (path, most) in [("/data", 40), ("/dated", 40), ("/rangeless", 6)] {
        let (made, asked) = remade(path).await;
        assert!(made.as_ref().is_ok_and(|made| *made == expected), "{path}: {:?}", made.err());
        assert!(asked <= most, "{path}: {asked} requests");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_source_is_told_as_it_is() {
    let (missing, _) = remade("/status/404").await;
    assert!(matches!(missing, Err(RemakeError::Fetch(FetchError::NotThere(404)))), "{missing:?}");
    let (broken, _) = remade("/short").await;
    assert!(matches!(broken, Err(RemakeError::Fetch(FetchError::NoRanges))), "{broken:?}");
    let (unknown, _) = remade("/chunked").await;
    assert!(matches!(unknown, Err(RemakeError::Unknown)), "{unknown:?}");
}
