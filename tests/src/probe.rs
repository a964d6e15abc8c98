//! Ports that count their calls and fail when they are told to.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use shared::ports::{
    ByteStream, Chunks, Item, Key, ObjectWriter, Page, Part, PartBody, PartError, PartLimits, PresentedPart,
    Query, ReadError, ReadTarget, SignedPart, Store, StoreError, Table, TableError, Write,
};
use shared::store::{ArrivedPart, ChecksumKind, ObjectKey, PartGrant, ReadGrant};
use shared::time::Timestamp;

/// How calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One call is not made.
    Refused,
    /// One call is made, but its answer is lost.
    AnswerLost,
    /// The process dies: that call and all after it are not made.
    Killed,
    /// The process dies just after the call.
    KilledAfter,
}

impl Fault {
    /// Every way to fail.
    pub const ALL: [Self; 4] = [Self::Refused, Self::AnswerLost, Self::Killed, Self::KilledAfter];
}

/// Watches the calls of all ports together.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<String>,
    faults: Vec<(usize, Fault)>,
    full: bool,
}

/// What becomes of a call; the worst of several counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Pass,
    Lose,
    Refuse,
}

impl Probe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the calls so far, and makes the call that then is number `at`, counted from 0, fail.
    pub fn arm(&self, at: usize, fault: Fault) {
        self.arm_all([(at, fault)]);
    }

    /// As [`Self::arm`], for several calls.
    pub fn arm_all(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        *self.state() = State { faults: faults.into_iter().collect(), ..State::default() };
    }

    /// Says whether the store has room for more bytes.
    pub fn fill(&self, full: bool) {
        self.state().full = full;
    }

    /// A write of bytes, which takes room.
    async fn written(
        &self,
        write: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), StoreError> {
        if self.state().full { Err(StoreError::Full) } else { write.await }
    }

    /// Forgets the calls so far; none fails any more.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    /// The calls since the last reset, with what they cost: `get 1`, `query 25`, `commit 4`, `put`, `write`, …
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn called(&self, call: &str) -> (usize, Verdict) {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(call.to_owned());
        let verdicts = state.faults.iter().map(|&(at, fault)| match fault {
            Fault::Refused if number == at => Verdict::Refuse,
            Fault::AnswerLost | Fault::KilledAfter if number == at => Verdict::Lose,
            Fault::Killed | Fault::KilledAfter if number >= at => Verdict::Refuse,
            _ => Verdict::Pass,
        });
        let verdict = verdicts.max().unwrap_or(Verdict::Pass);
        (number, verdict)
    }

    /// Notes how much a call came to.
    fn amount(&self, number: usize, amount: usize) {
        if let Some(call) = self.state().calls.get_mut(number) {
            *call = format!("{call} {amount}");
        }
    }

    async fn through<T, E>(
        &self,
        call: &str,
        made: impl Future<Output = Result<T, E>> + Send,
        fault: impl Fn() -> E + Send,
        amount: impl Fn(&T) -> Option<usize> + Send,
    ) -> Result<T, E> {
        // A call takes time, in which others go on.
        tokio::task::yield_now().await;
        let (number, verdict) = self.called(call);
        match verdict {
            Verdict::Refuse => Err(fault()),
            Verdict::Lose => made.await.and_then(|_| Err(fault())),
            Verdict::Pass => {
                let answer = made.await?;
                if let Some(amount) = amount(&answer) {
                    self.amount(number, amount);
                }
                Ok(answer)
            }
        }
    }
}

fn table_fault() -> TableError {
    TableError::Unavailable("injected".into())
}

fn store_fault() -> StoreError {
    StoreError::Unavailable("injected".into())
}

/// A table under a probe.
#[derive(Debug)]
pub struct ProbedTable {
    /// Where the calls go.
    pub table: Arc<dyn Table>,
    /// Who watches.
    pub probe: Probe,
}

#[async_trait]
impl Table for ProbedTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let found = |item: &Option<Item>| Some(item.iter().count());
        self.probe.through("get", self.table.get(key), table_fault, found).await
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.probe
            .through("get_batch", self.table.get_batch(keys), table_fault, |items| Some(items.len()))
            .await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.probe.through("query", self.table.query(query), table_fault, |page| Some(page.items.len())).await
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        let changes = write.changes().len();
        self.probe.through("commit", self.table.commit(write), table_fault, |()| Some(changes)).await
    }
}

/// A store under a probe.
#[derive(Debug)]
pub struct ProbedStore {
    /// Where the calls go.
    pub store: Arc<dyn Store>,
    /// Who watches.
    pub probe: Probe,
    /// The least a part may hold, so that small bodies come in parts too.
    pub min_part_bytes: u64,
}

#[async_trait]
impl Store for ProbedStore {
    fn part_limits(&self) -> PartLimits {
        PartLimits { min_bytes: self.min_part_bytes, ..self.store.part_limits() }
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        self.probe
            .through("put", self.probe.written(self.store.put(key, bytes)), store_fault, |()| None)
            .await
    }

    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        let writer = self.probe.through("begin", self.store.begin(key, size), store_fault, |_| None).await?;
        Ok(Arc::new(ProbedWriter { writer, probe: self.probe.clone() }))
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        self.probe.through("read", self.store.read(key, range), store_fault, |_| None).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.probe.through("remove", self.store.remove(key), store_fault, |()| None).await
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.probe.through("size", self.store.size(key), store_fault, |_| None).await
    }

    async fn begin_direct(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        let begun = self.store.begin_direct(key, size, checksum);
        self.probe.through("begin_direct", begun, store_fault, |_| None).await
    }

    async fn sign_part(&self, grant: &PartGrant, now: Timestamp) -> Result<SignedPart, StoreError> {
        // Nothing is sent.
        self.store.sign_part(grant, now).await
    }

    async fn sign_read(&self, grant: &ReadGrant, now: Timestamp) -> Result<Option<ReadTarget>, StoreError> {
        self.store.sign_read(grant, now).await
    }

    fn open_read(
        &self,
        key: &ObjectKey,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Result<ReadGrant, ReadError> {
        self.store.open_read(key, query, now)
    }

    async fn take_part(
        &self,
        part: &PresentedPart,
        now: Timestamp,
        body: PartBody,
    ) -> Result<String, PartError> {
        let taken = self.store.take_part(part, now, body);
        self.probe.through("take_part", taken, || store_fault().into(), |_| None).await
    }

    async fn arrived(
        &self,
        key: &ObjectKey,
        upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let arrived = self.store.arrived(key, upload, after, limit);
        self.probe.through("arrived", arrived, store_fault, |_| None).await
    }

    async fn assemble(&self, key: &ObjectKey, upload: &str, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        self.probe.through("assemble", self.store.assemble(key, upload, parts), store_fault, |()| None).await
    }
}

#[derive(Debug)]
struct ProbedWriter {
    writer: Arc<dyn ObjectWriter>,
    probe: Probe,
}

#[async_trait]
impl ObjectWriter for ProbedWriter {
    async fn write(&self, part: Part) -> Result<(), StoreError> {
        self.probe.through("write", self.probe.written(self.writer.write(part)), store_fault, |()| None).await
    }

    async fn complete(&self) -> Result<(), StoreError> {
        self.probe.through("complete", self.writer.complete(), store_fault, |()| None).await
    }
}
