use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream;
use md5::{Digest as _, Md5};
use proptest::prelude::*;
use sha2::Sha512;

use super::*;
use crate::ports::{ByteStream, PartLimits};

/// How large parts are here, in bytes.
const PART: usize = 16;

/// More permits than anything here takes.
const ALL: usize = 1 << 20;

const LIMITS: PartLimits =
    PartLimits { min_bytes: 1, max_bytes: u64::MAX, max_parts: u32::MAX, max_object_bytes: u64::MAX };

/// A store that keeps what it is given, lets parts in one by one, and fails where it is told to.
#[derive(Clone, Debug)]
struct Shelf {
    kept: Arc<Mutex<Kept>>,
    /// A permit lets one part in.
    gate: Arc<Semaphore>,
    fails: Option<Call>,
    limits: PartLimits,
}

#[derive(Debug, Default)]
struct Kept {
    /// Parts by number, with where they begin.
    parts: BTreeMap<u32, (u64, Vec<u8>)>,
    whole: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Put,
    Begin,
    Write(u32),
    Complete,
}

impl Shelf {
    fn new() -> Self {
        Self { kept: Arc::default(), gate: Arc::new(Semaphore::new(ALL)), fails: None, limits: LIMITS }
    }

    /// One that lets nothing in until it is told to.
    fn closed() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..Self::new() }
    }

    fn failing(call: Call) -> Self {
        Self { fails: Some(call), ..Self::new() }
    }

    fn outcome(&self, call: Call) -> Result<(), StoreError> {
        if self.fails == Some(call) { Err(StoreError::Unavailable("told to".into())) } else { Ok(()) }
    }

    fn whole(&self) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().whole.clone()
    }

    /// The sizes of the parts, in order.
    fn part_sizes(&self) -> Vec<usize> {
        self.kept.lock().unwrap().parts.values().map(|(_, bytes)| bytes.len()).collect()
    }
}

fn joined(bytes: &Chunks) -> Vec<u8> {
    bytes.pieces().concat()
}

#[async_trait]
impl Store for Shelf {
    fn part_limits(&self) -> PartLimits {
        self.limits
    }

    async fn put(&self, _: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.outcome(Call::Put)?;
        self.kept.lock().unwrap().whole = Some(joined(&bytes));
        Ok(())
    }

    async fn begin(&self, _: &ObjectKey, _: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        self.outcome(Call::Begin)?;
        Ok(Arc::new(self.clone()))
    }

    async fn read(&self, _: &ObjectKey, _: Range<u64>) -> Result<ByteStream, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn size(&self, _: &ObjectKey) -> Result<u64, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn remove(&self, _: &ObjectKey) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl ObjectWriter for Shelf {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        self.outcome(Call::Write(part.number))?;
        self.gate.acquire().await.unwrap().forget();
        let before = self.kept.lock().unwrap().parts.insert(part.number, (part.offset, joined(&part.bytes)));
        assert_eq!(before, None, "part {} was written twice", part.number);
        Ok(())
    }

    async fn complete(&self) -> Result<(), StoreError> {
        self.outcome(Call::Complete)?;
        let mut kept = self.kept.lock().unwrap();
        let mut whole = Vec::new();
        for (number, (at, (offset, bytes))) in (1..).zip(&kept.parts) {
            assert_eq!(number, *at, "parts are counted without gaps");
            assert_eq!(*offset, whole.len() as u64, "part {number} begins where the one before it ends");
            whole.extend_from_slice(bytes);
        }
        kept.whole = Some(whole);
        Ok(())
    }
}

fn intake() -> Intake {
    Intake { part_bytes: PART as u64, parts_in_flight: 2, max_bytes: 1 << 20, idle: Duration::from_hours(1) }
}

fn key() -> ObjectKey {
    "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ".to_owned().try_into().unwrap()
}

