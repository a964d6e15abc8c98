//! Parts that clients bring one by one, in any number of requests and across restarts.
//!
//! A part lies at its offset in the object's one file. A journal beside it says which have arrived, a line each, written and
//! synced after the part's bytes: `+<number> <length> <entity tag> <checksum>`; and before a part is written over,
//! `-<number>`. Its first line is the object's. A last line without its end was never answered, and counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::task::{JoinHandle, spawn_blocking};

use super::blocks::Blocks;
use super::failure::{failed, refused};
use super::layout::Layout;
use super::writer::Target;
use super::{blocking, disk};
use crate::ports::{Chunks, PartBody, PartError, StoreError};
use crate::store::{ArrivedPart, Checksum, ChecksumKind, ObjectKey, PartGrant, Summing};

/// What is called the upload of every object: a key is begun once.
pub(super) const UPLOAD: &str = "file";

/// Bytes that are gathered before they are written, a multiple of a block. Twice as many of a part are held at a time.
const BATCH: u64 = 4 << 20;

/// The objects that clients bring parts of. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    layout: Layout,
    blocks: Blocks,
    open: Arc<Mutex<BTreeMap<ObjectKey, Arc<Session>>>>,
}

#[derive(Debug)]
struct Session {
    size: u64,
    path: PathBuf,
    to: Target,
    journal: Mutex<File>,
    journal_path: PathBuf,
    arrived: Mutex<BTreeMap<u32, ArrivedPart>>,
    /// Parts that are being brought now.
    busy: Mutex<BTreeSet<u32>>,
    /// Whether nothing may be written any more. Who writes holds it shared, so nothing is written to an object that is whole.
    closed: RwLock<bool>,
}

