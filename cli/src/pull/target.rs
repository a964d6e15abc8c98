//! The file that an image is pulled into: `FILE.part`, with a list of its ranges that are there beside it.
//!
//! The list's first line says which data it is of; a line for each range that was written follows. It is not made durable, for the
//! hash of the whole is what counts: after a power cut, a range that is listed and not there costs the pull, not the file.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use futures_util::{TryStreamExt as _, stream};
use shared::id::ImageId;
use tokio::task::{block_in_place, spawn_blocking};

use super::digest::{Digest, Summing};
use super::fetch::Fetch;
use crate::progress::Bar;
use crate::{Failure, tell};

/// A file that is being pulled.
#[derive(Debug)]
pub(super) struct Target {
    part: PathBuf,
    list_path: PathBuf,
    file: Arc<File>,
    list: File,
    size: u64,
    range_bytes: u64,
    is_there: Vec<bool>,
    digest: Option<Digest>,
}

/// How large a range is, whatever the image: not so small that asking counts, not so large that a cut costs much.
const RANGE_BYTES: (u64, u64) = (64 << 10, 64 << 20);

/// What is hashed at a time.
const PIECE: usize = 1 << 20;

impl Target {
    /// Opens what there is of an earlier pull of the same data, or begins.
    pub(super) fn open(
        file: &Path,
        image: &ImageId,
        fetch: &Fetch<'_>,
        digest: Option<Digest>,
        parallel: u8,
    ) -> Result<Self, Failure> {
        let beside = |ending: &str| {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            file.with_file_name(name)
        };
        let (part, list_path) = (beside(".part"), beside(".part.list"));
        let wrong = |path: &Path, error: &io::Error| Failure::Run(format!("{}: {error}", path.display()));
        let open = |path: &Path| {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
            file.map_err(|error| wrong(path, &error))
        };
        let (opened, mut list) = (open(&part)?, open(&list_path)?);
        if list.try_lock().is_err() {
            return Err(Failure::Run(format!("{}: another pull writes it", part.display())));
        }
        let size = fetch.size();
        let hash = digest.as_ref().map_or("-", Digest::expected);
        let mut text = String::new();
        list.read_to_string(&mut text).map_err(|error| wrong(&list_path, &error))?;
        // A last line without its end was not written whole.
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        let mut lines = whole.lines();
        let first = lines.next().unwrap_or_default();
        let of_this = first.strip_prefix(&format!("{image} {size} {hash} "));
        let held = opened.metadata().map_err(|error| wrong(&part, &error))?.len();
        let kept = of_this.and_then(|bytes| bytes.parse().ok()).filter(|bytes| *bytes > 0 && held == size);
        let range_bytes = kept.unwrap_or_else(|| {
            let fair = size / (u64::from(parallel) * 4);
            fair.next_multiple_of(RANGE_BYTES.0).clamp(RANGE_BYTES.0, RANGE_BYTES.1)
        });
        let count = usize::try_from(size.div_ceil(range_bytes)).unwrap_or(usize::MAX);
        let mut is_there = vec![false; count];
        let begun = if kept.is_some() {
            for number in lines.filter_map(|line| line.parse::<usize>().ok()) {
                if let Some(there) = is_there.get_mut(number) {
                    *there = true;
                }
            }
            list.set_len(whole.len() as u64)
        } else {
            // Another image's data, or none.
            let emptied =
                opened.set_len(0).and_then(|()| opened.set_len(size)).and_then(|()| list.set_len(0));
            emptied
                .and_then(|()| list.rewind())
                .and_then(|()| writeln!(list, "{image} {size} {hash} {range_bytes}"))
        };
        begun.and_then(|()| list.seek(SeekFrom::End(0))).map_err(|error| wrong(&part, &error))?;
        Ok(Self { part, list_path, file: Arc::new(opened), list, size, range_bytes, is_there, digest })
    }

    fn range(&self, number: usize) -> Range<u64> {
        let start = (number as u64).saturating_mul(self.range_bytes);
        start..start.saturating_add(self.range_bytes).min(self.size)
    }

