//! Writing: one thread, which commits together the writes that waited while it committed the ones before.

use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::failure::{again, failed};
use super::plan::Plan;
use super::schema::OpenError;
use crate::ports::{TableError, Write};

/// The most writes one transaction takes: what waits longer than these costs more than another fsync.
const ROUND: usize = 256;

/// A write and where its outcome goes.
struct Waiting {
    write: Write,
    answer: oneshot::Sender<Result<(), TableError>>,
}

/// The way to the thread that writes. Dropping it waits until what was handed over is committed.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Result<Self, OpenError> {
        let path = connection.path().unwrap_or_default().to_owned();
        let (queue, waiting) = mpsc::channel(ROUND);
        let run = move || serve(connection, waiting);
        let thread = std::thread::Builder::new().name("table-writer".to_owned()).spawn(run);
        let thread = thread.map_err(|error| OpenError::unusable(path.as_ref(), error))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Hands a write over and waits until it is durable, or refused. A caller that stops waiting does not stop the write.
    pub(super) async fn commit(&self, write: Write) -> Result<(), TableError> {
        let (answer, outcome) = oneshot::channel();
        let waiting = Waiting { write, answer };
        let Some(queue) = &self.queue else { return Err(gone()) };
        queue.send(waiting).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has answered nobody: every caller was told already.
            let _ended = thread.join();
        }
    }
}

fn gone() -> TableError {
    TableError::Failed("the thread that writes is gone".into())
}

fn serve(mut connection: Connection, mut waiting: mpsc::Receiver<Waiting>) {
    let mut round = Vec::with_capacity(ROUND);
    while waiting.blocking_recv_many(&mut round, ROUND) > 0 {
        commit(&mut connection, &mut round);
    }
}

/// Commits a round and tells everybody. An engine that fails fails the whole round: nothing of it was written.
fn commit(connection: &mut Connection, round: &mut Vec<Waiting>) {
    let (writes, answers): (Vec<_>, Vec<_>) =
        round.drain(..).map(|waiting| (waiting.write, waiting.answer)).unzip();
    let outcomes = attempt(connection, writes);
    for (place, answer) in answers.into_iter().enumerate() {
        let outcome = match &outcomes {
            Ok(refusals) => {
                refusals.get(place).and_then(Option::as_ref).map_or(Ok(()), |error| Err(again(error)))
            }
            Err(error) => Err(again(error)),
        };
        // A caller that stopped waiting needs no answer.
        let _unheard = answer.send(outcome);
    }
}

/// Runs the writes one after the other, each on what the ones before left, and makes them durable with one fsync.
/// Returns, for each, why it was refused.
fn attempt(connection: &mut Connection, writes: Vec<Write>) -> Result<Vec<Option<TableError>>, TableError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut refusals = Vec::with_capacity(writes.len());
    for write in writes {
        match Plan::new(&transaction, write) {
            Ok(plan) => {
                plan.apply(&transaction)?;
                refusals.push(None);
            }
            Err(error @ TableError::Unavailable(_)) => return Err(error),
            Err(error) => refusals.push(Some(error)),
        }
    }
    transaction.commit().map_err(failed)?;
    Ok(refusals)
}