impl Sessions {
    pub(super) fn new(layout: Layout, blocks: Blocks) -> Self {
        Self { layout, blocks, open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, Arc<Session>>> {
        lock(&self.open)
    }

    /// Makes the file, with room for all parts, and the journal.
    pub(super) fn begin(
        &self,
        key: &ObjectKey,
        size: u64,
        checksum: Option<ChecksumKind>,
    ) -> Result<(), StoreError> {
        let made = self.make(key, size, checksum);
        if made.is_err() {
            // What it got of the room would be missed until the removal.
            self.layout.remove(key)?;
        }
        made
    }

    fn make(&self, key: &ObjectKey, size: u64, checksum: Option<ChecksumKind>) -> Result<(), StoreError> {
        let (file, path) = (self.layout.start(key)?, self.layout.unfinished(key));
        file.set_len(size).map_err(|error| refused("size", &path, error))?;
        disk::reserve(&file, size).map_err(|error| refused("reserve room for", &path, error))?;
        file.sync_all().map_err(|error| refused("sync", &path, error))?;
        let (mut journal, path) = (self.layout.start_journal(key)?, self.layout.journal(key));
        let first = format!("{size} {}\n", checksum.map_or("-", ChecksumKind::name));
        let written = journal.write_all(first.as_bytes()).and_then(|()| journal.sync_all());
        written.map_err(|error| refused("write", &path, error))?;
        self.layout.sync_writing()
    }

    /// The session of an object, read from disk when nobody has it open; `None` when there is none.
    fn find(&self, key: &ObjectKey) -> Result<Option<Arc<Session>>, StoreError> {
        let mut open = self.open();
        if let Some(session) = open.get(key) {
            return Ok(Some(Arc::clone(session)));
        }
        let found = Session::read(&self.layout, self.blocks.clone(), key)?.map(Arc::new);
        if let Some(session) = &found {
            open.insert(key.clone(), Arc::clone(session));
        }
        Ok(found)
    }

    /// Lets nobody write any more, because the object is removed: its files are gone, so nobody opens it again.
    pub(super) fn close(&self, key: &ObjectKey) {
        let removed = self.open().remove(key);
        if let Some(session) = removed {
            *session.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        }
    }

    pub(super) fn arrived(
        &self,
        key: &ObjectKey,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        let session = self.find(key)?.ok_or(StoreError::NotFound)?;
        let arrived = lock(&session.arrived);
        let behind = arrived.range(after.saturating_add(1)..);
        Ok(behind.take(limit as usize).map(|(_, part)| part.clone()).collect())
    }

    pub(super) fn assemble(&self, key: &ObjectKey, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        let Some(session) = self.find(key)? else {
            super::reader::size(&self.layout.object(key))?;
            // An earlier run may have been stopped before it came to this.
            return self.layout.drop_journal(key);
        };
        let mut closed = session.closed.write().unwrap_or_else(PoisonError::into_inner);
        if !*closed {
            session.check(parts)?;
            session.to.sync().map_err(|error| refused("sync", &session.path, error))?;
        }
        self.layout.finish(key)?;
        *closed = true;
        self.open().remove(key);
        self.layout.drop_journal(key)?;
        self.layout.sync_writing()
    }

    /// Takes a part whose leave was looked at.
    pub(super) async fn take(&self, grant: &PartGrant, body: PartBody) -> Result<String, PartError> {
        let (sessions, key) = (self.clone(), grant.key.clone());
        let session = blocking(move || sessions.find(&key)).await?.ok_or(PartError::Ended)?;
        if grant.range.end > session.size {
            return Err(StoreError::Failed("a part reaches past its object".into()).into());
        }
        let busy = Busy::take(&session, grant.number)?;
        let (of, number) = (Arc::clone(&session), grant.number);
        run(move || of.forget(number)).await?;
        let sums = Sums::new(grant.checksum.as_ref());
        let sums = receive(&session, grant, body, sums).await?;
        let (etag, checksum) = sums.finish();
        if let Some(declared) =
            grant.checksum.as_ref().filter(|declared| checksum.as_ref() != Some(*declared))
        {
            return Err(PartError::Checksum { kind: declared.kind.name() });
        }
        let part = ArrivedPart { number, len: grant.len(), etag: etag.clone(), checksum };
        run(move || session.note(part)).await?;
        drop(busy);
        Ok(etag)
    }
}

/// Writes a body to its place while more of it comes.
async fn receive(
    session: &Arc<Session>,
    grant: &PartGrant,
    mut body: PartBody,
    sums: Sums,
) -> Result<Sums, PartError> {
    let (mut received, mut at, mut rest) = (0, grant.range.start, Bytes::new());
    let mut writing = Writing::Idle(sums);
    loop {
        let (mut pieces, mut room) = (Vec::new(), BATCH - at % BATCH);
        let mut ended = false;
        while room > 0 {
            if rest.is_empty() {
                let Some(bytes) = body.next().await else {
                    ended = true;
                    break;
                };
                rest = bytes.map_err(|source| PartError::Broken { received, source })?;
                received += rest.len() as u64;
                if received > grant.len() {
                    return Err(PartError::Length { expected: grant.len(), received });
                }
            }
            let piece = rest.split_to(rest.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            room -= piece.len() as u64;
            pieces.push(piece);
        }
        let (chunks, mut sums) = (Chunks::from(pieces), writing.done().await?);
        if ended && received != grant.len() {
            return Err(PartError::Length { expected: grant.len(), received });
        }
        let (of, offset, len) = (Arc::clone(session), at, chunks.len());
        writing = Writing::Busy(spawn_blocking(move || {
            of.write(&chunks, offset)?;
            chunks.pieces().iter().for_each(|piece| sums.update(piece));
            Ok(sums)
        }));
        at += len;
        if ended {
            return writing.done().await;
        }
    }
}

/// A batch on its way to the disk, and the sums of all that went before.
enum Writing {
    Idle(Sums),
    Busy(JoinHandle<Result<Sums, PartError>>),
}

impl Writing {
    async fn done(self) -> Result<Sums, PartError> {
        match self {
            Self::Idle(sums) => Ok(sums),
            Self::Busy(handle) => handle.await.map_err(|stopped| StoreError::Failed(Box::new(stopped)))?,
        }
    }
}

/// What a part's bytes add up to: its entity tag, and what the client has declared, which may be of the same kind.
struct Sums {
    etag: Summing,
    declared: Option<ChecksumKind>,
    other: Option<Summing>,
}

/// How entity tags are made.
const ETAG: ChecksumKind = ChecksumKind::Crc64Nvme;

impl Sums {
    fn new(declared: Option<&Checksum>) -> Self {
        let declared = declared.map(|declared| declared.kind);
        let other = declared.filter(|kind| *kind != ETAG).map(Summing::new);
        Self { etag: Summing::new(ETAG), declared, other }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.etag.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
    }

    fn finish(self) -> (String, Option<Checksum>) {
        let sum = self.etag.finish();
        let etag = format!("\"{}\"", sum.value());
        let same = self.declared.filter(|kind| *kind == ETAG).map(|_| sum);
        (etag, self.other.map(Summing::finish).or(same))
    }
}

/// A part that nobody else may bring at the moment.
struct Busy {
    session: Arc<Session>,
    number: u32,
}

impl Busy {
    fn take(session: &Arc<Session>, number: u32) -> Result<Self, PartError> {
        if !lock(&session.busy).insert(number) {
            return Err(PartError::Busy);
        }
        Ok(Self { session: Arc::clone(session), number })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.session.busy).remove(&self.number);
    }
}

impl Session {
    fn read(layout: &Layout, blocks: Blocks, key: &ObjectKey) -> Result<Option<Self>, StoreError> {
        let (path, journal_path) = (layout.unfinished(key), layout.journal(key));
        let opened = |opened: std::io::Result<File>, path: &PathBuf| match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused("open", path, error)),
        };
        // The file goes first when an object is made whole: with the journal alone, there is no session any more.
        let Some(journal) = opened(File::options().append(true).open(&journal_path), &journal_path)? else {
            return Ok(None);
        };
        let Some(file) = opened(File::options().write(true).open(&path), &path)? else { return Ok(None) };
        let text = std::fs::read_to_string(&journal_path);
        let text = text.map_err(|error| refused("read", &journal_path, error))?;
        let unreadable = || failed(format!("{} cannot be understood", journal_path.display()));
        let whole = text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default();
        if whole.len() < text.len() {
            // Another line would be joined to the half one.
            let len = whole.len() as u64;
            journal.set_len(len).map_err(|error| refused("cut", &journal_path, error))?;
        }
        let mut lines = whole.lines();
        let size =
            lines.next().and_then(|first| first.split(' ').next()?.parse().ok()).ok_or_else(unreadable)?;
        let mut arrived = BTreeMap::new();
        for line in lines {
            match entry(line).ok_or_else(unreadable)? {
                Entry::Arrived(part) => arrived.insert(part.number, part),
                Entry::Gone(number) => arrived.remove(&number),
            };
        }
        let held = file.metadata().map_err(|error| refused("look at", &path, error))?.size();
        if held < size {
            return Err(failed(format!("{} has {held} bytes of {size}", path.display())));
        }
        let to = Target::new(file, &path, blocks);
        let (arrived, busy, journal) = (Mutex::new(arrived), Mutex::default(), Mutex::new(journal));
        Ok(Some(Self { size, path, to, journal, journal_path, arrived, busy, closed: RwLock::new(false) }))
    }