    /// Pulls what is missing, so many ranges at once, hashes the whole beside that, and holds it to the image's hash.
    pub(super) async fn fill(&self, fetch: &Fetch<'_>, at_once: usize, bar: &Bar) -> Result<(), Failure> {
        let missing: Vec<_> =
            (0..).zip(&self.is_there).filter(|(_, there)| !**there).map(|(number, _)| number).collect();
        let left: u64 =
            missing.iter().map(|number| self.range(*number)).map(|range| range.end - range.start).sum();
        if left < self.size {
            tell(&format!("{}: {} of {} bytes are there", self.part.display(), self.size - left, self.size));
        }
        bar.begin("pulling", self.size - left);
        let (told, hashing) = self.hash();
        let done = std::sync::Mutex::new((self.is_there.clone(), told));
        let ranges = stream::iter(missing.into_iter().map(Ok::<usize, Failure>));
        let done = &done;
        let pulled = ranges.try_for_each_concurrent(at_once, |number| {
            Box::pin(async move {
                let take = |offset, piece: &[u8]| {
                    block_in_place(|| self.file.write_all_at(piece, offset))?;
                    bar.add(piece.len() as u64);
                    Ok(())
                };
                fetch.range(self.range(number), take).await?;
                let mut list = &self.list;
                list.write_all(format!("{number}\n").as_bytes()).map_err(|error| self.wrong(&error))?;
                let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(there) = done.0.get_mut(number) {
                    *there = true;
                }
                let prefix = done.0.iter().take_while(|there| **there).count();
                // Whoever hashes may have met a fault of the disk; that is told below.
                let _ = done.1.send(self.range(prefix).start.min(self.size));
                Ok(())
            })
        });
        pulled.await?;
        bar.begin("checking", self.size);
        let found = hashing.await.map_err(|stopped| Failure::run(&stopped))?;
        match (&self.digest, found.map_err(|error| self.wrong(&error))?) {
            (Some(digest), Some(found)) => digest.hold(&found).map_err(|why| self.spoilt(&why)),
            _ => Ok(()),
        }
    }

    /// A thread that hashes what is there from the beginning on, as it is told how far that is.
    fn hash(&self) -> (mpsc::Sender<u64>, tokio::task::JoinHandle<io::Result<Option<String>>>) {
        let (tell, told) = mpsc::channel();
        let (file, size, digest) = (Arc::clone(&self.file), self.size, self.digest.clone());
        let prefix = self.is_there.iter().take_while(|there| **there).count();
        // It hears at least this, also when nothing is missing.
        let _ = tell.send(self.range(prefix).start.min(size));
        let hashing = spawn_blocking(move || {
            let Some(mut summing) = digest.as_ref().map(Summing::new) else { return Ok(None) };
            let (mut at, mut buffer) = (0, vec![0; PIECE]);
            while at < size {
                let Ok(end) = told.recv() else { return Ok(None) };
                while at < end {
                    let len = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
                    let piece = buffer.get_mut(..len).unwrap_or_default();
                    file.read_exact_at(piece, at)?;
                    summing.update(piece);
                    at += len as u64;
                }
            }
            Ok(Some(summing.finish()))
        });
        (tell, hashing)
    }

    /// What was pulled is not the image: nothing of it is to be gone on with.
    fn spoilt(&self, why: &str) -> Failure {
        let removed = fs::remove_file(&self.part).and_then(|()| fs::remove_file(&self.list_path));
        let left =
            removed.err().map_or_else(String::new, |error| format!(" (and cannot be removed: {error})"));
        Failure::Run(format!("what was pulled is not the image: {why}; it is removed{left}"))
    }

    /// Makes it the file.
    pub(super) fn finish(self, file: &Path) -> Result<(), Failure> {
        let done = self.file.sync_all().and_then(|()| fs::rename(&self.part, file));
        done.map_err(|error| self.wrong(&error))?;
        match fs::remove_file(&self.list_path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.wrong(&error)),
            _ => Ok(()),
        }
    }

    fn wrong(&self, error: &io::Error) -> Failure {
        Failure::Run(format!("{}: {error}", self.part.display()))
    }
}
