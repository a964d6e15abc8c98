//! What every [`Store`] does with parts that clients bring, and with objects that they read by URLs. Each case wants a store
//! without objects, and somebody who brings and reads.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a suite fails by panicking, as tests do"
)]

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{TryStreamExt as _, stream};

use super::store::{key, pattern, try_read};
use crate::adapters::system::SystemClock;
use crate::ports::{
    Cause, Clock as _, Part, PartTarget, PresentedPart, ReadTarget, SignedPart, Store, StoreError,
};
use crate::store::{
    ArrivedPart, Checksum, ChecksumKind, FileName, ObjectKey, PartGrant, PartLayout, ReadGrant, Summing,
};
use crate::time::Timestamp;

/// A client: it brings bytes where a URL says.
#[async_trait]
pub trait Bring: Sync {
    /// Sends a part and answers its entity tag; else why it was not taken, in any words.
    async fn bring(
        &self,
        store: &dyn Store,
        grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String>;

    /// Reads the object that a URL is for, sending a header along that nobody signed, and answers its bytes and the
    /// `Content-Disposition`; else why they were not given, in any words.
    async fn fetch(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String>;
}

/// A client of a store whose parts the gateway takes.
#[derive(Clone, Copy, Debug)]
pub struct AtGateway;

#[async_trait]
impl Bring for AtGateway {
    async fn bring(
        &self,
        store: &dyn Store,
        grant: &PartGrant,
        signed: &SignedPart,
        bytes: &[u8],
    ) -> Result<String, String> {
        let PartTarget::Gateway(query) = &signed.target else { panic!("{signed:?}") };
        let part = PresentedPart { key: grant.key.clone(), number: grant.number, query: pairs(query) };
        let pieces: Vec<Result<Bytes, Cause>> =
            bytes.chunks(100_003).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let taken = store.take_part(&part, now(), Box::pin(stream::iter(pieces))).await;
        taken.map_err(|error| error.to_string())
    }

    async fn fetch(
        &self,
        store: &dyn Store,
        key: &ObjectKey,
        target: &ReadTarget,
    ) -> Result<(Vec<u8>, String), String> {
        let ReadTarget::Gateway(query) = target else { panic!("{target:?}") };
        let grant = store.open_read(key, &pairs(query), now()).map_err(|error| error.to_string())?;
        assert_eq!(&grant.key, key);
        let size = store.size(key).await.map_err(|error| error.to_string())?;
        let pieces: Vec<Bytes> = store.read(key, 0..size).await.unwrap().try_collect().await.unwrap();
        Ok((pieces.concat(), grant.file_name.disposition()))
    }
}

/// The pairs of a query, decoded as far as those of this service need it.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let mut pieces = text.split('%');
        let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
        for piece in pieces {
            let (digits, rest) = piece.split_at(2);
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            bytes.extend(rest.as_bytes());
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

/// Runs every case of the suite as a test of its own. Takes a function whose future is a pair: a fresh store, and who
/// brings parts to it, which must live as long.
#[macro_export]
macro_rules! direct_contract {
    ($fresh:path) => {
        $crate::direct_contract! { @each $fresh:
            parts_that_clients_bring_make_one_object
            the_service_brings_parts_too
            nothing_is_readable_before_it_is_whole
            one_part_may_be_all
            what_has_arrived_is_told_in_pages
            of_a_part_brought_twice_the_last_counts
            a_part_of_another_length_is_not_taken
            a_part_is_held_to_its_declared_checksum
            a_part_that_changed_since_it_was_looked_at_is_not_used
            making_it_whole_again_is_no_error
            a_whole_object_takes_no_part
            a_removed_object_takes_no_part
            leave_ends_with_its_time
            the_size_of_an_object_is_told
            an_object_is_read_by_its_url_under_its_name
            a_url_reads_one_object_until_its_time_is_over
            a_removed_object_is_not_read_by_its_url
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, client) = $fresh().await;
                $crate::contract::direct::$case(&store, &client).await;
            }
        )*
    };
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// An object that is begun, and its bytes.
struct Begun<'a> {
    store: &'a dyn Store,
    client: &'a dyn Bring,
    key: ObjectKey,
    upload: String,
    layout: PartLayout,
    bytes: Vec<u8>,
    kind: Option<ChecksumKind>,
}

impl<'a> Begun<'a> {
    /// So many full parts, and a last one.
    async fn new(
        store: &'a dyn Store,
        client: &'a dyn Bring,
        (full, last): (u64, u64),
        kind: Option<ChecksumKind>,
    ) -> Self {
        let part_bytes = store.part_limits().min_bytes.max(300_000) + 13;
        let layout = PartLayout { size: full * part_bytes + last, part_bytes };
        let (key, bytes) = (key(1, 1), pattern(full, usize::try_from(layout.size).unwrap()));
        let upload = store.begin_direct(&key, layout.size, kind).await.unwrap();
        Self { store, client, key, upload, layout, bytes, kind }
    }

