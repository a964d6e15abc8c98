//! The file that is pushed: told what it is, read by position, and watched that it stays the same.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use sha2::{Digest as _, Sha512};
use shared::format::{Content, Ranged};
use shared::store::{Checksum, ChecksumKind, Summing};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::Failure;
use crate::http::Body;

/// A file to push. Clones read the same one.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    file: Arc<File>,
    path: PathBuf,
    seen: Seen,
}

/// What a file is known again by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    seconds: i64,
    nanoseconds: i64,
}

/// What is read at a time.
const PIECE: usize = 256 << 10;

/// Pieces that wait for the network, of each part on its way.
const WAITING: usize = 4;

impl Source {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", path.display()));
        let file = File::open(path).map_err(|error| wrong(&error))?;
        let metadata = file.metadata().map_err(|error| wrong(&error))?;
        let kind = metadata.file_type();
        if kind.is_block_device() {
            return Err(wrong(&"is a device: push a file that was made of it"));
        }
        if !kind.is_file() {
            return Err(wrong(&"is no file, and parts of it are read by position"));
        }
        let path = path.canonicalize().map_err(|error| wrong(&error))?;
        Ok(Self { file: Arc::new(file), path, seen: Seen::of(&metadata) })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it is known again by.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Its number of bytes.
    pub(crate) fn size(&self) -> u64 {
        self.seen.size
    }

    /// Whether it is as it was when it was opened.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let now = self.file.metadata().map_err(|error| self.unreadable(&error))?;
        if Seen::of(&now) == self.seen {
            return Ok(());
        }
        let path = self.path.display();
        Err(Failure::Run(format!(
            "{path} is written to while it is pushed: what arrives would be no image of it"
        )))
    }

    /// What it is, told by a few short reads.
    pub(crate) fn inspect(&self) -> Result<Content, Failure> {
        let mut inspection = Ranged::new(self.size());
        let mut buffer = Vec::new();
        while let Some(range) = inspection.wants() {
            buffer.resize(usize::try_from(range.end - range.start).unwrap_or(usize::MAX), 0);
            self.file.read_exact_at(&mut buffer, range.start).map_err(|error| self.unreadable(&error))?;
            inspection.see(&buffer);
        }
        Ok(inspection.finish())
    }

    /// The checksum of a range.
    pub(crate) async fn checksum(&self, range: Range<u64>, kind: ChecksumKind) -> Result<Checksum, Failure> {
        let this = self.clone();
        let sum = move || {
            let mut sum = Summing::new(kind);
            this.read(range, |piece| {
                sum.update(piece);
                true
            })?;
            Ok(sum.finish())
        };
        self.in_a_thread(sum).await
    }

    /// The SHA-512 of all of it, in hexadecimal; read anew, beside whatever else reads it.
    pub(crate) async fn sha512(&self) -> Result<String, Failure> {
        let this = self.clone();
        let sum = move || {
            let mut sum = Sha512::new();
            this.read(0..this.size(), |piece| {
                sum.update(piece);
                true
            })?;
            Ok(shared::hexadecimal::encode(&sum.finalize()))
        };
        self.in_a_thread(sum).await
    }

    /// A range as the body of a request. What was handed to the network is counted. A thread reads ahead by some pieces, and ends
    /// with the body.
    pub(crate) fn body(&self, range: Range<u64>, sent: Arc<AtomicU64>) -> Body {
        let (pieces, queue) = mpsc::channel::<io::Result<Bytes>>(WAITING);
        let this = self.clone();
        spawn_blocking(move || {
            let read =
                this.read(range, |piece| pieces.blocking_send(Ok(Bytes::copy_from_slice(piece))).is_ok());
            if let Err(error) = read {
                // Nobody waits for it when the body is gone.
                let _ = pieces.blocking_send(Err(error));
            }
        });
        let next = move |mut queue: mpsc::Receiver<io::Result<Bytes>>| {
            let sent = Arc::clone(&sent);
            async move {
                let piece = queue.recv().await?;
                let piece = piece.inspect(|bytes| {
                    sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                });
                Some((piece.map(Frame::data), queue))
            }
        };
        StreamBody::new(stream::unfold(queue, next)).boxed_unsync()
    }

    /// Reads a range in pieces, until `take` has enough.
    fn read(&self, range: Range<u64>, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        let mut at = range.start;
        while at < range.end {
            let len = usize::try_from(range.end - at).map_or(PIECE, |left| left.min(PIECE));
            let piece = buffer.get_mut(..len).unwrap_or_default();
            self.file.read_exact_at(piece, at)?;
            at += len as u64;
            if !take(piece) {
                break;
            }
        }
        Ok(())
    }

    async fn in_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let done = spawn_blocking(work).await.map_err(|stopped| Failure::run(&stopped))?;
        done.map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::Run(format!("{}: {error}", self.path.display()))
    }
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[tokio::test]
    async fn a_range_is_read_as_it_is() {
        let bytes: Vec<u8> = (0..PIECE * 2 + 7).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let file = file(&bytes);
        let source = Source::open(file.path()).unwrap();
        for range in [0..0, 5..6, 0..bytes.len(), PIECE - 1..PIECE * 2 + 2] {
            let sent = Arc::new(AtomicU64::new(0));
            let body = source.body(range.start as u64..range.end as u64, Arc::clone(&sent));
            assert_eq!(body.collect().await.unwrap().to_bytes(), bytes[range.clone()]);
            assert_eq!(sent.load(Ordering::Relaxed), range.len() as u64);
        }
        assert_eq!(source.sha512().await.unwrap(), shared::hexadecimal::encode(&Sha512::digest(&bytes)));
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let mut file = file(b"abc");
        let source = Source::open(file.path()).unwrap();
        source.check().unwrap();
        file.write_all(b"d").unwrap();
        assert!(source.check().unwrap_err().to_string().contains("is written to while it is pushed"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for path in ["/nonexistent", "/", "/dev/null"] {
            let Err(Failure::Usage(text)) = Source::open(Path::new(path)) else { panic!("{path} was taken") };
            assert!(text.starts_with(path), "{text}");
        }
    }
}