/// Bytes that tell where they are.
fn bytes(count: usize) -> Vec<u8> {
    (0..count as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// A body in pieces, which counts the bytes that were taken from it.
fn counted(data: &[u8], piece: usize) -> (Body, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let pieces: Vec<_> = data.chunks(piece).map(Bytes::copy_from_slice).collect();
    let body = stream::iter(pieces).map(move |piece| {
        counter.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Ok(piece)
    });
    (Box::pin(body), taken)
}

fn body(data: &[u8], piece: usize) -> Body {
    counted(data, piece).0
}

/// A body that says this much and then neither goes on nor ends.
fn silent_after(data: &[u8], piece: usize) -> Body {
    Box::pin(body(data, piece).chain(stream::pending()))
}

fn hashed(data: &[u8]) -> Digests {
    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }
    Digests { md5: hex(&Md5::digest(data)), sha512: hex(&Sha512::digest(data)) }
}

/// Lets everything happen that can happen without a thread of its own.
async fn settled() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_more_parts_are_taken_than_may_be_in_flight() {
    let data = bytes(10 * PART + 3);
    for parts_in_flight in 1..=4_u32 {
        for piece in [1, PART / 4, 7, 3 * PART, data.len()] {
            let (store, (mut body, taken)) = (Shelf::closed(), counted(&data, piece));
            let (intake, key) = (Intake { parts_in_flight, ..intake() }, key());
            let received = intake.receive(&store, &key, &mut body, None, None);
            tokio::pin!(received);
            tokio::select! {
                early = &mut received => panic!("a store that lets nothing in: {early:?}"),
                () = settled() => {}
            }
            // Whole pieces come off a body: of the last one, what is over waits.
            let bound = (u64::from(parts_in_flight) * PART as u64)
                .next_multiple_of(piece as u64)
                .min(data.len() as u64);
            assert_eq!(taken.load(Ordering::SeqCst), bound, "{parts_in_flight} in flight, pieces of {piece}");
            store.gate.add_permits(ALL);
            let received = received.await.unwrap();
            assert_eq!(received, Received { size: data.len() as u64, digests: hashed(&data), digest: None });
            assert_eq!(store.whole().unwrap(), data);
        }
    }
}

/// Remembers what it saw.
#[derive(Debug, Default)]
struct Witness(Vec<u8>);

impl Digesting for Witness {
    fn update(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn save(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0
    }
}

#[tokio::test]
async fn who_digests_beside_the_others_sees_every_byte_once_and_in_order() {
    for size in [0, 1, PART, PART + 1, 7 * PART + 3] {
        let (store, data) = (Shelf::new(), bytes(size));
        let witness = Some(Box::<Witness>::default() as Box<dyn Digesting>);
        let received = intake().receive(&store, &key(), &mut body(&data, 5), None, witness).await.unwrap();
        assert_eq!(received.digest, Some(data.clone()), "{size}");
        assert_eq!((received.digests, store.whole().unwrap()), (hashed(&data), data), "{size}");
    }
}

#[tokio::test]
async fn parts_end_where_they_should() {
    let part = PART;
    for (size, parts) in [
        (0, vec![]),
        (1, vec![]),
        (part - 1, vec![]),
        (part, vec![part]),
        (part + 1, vec![part, 1]),
        (2 * part, vec![part, part]),
        (2 * part + 1, vec![part, part, 1]),
    ] {
        for expected in [None, Some(size as u64)] {
            let (store, data) = (Shelf::new(), bytes(size));
            let received =
                intake().receive(&store, &key(), &mut body(&data, 5), expected, None).await.unwrap();
            assert_eq!(
                received,
                Received { size: size as u64, digests: hashed(&data), digest: None },
                "{size}"
            );
            assert_eq!((store.whole().unwrap(), store.part_sizes()), (data, parts.clone()), "{size}");
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    for pieces in [vec![], vec![Ok(Bytes::new())], vec![Ok(Bytes::new()), Ok(Bytes::new())]] {
        let store = Shelf::new();
        let mut body: Body = Box::pin(stream::iter(pieces));
        let received = intake().receive(&store, &key(), &mut body, Some(0), None).await.unwrap();
        assert_eq!(received, Received { size: 0, digests: hashed(b""), digest: None });
        assert_eq!(
            (received.digests.md5.as_str(), store.whole()),
            ("d41d8cd98f00b204e9800998ecf8427e", Some(vec![]))
        );
    }
}

#[tokio::test]
async fn the_size_announced_is_held_to() {
    let data = bytes(3 * PART);
    let size = data.len() as u64;
    for (expected, text) in [
        (size - 1, "the data exceeds the size announced, 47 bytes"),
        (1, "the data exceeds the size announced, 1 bytes"),
        (size + 1, "the size of the data received, 48 bytes, does not match the size announced, 49 bytes"),
    ] {
        for piece in [1, 5, data.len()] {
            let store = Shelf::new();
            match intake().receive(&store, &key(), &mut body(&data, piece), Some(expected), None).await {
                Err(Error::Invalid(message)) => assert_eq!(message, text),
                other => panic!("{expected}: {other:?}"),
            }
            assert_eq!(store.whole(), None, "nothing is made whole");
        }
    }
}

#[tokio::test]
async fn too_long_is_told_when_it_is_known_not_when_the_body_ends() {
    let data = bytes(100);
    for (intake, expected) in [
        (Intake { max_bytes: 50, ..intake() }, None),
        (Intake { max_bytes: 99, ..intake() }, None),
        (intake(), Some(50)),
    ] {
        let told = intake.receive(&Shelf::new(), &key(), &mut silent_after(&data, 10), expected, None).await;
        assert!(matches!(told, Err(Error::LimitExceeded(_) | Error::Invalid(_))), "{told:?}");
    }
    let intake = Intake { max_bytes: 100, ..intake() };
    assert_eq!(
        intake.receive(&Shelf::new(), &key(), &mut body(&data, 10), None, None).await.unwrap().size,
        100
    );
}

#[tokio::test]
async fn a_body_that_breaks_is_a_client_gone_after_so_many_bytes() {
    for count in [0, 3, PART, 2 * PART + 5] {
        let store = Shelf::new();
        let broken = stream::iter([Err(Cause::from("connection reset"))]);
        let mut body: Body = Box::pin(body(&bytes(count), 3).chain(broken));
        match intake().receive(&store, &key(), &mut body, None, None).await {
            Err(Error::ClientGone { received, source: Some(source) }) => {
                assert_eq!((received, source.to_string().as_str()), (count as u64, "connection reset"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(store.whole(), None);
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_a_client_gone_after_so_many_bytes() {
    let intake = Intake { idle: Duration::ZERO, ..intake() };
    let told = intake.receive(&Shelf::new(), &key(), &mut silent_after(&bytes(20), 3), None, None).await;
    assert!(matches!(told, Err(Error::ClientGone { received: 20, source: Some(_) })), "{told:?}");
}

#[tokio::test]
async fn a_part_the_store_refuses_is_told_while_the_client_is_silent() {
    for refused in 1..=3 {
        for parts_in_flight in 1..=4 {
            let (store, intake) =
                (Shelf::failing(Call::Write(refused)), Intake { parts_in_flight, ..intake() });
            let mut body = silent_after(&bytes(3 * PART + 1), 5);
            let told = intake.receive(&store, &key(), &mut body, None, None).await;
            assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_part_the_store_refuses_is_told_while_others_wait() {
    let store = Shelf { fails: Some(Call::Write(2)), ..Shelf::closed() };
    let told = intake().receive(&store, &key(), &mut body(&bytes(10 * PART), 5), None, None).await;
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
}

#[tokio::test]
async fn whatever_the_store_refuses_is_told() {
    for (call, size) in [
        (Call::Put, 3),
        (Call::Put, 0),
        (Call::Begin, 20),
        (Call::Write(1), 20),
        (Call::Write(2), 20),
        (Call::Write(2), 2 * PART),
        (Call::Complete, 20),
    ] {
        let store = Shelf::failing(call);
        let told = intake().receive(&store, &key(), &mut body(&bytes(size), 5), None, None).await;
        assert!(matches!(told, Err(Error::Unavailable(_))), "{call:?}: {told:?}");
        assert_eq!(store.whole(), None, "{call:?}");
    }
}

#[tokio::test]
async fn no_write_goes_on_once_an_error_was_told() {
    let store = Shelf { fails: Some(Call::Write(2)), ..Shelf::closed() };
    intake().receive(&store, &key(), &mut silent_after(&bytes(3 * PART), 5), None, None).await.unwrap_err();
    store.gate.add_permits(ALL);
    settled().await;
    assert_eq!(store.part_sizes(), [] as [usize; 0], "part 1 was waiting");
}

#[tokio::test]
async fn more_parts_than_the_store_takes_are_refused() {
    let store = || Shelf { limits: PartLimits { max_parts: 3, ..LIMITS }, ..Shelf::new() };
    for count in [3 * PART - 1, 3 * PART] {
        for expected in [None, Some(count as u64)] {
            let within =
                intake().receive(&store(), &key(), &mut body(&bytes(count), 5), expected, None).await;
            assert_eq!(within.unwrap().size, count as u64);
        }
    }
    let over = intake().receive(&store(), &key(), &mut silent_after(&bytes(4 * PART), 5), None, None).await;
    assert!(matches!(over, Err(Error::LimitExceeded(_))), "{over:?}");
}

#[tokio::test]
async fn more_bytes_than_the_store_takes_of_an_object_are_refused() {
    let most = 3 * PART;
    let store = || Shelf { limits: PartLimits { max_object_bytes: most as u64, ..LIMITS }, ..Shelf::new() };
    for expected in [None, Some(most as u64)] {
        let within = intake().receive(&store(), &key(), &mut body(&bytes(most), 5), expected, None).await;
        assert_eq!(within.unwrap().size, most as u64);
    }
    for (data, expected) in [(bytes(most + 1), None), (Vec::new(), Some(most as u64 + 1))] {
        let mut body = silent_after(&data, 5);
        let over = intake().receive(&store(), &key(), &mut body, expected, None).await;
        assert!(
            matches!(&over, Err(Error::LimitExceeded(text)) if text.contains(&most.to_string())),
            "{over:?}"
        );
    }
}

#[tokio::test]
async fn parts_of_an_unknown_size_grow_after_a_thousand() {
    let (store, data) = (Shelf::new(), bytes(1000 + 2 * 3 + 1));
    let intake = Intake { part_bytes: 1, parts_in_flight: 4, ..intake() };
    let received = intake.receive(&store, &key(), &mut body(&data, 11), None, None).await.unwrap();
    assert_eq!((received.digests, store.whole().unwrap()), (hashed(&data), data.clone()));
    let sizes = store.part_sizes();
    assert!(sizes[..1000].iter().all(|size| *size == 1));
    assert_eq!(sizes[1000..], [2, 2, 2, 1]);

    let store = Shelf::new();
    intake.receive(&store, &key(), &mut body(&data, 11), Some(data.len() as u64), None).await.unwrap();
    assert!(store.part_sizes().iter().all(|size| *size == 1), "a known size needs no growth");
}

#[tokio::test]
async fn larger_parts_are_fewer_in_flight() {
    let (store, (mut body, taken)) = (Shelf::closed(), counted(&bytes(1100), 1));
    store.gate.add_permits(1000);
    let (intake, key) = (Intake { part_bytes: 1, parts_in_flight: 4, ..intake() }, key());
    let received = intake.receive(&store, &key, &mut body, None, None);
    tokio::pin!(received);
    // The first thousand parts return their permits when the threads that hash them say so.
    let reached = async {
        while taken.load(Ordering::SeqCst) < 1004 {
            tokio::task::yield_now().await;
        }
        settled().await;
    };
    tokio::select! {
        early = &mut received => panic!("a store that lets nothing in: {early:?}"),
        () = reached => {}
    }
    assert_eq!(taken.load(Ordering::SeqCst), 1004, "two parts of two bytes, by four permits of one");
    store.gate.add_permits(ALL);
    assert_eq!(received.await.unwrap().size, 1100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn size_and_digests_are_those_of_the_bytes_however_they_come(
        sizes in proptest::collection::vec(0..40_usize, 0..40),
        part_bytes in 1..50_u64,
        parts_in_flight in 1..5_u32,
        announced in any::<bool>(),
    ) {
        let data = bytes(sizes.iter().sum());
        let mut rest = Bytes::from(data.clone());
        let pieces: Vec<_> = sizes.iter().map(|size| Ok(rest.split_to(*size))).collect();
        let (store, intake) = (Shelf::new(), Intake { part_bytes, parts_in_flight, ..intake() });
        let expected = announced.then_some(data.len() as u64);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(async {
            let mut body: Body = Box::pin(stream::iter(pieces));
            intake.receive(&store, &key(), &mut body, expected, None).await
        });
        prop_assert_eq!(received.unwrap(), Received { size: data.len() as u64, digests: hashed(&data), digest: None });
        prop_assert_eq!(store.whole().unwrap(), data);
        let sizes = store.part_sizes();
        if let Some((last, others)) = sizes.split_last() {
            prop_assert!(others.iter().all(|size| *size as u64 == part_bytes), "{:?}", sizes);
            prop_assert!((1..=part_bytes).contains(&(*last as u64)), "{:?}", sizes);
        }
    }
}

/// Refuses a body once it has seen so many bytes, or at its end.
struct Doorkeeper {
    seen: usize,
    refuses_after: usize,
}

impl Watch for Doorkeeper {
    fn see(&mut self, pieces: &[Bytes]) -> Result<()> {
        self.seen += pieces.iter().map(Bytes::len).sum::<usize>();
        if self.seen > self.refuses_after { Err(Error::Invalid("seen enough".to_owned())) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<()> {
        Err(Error::Invalid(format!("seen all {}", self.seen)))
    }
}

#[tokio::test]
async fn who_watches_sees_every_byte_and_may_refuse_before_the_object_is_whole() {
    for size in [0, 1, PART, PART + 1, 5 * PART + 3] {
        let store = Shelf::new();
        let mut watch = Doorkeeper { seen: 0, refuses_after: usize::MAX };
        let mut body = body(&bytes(size), 5);
        let told =
            intake().receive_watched(&store, &key(), &mut body, None, None, &mut watch).await.unwrap_err();
        assert_eq!((told.to_string(), store.whole()), (format!("seen all {size}"), None));
    }
}

#[tokio::test]
async fn a_body_that_is_refused_midway_is_read_to_its_end_and_written_no_further() {
    for expected in [None, Some(10 * PART as u64)] {
        let store = Shelf::new();
        let mut watch = Doorkeeper { seen: 0, refuses_after: 2 * PART };
        let mut body = body(&bytes(10 * PART), 5);
        let told = intake()
            .receive_watched(&store, &key(), &mut body, expected, None, &mut watch)
            .await
            .unwrap_err();
        assert_eq!((told.to_string().as_str(), store.whole()), ("seen enough", None));
        assert!(body.next().await.is_none() && store.part_sizes().len() <= 2);
    }
}