    fn content(&self, number: u32) -> Vec<u8> {
        let range = self.layout.range(number).unwrap();
        self.bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
    }

    fn grant(&self, number: u32, content: &[u8]) -> PartGrant {
        let range = self.layout.range(number).unwrap();
        let checksum = self.kind.map(|kind| sum(kind, content));
        let until = now().plus(Duration::from_mins(5));
        PartGrant { key: self.key.clone(), upload: self.upload.clone(), number, range, checksum, until }
    }

    async fn send(&self, grant: &PartGrant, content: &[u8]) -> Result<String, String> {
        let signed = self.store.sign_part(grant, now()).await.unwrap();
        self.client.bring(self.store, grant, &signed, content).await
    }

    async fn bring(&self, number: u32) -> String {
        let content = self.content(number);
        self.send(&self.grant(number, &content), &content).await.unwrap()
    }

    async fn bring_all(&self) {
        try_join_all(
            (1..=self.layout.count()).map(|number| async move { Ok::<_, ()>(self.bring(number).await) }),
        )
        .await
        .unwrap();
    }

    async fn arrived(&self) -> Vec<ArrivedPart> {
        self.store.arrived(&self.key, &self.upload, 0, 1000).await.unwrap()
    }

    async fn assemble(&self, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        self.store.assemble(&self.key, &self.upload, parts).await
    }

    async fn assert_whole(&self) {
        let read = try_read(self.store, &self.key, 0..self.layout.size).await.unwrap();
        assert!(read == self.bytes, "other bytes than were brought");
    }
}

fn sum(kind: ChecksumKind, bytes: &[u8]) -> Checksum {
    let mut summing = Summing::new(kind);
    summing.update(bytes);
    summing.finish()
}

/// By different requests, in any order.
pub async fn parts_that_clients_bring_make_one_object(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (2, 4321), None).await;
    begun.bring(3).await;
    begun.bring(1).await;
    let etag = begun.bring(2).await;
    let arrived = begun.arrived().await;
    assert_eq!(arrived.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(arrived.iter().map(|part| part.len).sum::<u64>(), begun.layout.size);
    assert_eq!(arrived[1].etag, etag);
    begun.assemble(&arrived).await.unwrap();
    begun.assert_whole().await;
}

/// Beside clients, and one again, in any order.
pub async fn the_service_brings_parts_too(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (2, 4321), None).await;
    begun.bring(2).await;
    for number in [3, 1, 3] {
        let range = begun.layout.range(number).unwrap();
        let [from, to] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
        let bytes = &begun.bytes[from..to];
        let pieces: Vec<Bytes> = bytes.chunks(70_001).map(Bytes::copy_from_slice).collect();
        let part = Part { number, offset: range.start, bytes: pieces.into() };
        store.bring_part(&begun.key, &begun.upload, part).await.unwrap();
    }
    begun.assemble(&begun.arrived().await).await.unwrap();
    begun.assert_whole().await;
    let late = Part { number: 1, offset: 0, bytes: vec![Bytes::from_static(b"late")].into() };
    store.bring_part(&begun.key, &begun.upload, late).await.unwrap_err();
    begun.assert_whole().await;
}

/// However many parts are there.
pub async fn nothing_is_readable_before_it_is_whole(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (1, 7), None).await;
    for number in 0..=2 {
        if number > 0 {
            begun.bring(number).await;
        }
        let read = try_read(store, &begun.key, 0..1).await;
        assert!(matches!(read, Err(StoreError::NotFound)), "{read:?}");
        assert!(matches!(store.size(&begun.key).await, Err(StoreError::NotFound)));
    }
}

/// A small one: the last part may be.
pub async fn one_part_may_be_all(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (0, 1), None).await;
    begun.bring(1).await;
    begun.assemble(&begun.arrived().await).await.unwrap();
    begun.assert_whole().await;
}

