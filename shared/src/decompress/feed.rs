//! What a decoder reads from, and what it writes to: channels, for it runs in a thread.

use std::io::{self, BufRead, Read};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::sync::mpsc::{Receiver, Sender};

use super::{Bounds, Error, Packing};
use crate::ports::Cause;

/// What is given out at a time, in bytes.
pub(super) const CHUNK: usize = 256 << 10;

/// The packed bytes as they arrive.
pub(super) struct Feed {
    arrivals: Receiver<Result<Bytes, Cause>>,
    here: Bytes,
    read: u64,
    failure: Option<Cause>,
}

impl Feed {
    pub(super) fn new(arrivals: Receiver<Result<Bytes, Cause>>) -> Self {
        Self { arrivals, here: Bytes::new(), read: 0, failure: None }
    }

    /// Bytes that were read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read
    }

    /// What the source said when it broke.
    pub(super) fn failure(&mut self) -> Option<Cause> {
        self.failure.take()
    }

    /// Whether nothing comes any more.
    pub(super) fn is_over(&mut self) -> io::Result<bool> {
        Ok(self.fill_buf()?.is_empty())
    }

    /// A run of bytes whose length is known.
    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.here.is_empty() && self.failure.is_none() {
            match self.arrivals.blocking_recv() {
                Some(Ok(bytes)) => self.here = bytes,
                Some(Err(cause)) => self.failure = Some(cause),
                None => break,
            }
        }
        match self.failure {
            Some(_) if self.here.is_empty() => Err(io::Error::other("the source broke")),
            _ => Ok(&self.here),
        }
    }

    fn consume(&mut self, len: usize) {
        self.here.advance(len.min(self.here.len()));
        self.read += len as u64;
    }
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let here = self.fill_buf()?;
        let len = here.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..len), here.get(..len)) {
            to.copy_from_slice(from);
        }
        self.consume(len);
        Ok(len)
    }
}

/// Where unpacked bytes go, and what bounds them.
pub(super) struct Bounded {
    packing: Packing,
    bounds: Bounds,
    made: u64,
    gone: Sender<Result<Bytes, Error>>,
}

/// Nobody waits for what comes out, or nothing more may.
pub(super) enum Stop {
    Nobody,
    Because(Error),
}

impl Bounded {
    pub(super) fn new(packing: Packing, bounds: Bounds, gone: Sender<Result<Bytes, Error>>) -> Self {
        Self { packing, bounds, made: 0, gone }
    }

    /// Gives out all that a decoder makes.
    pub(super) fn copy(&mut self, decoder: &mut impl Decoder) -> Result<(), Stop> {
        loop {
            let mut chunk = BytesMut::zeroed(CHUNK);
            let mut filled = 0;
            let mut over = false;
            while let Some(room) = chunk.get_mut(filled..).filter(|room| !room.is_empty()) {
                match decoder.decode(room) {
                    Ok(0) => {
                        over = true;
                        break;
                    }
                    Ok(len) => filled += len,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Stop::Because(damaged(self.packing, decoder.feed(), &error))),
                }
                self.check(self.made + filled as u64, decoder.consumed())?;
            }
            self.made += filled as u64;
            chunk.truncate(filled);
            if filled > 0 && self.gone.blocking_send(Ok(chunk.freeze())).is_err() {
                return Err(Stop::Nobody);
            }
            if over {
                return Ok(());
            }
        }
    }

    fn check(&self, made: u64, read: u64) -> Result<(), Stop> {
        let Bounds { max_bytes, max_ratio, floor } = self.bounds;
        let packing = self.packing;
        if made > max_bytes {
            return Err(Stop::Because(Error::TooLarge { packing, limit: max_bytes }));
        }
        if made > floor && made > read.saturating_mul(max_ratio) {
            return Err(Stop::Because(Error::TooDense { packing, made, read, limit: max_ratio }));
        }
        Ok(())
    }
}

/// What unpacks bytes of a feed.
pub(super) trait Decoder {
    /// Unpacks some; 0 when all is unpacked and was found whole.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize>;

    /// The feed it reads from.
    fn feed(&mut self) -> Option<&mut Feed>;

    /// Bytes that it has read.
    fn consumed(&mut self) -> u64 {
        self.feed().map_or(0, |feed| feed.read_bytes())
    }
}

/// What an error is that came of reading a feed.
pub(super) fn damaged(packing: Packing, mut feed: Option<&mut Feed>, error: &io::Error) -> Error {
    if let Some(cause) = feed.as_mut().and_then(|feed| feed.failure()) {
        return Error::Source(cause);
    }
    let at = feed.map_or(0, |feed| feed.read_bytes());
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Damaged { packing, at, why: "it ends too early".to_owned() },
        io::ErrorKind::Unsupported | io::ErrorKind::OutOfMemory => {
            Error::Unsupported { packing, why: error.to_string() }
        }
        _ => Error::Damaged { packing, at, why: error.to_string() },
    }
}

/// An error of a kind that is not taken.
pub(super) fn unsupported(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why.into())
}

/// An error of what is not as it must be.
pub(super) fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}
