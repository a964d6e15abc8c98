//! Ports that count their calls and fail, wait or repeat themselves when they are told to.

use std::fmt::{self, Debug};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use shared::ports::{
    ByteStream, Chunks, Item, Job, Key, ObjectWriter, Page, Part, PartBody, PartError, PartLimits,
    PresentedPart, Query, Queue, ReadError, ReadTarget, SignedPart, Store, StoreError, Table, TableError,
    Write,
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
    /// The process stands still before the call: every lease ends, and others do what is then due.
    Delayed,
    /// The same between the call and its answer.
    DelayedAfter,
    /// One call is made twice, as by who sends it again; the second answer counts.
    Doubled,
}

impl Fault {
    /// Every way to fail.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::AnswerLost,
        Self::Killed,
        Self::KilledAfter,
        Self::Delayed,
        Self::DelayedAfter,
        Self::Doubled,
    ];

    /// The ways that need no time: a call is not made, or its answer is lost.
    pub const FAILURES: [Self; 4] = [Self::Refused, Self::AnswerLost, Self::Killed, Self::KilledAfter];
}

/// What happens while a process stands still.
type Meanwhile = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Watches the calls of all ports together.
#[derive(Clone, Debug, Default)]
pub struct Probe(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    calls: Vec<String>,
    jobs: Vec<&'static str>,
    faults: Vec<(usize, Fault)>,
    full: bool,
    refused: Option<&'static str>,
    meanwhile: Option<Meanwhile>,
}

impl Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("calls", &self.calls)
            .field("jobs", &self.jobs)
            .field("faults", &self.faults)
            .field("full", &self.full)
            .finish_non_exhaustive()
    }
}