/// Behind a number, at most so many; gaps are no end.
pub async fn what_has_arrived_is_told_in_pages(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (3, 5), None).await;
    assert_eq!(begun.arrived().await, []);
    for number in [1, 2, 4] {
        begun.bring(number).await;
    }
    for (after, limit, expected) in
        [(0, 2, vec![1, 2]), (1, 2, vec![2, 4]), (2, 1000, vec![4]), (4, 1, vec![])]
    {
        let page = store.arrived(&begun.key, &begun.upload, after, limit).await.unwrap();
        assert_eq!(page.iter().map(|part| part.number).collect::<Vec<_>>(), expected, "behind {after}");
    }
}

/// Clients send again what they did not hear of.
pub async fn of_a_part_brought_twice_the_last_counts(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (1, 9), None).await;
    begun.bring_all().await;
    let other: Vec<u8> = begun.content(1).iter().map(|byte| !byte).collect();
    begun.send(&begun.grant(1, &other), &other).await.unwrap();
    begun.bring(1).await;
    begun.assemble(&begun.arrived().await).await.unwrap();
    begun.assert_whole().await;
}

/// Neither fewer bytes nor more than were granted.
pub async fn a_part_of_another_length_is_not_taken(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (0, 100), None).await;
    let content = begun.content(1);
    for wrong in [&content[..99], &[content.as_slice(), b"x"].concat(), &[]] {
        begun.send(&begun.grant(1, &content), wrong).await.unwrap_err();
        assert_eq!(begun.arrived().await, [], "{} bytes", wrong.len());
    }
    begun.bring(1).await;
}

/// Of each kind that the store has, and no other is begun with. What was declared is told with the part.
pub async fn a_part_is_held_to_its_declared_checksum(store: &dyn Store, client: &dyn Bring) {
    for kind in ChecksumKind::ALL {
        if !store.checksums().contains(&kind) {
            let begun = store.begin_direct(&key(1, 1), 100, Some(kind)).await;
            assert!(matches!(begun, Err(StoreError::Failed(_))), "{begun:?}");
            continue;
        }
        let begun = Begun::new(store, client, (1, 100), Some(kind)).await;
        let (right, mut wrong) = (begun.content(2), begun.content(2));
        wrong[50] ^= 1;
        begun.send(&begun.grant(2, &right), &wrong).await.unwrap_err();
        assert_eq!(begun.arrived().await, [], "{kind:?}");
        begun.bring_all().await;
        let arrived = begun.arrived().await;
        assert_eq!(arrived[1].checksum, Some(sum(kind, &right)));
        begun.assemble(&arrived).await.unwrap();
        begun.assert_whole().await;
        store.remove(&begun.key).await.unwrap();
    }
}

/// Who looked at a part makes the object of that part or of none.
pub async fn a_part_that_changed_since_it_was_looked_at_is_not_used(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (0, 100), None).await;
    begun.bring(1).await;
    let looked_at = begun.arrived().await;
    let other: Vec<u8> = begun.content(1).iter().map(|byte| !byte).collect();
    begun.send(&begun.grant(1, &other), &other).await.unwrap();
    begun.assemble(&looked_at).await.unwrap_err();
    assert!(matches!(store.size(&begun.key).await, Err(StoreError::NotFound)));
    begun.assemble(&begun.arrived().await).await.unwrap();
}

/// An answer that was lost is asked for again.
pub async fn making_it_whole_again_is_no_error(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (1, 3), None).await;
    begun.bring_all().await;
    let arrived = begun.arrived().await;
    for _ in 0..3 {
        begun.assemble(&arrived).await.unwrap();
    }
    begun.assert_whole().await;
    let told = store.arrived(&begun.key, &begun.upload, 0, 10).await;
    assert!(matches!(told, Err(StoreError::NotFound)), "{told:?}");
}

/// By no URL that was ever given out.
pub async fn a_whole_object_takes_no_part(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (0, 100), None).await;
    let content = begun.content(1);
    let (grant, other) = (begun.grant(1, &content), vec![7; content.len()]);
    let signed = store.sign_part(&grant, now()).await.unwrap();
    client.bring(store, &grant, &signed, &content).await.unwrap();
    begun.assemble(&begun.arrived().await).await.unwrap();
    client.bring(store, &grant, &signed, &other).await.unwrap_err();
    begun.assert_whole().await;
}

/// Nor does anything come back.
pub async fn a_removed_object_takes_no_part(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (1, 100), None).await;
    begun.bring(1).await;
    let arrived = begun.arrived().await;
    store.remove(&begun.key).await.unwrap();
    let content = begun.content(2);
    begun.send(&begun.grant(2, &content), &content).await.unwrap_err();
    let told = store.arrived(&begun.key, &begun.upload, 0, 10).await;
    assert!(matches!(told, Err(StoreError::NotFound)), "{told:?}");
    let made = begun.assemble(&arrived).await;
    assert!(matches!(made, Err(StoreError::NotFound)), "{made:?}");
    store.remove(&begun.key).await.unwrap();
}