    /// Does something to the files, unless the object is whole or removed.
    fn unless_closed<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, PartError> {
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed { Err(PartError::Ended) } else { Ok(work()?) }
    }

    fn write(&self, chunks: &Chunks, offset: u64) -> Result<(), PartError> {
        self.unless_closed(|| {
            self.to.write(chunks, offset).map_err(|error| refused("write", &self.path, error))
        })
    }

    /// Makes a part's bytes durable, then that it has arrived.
    fn note(&self, part: ArrivedPart) -> Result<(), PartError> {
        self.unless_closed(|| {
            self.to.sync_data().map_err(|error| refused("sync", &self.path, error))?;
            let checksum = part.checksum.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            self.append(&format!("+{} {} {} {checksum}\n", part.number, part.len, part.etag))?;
            lock(&self.arrived).insert(part.number, part);
            Ok(())
        })
    }

    /// Says that a part is going to be written over, if it has arrived.
    fn forget(&self, number: u32) -> Result<(), PartError> {
        self.unless_closed(|| {
            if lock(&self.arrived).contains_key(&number) {
                self.append(&format!("-{number}\n"))?;
                lock(&self.arrived).remove(&number);
            }
            Ok(())
        })
    }

    /// Adds a line. If the process dies at it, it has no end; if it fails, nothing of it stays.
    fn append(&self, line: &str) -> Result<(), StoreError> {
        let mut journal = lock(&self.journal);
        let before = journal.metadata().map_err(|error| refused("look at", &self.journal_path, error))?.len();
        let written = journal.write_all(line.as_bytes()).and_then(|()| journal.sync_data());
        written.map_err(|error| {
            // Where that fails too, the journal cannot be read any more, and the session ends by its due row.
            let _ = journal.set_len(before);
            refused("write", &self.journal_path, error)
        })
    }

    /// Whether these are the parts that are there, and all of them.
    fn check(&self, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        let arrived = lock(&self.arrived);
        for (number, part) in (1..).zip(parts) {
            if part.number != number || arrived.get(&number) != Some(part) {
                return Err(failed(format!("part {number} is missing, or has changed")));
            }
        }
        let len: u64 = parts.iter().map(|part| part.len).sum();
        if len == self.size { Ok(()) } else { Err(failed(format!("{len} bytes of {}", self.size))) }
    }
}

/// A line of the journal.
enum Entry {
    Arrived(ArrivedPart),
    Gone(u32),
}

fn entry(line: &str) -> Option<Entry> {
    if let Some(number) = line.strip_prefix('-') {
        return Some(Entry::Gone(number.parse().ok()?));
    }
    let mut words = line.strip_prefix('+')?.split(' ');
    let (number, len, etag) =
        (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.to_owned());
    let checksum = match words.next()? {
        "-" => None,
        text => {
            let (kind, value) = text.split_once(':')?;
            Some(Checksum::parse(ChecksumKind::parse(kind)?, value)?)
        }
    };
    Some(Entry::Arrived(ArrivedPart { number, len, etag, checksum }))
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PartError> + Send + 'static,
) -> Result<T, PartError> {
    spawn_blocking(work).await.map_err(|stopped| StoreError::Failed(Box::new(stopped)))?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