/// What becomes of a call; the worst of several counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Pass,
    Double,
    WaitAfter,
    Wait,
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
        let mut state = self.state();
        (state.calls, state.faults) = (Vec::new(), faults.into_iter().collect());
        state.jobs.clear();
    }

    /// Says whether the store has room for more bytes.
    pub fn fill(&self, full: bool) {
        self.state().full = full;
    }

    /// Has every call of a name refused; none, when there is none.
    pub fn refuse(&self, call: Option<&'static str>) {
        self.state().refused = call;
    }

    /// A write of bytes, which takes room.
    async fn written(
        &self,
        write: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), StoreError> {
        if self.state().full { Err(StoreError::Full) } else { write.await }
    }

    /// What happens while a process stands still; nothing, until it is said.
    pub fn meanwhile<T: Future<Output = ()> + Send + 'static>(
        &self,
        happens: impl Fn() -> T + Send + Sync + 'static,
    ) {
        self.state().meanwhile = Some(Arc::new(move || Box::pin(happens())));
    }

    async fn stand_still(&self) {
        let meanwhile = self.state().meanwhile.clone();
        if let Some(happens) = meanwhile {
            happens().await;
        }
    }

    /// Forgets the calls so far; none fails any more.
    pub fn reset(&self) {
        self.arm_all([]);
    }

    /// The calls since the last reset, with what they cost: `get 1`, `query 25`, `commit 4`, `put`, `write`, …
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// What was asked of others since the last reset: `reap`, `import`, and either `later`. No call of those above.
    pub fn jobs(&self) -> Vec<&'static str> {
        self.state().jobs.clone()
    }

    fn called(&self, call: &str) -> (usize, Verdict) {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(call.to_owned());
        let verdicts = state.faults.iter().map(|&(at, fault)| match fault {
            Fault::Refused if number == at => Verdict::Refuse,
            Fault::AnswerLost | Fault::KilledAfter if number == at => Verdict::Lose,
            Fault::Killed | Fault::KilledAfter if number >= at => Verdict::Refuse,
            Fault::Delayed if number == at => Verdict::Wait,
            Fault::DelayedAfter if number == at => Verdict::WaitAfter,
            Fault::Doubled if number == at => Verdict::Double,
            _ => Verdict::Pass,
        });
        let verdict = verdicts.max().unwrap_or(Verdict::Pass);
        let verdict = if state.refused == Some(call) { Verdict::Refuse } else { verdict };
        (number, verdict)
    }

    /// Notes how much a call came to.
    fn amount(&self, number: usize, amount: usize) {
        if let Some(call) = self.state().calls.get_mut(number) {
            *call = format!("{call} {amount}");
        }
    }

    async fn through<T, E, Made: Future<Output = Result<T, E>> + Send>(
        &self,
        call: &str,
        make: impl Fn() -> Made + Send,
        fault: impl Fn() -> E + Send,
        amount: impl Fn(&T) -> Option<usize> + Send,
    ) -> Result<T, E> {
        // A call takes time, in which others go on.
        tokio::task::yield_now().await;
        let (number, verdict) = self.called(call);
        match verdict {
            Verdict::Refuse => Err(fault()),
            Verdict::Lose => make().await.and_then(|_| Err(fault())),
            Verdict::Pass | Verdict::Wait | Verdict::WaitAfter | Verdict::Double => {
                if verdict == Verdict::Wait {
                    self.stand_still().await;
                }
                let mut answer = make().await;
                match verdict {
                    Verdict::Double => answer = make().await,
                    Verdict::WaitAfter => self.stand_still().await,
                    _ => {}
                }
                if let Some(amount) = answer.as_ref().ok().and_then(amount) {
                    self.amount(number, amount);
                }
                answer
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
        self.probe.through("get", || self.table.get(key), table_fault, found).await
    }

    async fn get_batch(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.probe
            .through("get_batch", || self.table.get_batch(keys), table_fault, |items| Some(items.len()))
            .await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.probe
            .through("query", || self.table.query(query), table_fault, |page| Some(page.items.len()))
            .await
    }

    async fn commit(&self, write: Write) -> Result<(), TableError> {
        let changes = write.changes().len();
        self.probe
            .through("commit", || self.table.commit(write.clone()), table_fault, |()| Some(changes))
            .await
    }
}

/// A queue under a probe, which counts what it is asked for.
#[derive(Debug)]
pub struct ProbedQueue {
    /// Where jobs go.
    pub queue: Arc<dyn Queue>,
    /// Who watches.
    pub probe: Probe,
}

#[async_trait]
impl Queue for ProbedQueue {
    async fn enqueue(&self, job: Job) {
        self.probe.state().jobs.push(if job == Job::Reap { "reap" } else { "import" });
        self.queue.enqueue(job).await;
    }

    async fn enqueue_after(&self, job: Job, delay: Duration) {
        self.probe.state().jobs.push(if job == Job::Reap { "reap later" } else { "import later" });
        self.queue.enqueue_after(job, delay).await;
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

    fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    async fn put(&self, key: &ObjectKey, bytes: Chunks) -> Result<(), StoreError> {
        let put = || self.probe.written(self.store.put(key, bytes.clone()));
        self.probe.through("put", put, store_fault, |()| None).await
    }

    async fn begin(&self, key: &ObjectKey, size: Option<u64>) -> Result<Arc<dyn ObjectWriter>, StoreError> {
        let writer =
            self.probe.through("begin", || self.store.begin(key, size), store_fault, |_| None).await?;
        Ok(Arc::new(ProbedWriter { writer, probe: self.probe.clone() }))
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<ByteStream, StoreError> {
        self.probe.through("read", || self.store.read(key, range.clone()), store_fault, |_| None).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.probe.through("remove", || self.store.remove(key), store_fault, |()| None).await
    }

    async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        self.probe.through("size", || self.store.size(key), store_fault, |_| None).await
    }

    async fn begin_direct(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<String, StoreError> {
        let begun = || self.store.begin_direct(key, size, checksum);
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
        // A body can be sent again only by who has kept it.
        let body = gathered(body).await;
        let take = || {
            let pieces = body.clone().into_iter().map(|piece| piece.map_err(Into::into));
            self.store.take_part(part, now, Box::pin(futures_util::stream::iter(pieces)))
        };
        self.probe.through("take_part", take, || store_fault().into(), |_| None).await
    }

    async fn bring_part(&self, key: &ObjectKey, upload: &str, part: Part) -> Result<(), StoreError> {
        let bring = || self.store.bring_part(key, upload, part.clone());
        self.probe.through("bring_part", || self.probe.written(bring()), store_fault, |()| None).await
    }

    async fn arrived(
        &self,
        key: &ObjectKey,
        upload: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let arrived = || self.store.arrived(key, upload, after, limit);
        self.probe.through("arrived", arrived, store_fault, |_| None).await
    }

    async fn assemble(&self, key: &ObjectKey, upload: &str, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        self.probe
            .through("assemble", || self.store.assemble(key, upload, parts), store_fault, |()| None)
            .await
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
        let write = || self.probe.written(self.writer.write(part.clone()));
        self.probe.through("write", write, store_fault, |()| None).await
    }

    async fn complete(&self) -> Result<(), StoreError> {
        self.probe.through("complete", || self.writer.complete(), store_fault, |()| None).await
    }
}

/// The pieces of a body, as far as they come.
async fn gathered(mut body: PartBody) -> Vec<Result<Bytes, String>> {
    let mut pieces = Vec::new();
    while let Some(piece) = body.next().await {
        pieces.push(piece.map_err(|broken| broken.to_string()));
    }
    pieces
}