/// To the second or better.
pub async fn leave_ends_with_its_time(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (0, 100), None).await;
    let content = begun.content(1);
    let ago = |minutes: i64| Timestamp::from_microseconds(now().microseconds() - minutes * 60_000_000);
    let grant = PartGrant { until: ago(5), ..begun.grant(1, &content) };
    let signed = store.sign_part(&grant, ago(10)).await.unwrap();
    client.bring(store, &grant, &signed, &content).await.unwrap_err();
    assert_eq!(begun.arrived().await, []);
}

/// Whichever way it came.
pub async fn the_size_of_an_object_is_told(store: &dyn Store, client: &dyn Bring) {
    let begun = Begun::new(store, client, (1, 3), None).await;
    begun.bring_all().await;
    begun.assemble(&begun.arrived().await).await.unwrap();
    assert_eq!(store.size(&begun.key).await.unwrap(), begun.layout.size);
    for len in [0, 1, 4097] {
        let key = key(2, len);
        let bytes = pattern(1, usize::try_from(len).unwrap());
        store.put(&key, vec![Bytes::from(bytes)].into()).await.unwrap();
        assert_eq!(store.size(&key).await.unwrap(), len);
    }
    assert!(matches!(store.size(&key(3, 3)).await, Err(StoreError::NotFound)));
}

/// A URL that is good for the five minutes before its end.
async fn signed(store: &dyn Store, key: &ObjectKey, name: &str, until: Timestamp) -> ReadTarget {
    let md5 = Some("900150983cd24fb0d6963f7d28e17f72".to_owned());
    let grant = ReadGrant { key: key.clone(), file_name: FileName::of(name, "x"), md5, until };
    let ago = Timestamp::from_microseconds(until.microseconds() - 300_000_000);
    store.sign_read(&grant, ago).await.unwrap().unwrap()
}

fn in_five_minutes() -> Timestamp {
    now().plus(Duration::from_mins(5))
}

/// Whatever the name is made of.
pub async fn an_object_is_read_by_its_url_under_its_name(store: &dyn Store, client: &dyn Bring) {
    let bytes = pattern(1, 100_000);
    store.put(&key(1, 1), vec![Bytes::from(bytes.clone())].into()).await.unwrap();
    for (name, told) in [
        ("web.qcow2", "attachment; filename=\"web.qcow2\""),
        (
            "a \"b\"; c=d&e/%2F+\r\nü",
            "attachment; filename=\"a _b_; c=d&e__2F+___\"; filename*=UTF-8''a%20%22b%22%3B%20c%3Dd&e_%252F+__%C3%BC",
        ),
    ] {
        let target = signed(store, &key(1, 1), name, in_five_minutes()).await;
        let (read, disposition) = client.fetch(store, &key(1, 1), &target).await.unwrap();
        assert!(read == bytes, "other bytes than were put");
        assert_eq!(disposition, told);
    }
}

/// No other object, and not after.
pub async fn a_url_reads_one_object_until_its_time_is_over(store: &dyn Store, client: &dyn Bring) {
    for attempt in [1, 2] {
        store.put(&key(1, attempt), vec![Bytes::from(pattern(attempt, 10))].into()).await.unwrap();
    }
    let over = signed(store, &key(1, 1), "web", now()).await;
    client.fetch(store, &key(1, 1), &over).await.unwrap_err();
    let target = match signed(store, &key(1, 1), "web", in_five_minutes()).await {
        ReadTarget::Store(url) => {
            ReadTarget::Store(url.replace(&key(1, 1).to_string(), &key(1, 2).to_string()))
        }
        gateway @ ReadTarget::Gateway(_) => gateway,
    };
    client.fetch(store, &key(1, 2), &target).await.unwrap_err();
}

/// Nor is it an error to sign for what is not there.
pub async fn a_removed_object_is_not_read_by_its_url(store: &dyn Store, client: &dyn Bring) {
    store.put(&key(1, 1), vec![Bytes::from_static(b"x")].into()).await.unwrap();
    store.remove(&key(1, 1)).await.unwrap();
    let target = signed(store, &key(1, 1), "web", in_five_minutes()).await;
    client.fetch(store, &key(1, 1), &target).await.unwrap_err();
}
